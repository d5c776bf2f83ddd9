//! DQN and double DQN, for discrete actions (Mnih et al. 2015; van Hasselt et al. 2016, arXiv 1509.06461).
//!
//! y = r + γ(1 − terminated) Q̄(s', a*), a* the best action by the target network (DQN) or by the one that
//! is trained (double DQN); one step on the mean loss of Q(s, a) − y.

use super::actor_critic::{DISCOUNT, RESETS, batch_size, buffer, learning_starts, preset};
use super::buffer::{Batch, Buffer, Transition};
use super::networks::Make;
use super::schedule::Schedule;
use super::settings::{count, schedule};
use super::target::Target;
use super::tensors::{evaluate, matrix, upstream, values};
use super::{Agent, AgentError, Beliefs, Chosen, Decisions, Look, Losses, largest};
use crate::environments::ActionSpace;
use crate::random::Stream;
use crate::spec::{Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Stateful};
use crate::trained::Trained;

const PRESETS: &[&str] = &["cleanrl", "rl-zoo"];

const PARAMETERS: &[Parameter] = &[
    preset("cleanrl", PRESETS),
    DISCOUNT,
    batch_size(128),
    buffer(10_000),
    learning_starts(10_000),
    Parameter {
        name: "train_frequency",
        summary: "decisions between two trainings",
        kind: Kind::Integer { default: Some(10), min: 1, max: 1_000_000 },
    },
    super::actor_critic::updates_per_step(1),
    Parameter {
        name: "loss",
        summary: "of a temporal difference: its square, or Huber's with δ = 1",
        kind: Kind::Text { default: Some("squared"), one_of: &["huber", "squared"] },
    },
    Parameter {
        name: "tau",
        summary: "share of the trained network in its target at each target update",
        kind: Kind::Number { default: Some(1.0), min: 0.0, max: 1.0 },
    },
    Parameter {
        name: "target_every",
        summary: "decisions between two updates of the target network",
        kind: Kind::Integer { default: Some(500), min: 1, max: 1_000_000_000 },
    },
    Parameter {
        name: "epsilon_start",
        summary: "share of random actions at the start",
        kind: Kind::Number { default: Some(1.0), min: 0.0, max: 1.0 },
    },
    Parameter {
        name: "epsilon_end",
        summary: "share of random actions at the end of the schedule",
        kind: Kind::Number { default: Some(0.05), min: 0.0, max: 1.0 },
    },
    Parameter {
        name: "epsilon_decisions",
        summary: "decisions over which the share falls linearly",
        kind: Kind::Integer { default: Some(250_000), min: 1, max: 1_000_000_000 },
    },
    RESETS,
];

/// Catalogue entry.
pub const DQN: Entry = Entry {
    name: "dqn",
    summary: "deep Q-network: discrete actions, ε-greedy, target network",
    source: "Mnih et al. 2015",
    parameters: PARAMETERS,
};

/// Catalogue entry.
pub const DOUBLE_DQN: Entry = Entry {
    name: "double-dqn",
    summary: "DQN whose target takes the trained network's best action",
    source: "van Hasselt et al. 2016, arXiv 1509.06461",
    parameters: PARAMETERS,
};

/// The agent.
pub struct Dqn {
    make: Make,
    double: bool,
    huber: bool,
    discount: f32,
    batch_size: usize,
    schedule: Schedule,
    tau: f64,
    target_every: u64,
    /// Start, end, decisions.
    epsilon: (f64, f64, u64),
    resets: Vec<u64>,
    features: usize,
    actions: usize,
    network: Trained,
    target: Target,
    buffer: Buffer,
    decisions: u64,
    updates: u64,
    exploration: Stream,
    replay: Stream,
}

/// Index of the largest value, the first one of equals.
fn best(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

impl Dqn {
    /// An untrained one.
    ///
    /// # Errors
    /// If the network cannot be built.
    ///
    /// # Panics
    /// If the actions are not discrete ([`super::check`]).
    pub fn new(make: Make) -> Result<Self, AgentError> {
        let choice = &make.agent;
        let ActionSpace::Discrete(actions) = make.spaces.action else {
            panic!("{} is made for discrete actions alone", choice.name);
        };
        let features = make.spaces.features();
        let (network, target) = networks(&make, features, actions, 0)?;
        let epsilon = (
            choice.number("epsilon_start"),
            choice.number("epsilon_end"),
            count(choice, "epsilon_decisions") as u64,
        );
        let buffer = Buffer::new(features, 1, count(choice, "buffer"));
        Ok(Self {
            double: choice.name == "double-dqn",
            huber: choice.text("loss") == "huber",
            discount: choice.number("discount") as f32,
            batch_size: count(choice, "batch_size"),
            schedule: schedule(choice),
            tau: choice.number("tau"),
            target_every: count(choice, "target_every") as u64,
            epsilon,
            resets: choice.integers("resets").iter().map(|&at| at.unsigned_abs()).collect(),
            features,
            actions,
            network,
            target,
            buffer: if make.spaces.image().is_some() { buffer.of_pictures() } else { buffer },
            decisions: 0,
            updates: 0,
            exploration: Stream::new(make.seed, "exploration", 0),
            replay: Stream::new(make.seed, "replay", 0),
            make,
        })
    }

    /// Makes the target a copy of what it follows.
    #[cfg(test)]
    pub(super) fn copy_to_target(&self) {
        self.target.follow(self.network.network(), 1.0).unwrap();
    }

    /// Share of random actions at the next decision.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        let (start, end, decisions) = self.epsilon;
        let passed = self.decisions.min(decisions) as f64 / decisions as f64;
        start + (end - start) * passed
    }

    /// Values of all actions (rows, actions).
    fn values(&self, states: Vec<f32>) -> Result<Vec<f32>, AgentError> {
        Ok(evaluate(self.network.network(), &matrix(states, self.features)?)?)
    }

    /// y (rows).
    fn targets(&self, batch: &Batch) -> Result<Vec<f32>, AgentError> {
        let next = matrix(batch.next_observations.clone(), self.features)?;
        let q = self.target.evaluate(&next)?;
        let chosen = if self.double { evaluate(self.network.network(), &next)? } else { Vec::new() };
        let chooser = if self.double { &chosen } else { &q };
        let rows = q.chunks_exact(self.actions).zip(chooser.chunks_exact(self.actions));
        let value = rows.map(|(q, chooser)| q[best(chooser)]);
        let ends = batch.rewards.iter().zip(&batch.continues);
        let target =
            |(value, (reward, goes_on)): (f32, (&f32, &f32))| reward + self.discount * goes_on * value;
        Ok(value.zip(ends).map(target).collect())
    }

    /// One update on a batch.
    pub(super) fn update_on(&mut self, batch: &Batch) -> Result<Losses, AgentError> {
        let targets = self.targets(batch)?;
        let states = matrix(batch.observations.clone(), self.features)?;
        let outputs = self.network.forward(&states, self.network.training())?;
        let q: Vec<f32> = values(&outputs)?;
        let (rows, mut losses) = (batch.rows as f64, Losses::new());
        let mut gradient = vec![0.0; q.len()];
        for (row, ((q, gradient), target)) in q
            .chunks_exact(self.actions)
            .zip(gradient.chunks_exact_mut(self.actions))
            .zip(&targets)
            .enumerate()
        {
            let action = batch.actions[row] as usize;
            let error = q[action] - target;
            let (loss, slope) = self.loss(error);
            gradient[action] = slope / batch.rows as f32;
            losses.critic += f64::from(loss) / rows;
            losses.q_mean += f64::from(q[action]) / rows;
            losses.q_largest = largest(losses.q_largest, &q[action..=action]);
        }
        if losses.is_finite() {
            self.network.update(&upstream(&outputs, gradient)?)?;
        }
        Ok(losses)
    }

    /// Loss of an error and its derivative.
    fn loss(&self, error: f32) -> (f32, f32) {
        if !self.huber {
            (error * error, 2.0 * error)
        } else if error.abs() <= 1.0 {
            (0.5 * error * error, error)
        } else {
            (error.abs() - 0.5, error.signum())
        }
    }
}

fn networks(
    make: &Make,
    features: usize,
    actions: usize,
    start: u64,
) -> Result<(Trained, Target), AgentError> {
    let network = make.trained("q", &make.actor, (features, actions), start)?;
    let image = make.spaces.image();
    // A target's own start values are never used.
    let copy = make.actor.build(features, image, actions, &mut Stream::new(0, "target", 0))?;
    let target = Target::new("target".to_owned(), copy, network.network())?;
    Ok((network, target))
}

impl Agent for Dqn {
    fn start_task(&mut self, task: usize) -> Result<(), AgentError> {
        Ok(self.network.start_task(task)?)
    }

    fn end_task(&mut self) -> Result<(), AgentError> {
        Ok(self.network.end_task(None)?)
    }

    fn act(&mut self, observation: &[f64], explore: bool) -> Result<Chosen, AgentError> {
        if explore {
            let warm_up = self.decisions < self.schedule.learning_starts;
            // Drawn at every decision, so that how many draws there were follows from their number.
            let chance = self.exploration.unit();
            if warm_up || chance < self.epsilon() {
                return Ok(Chosen::Discrete(self.exploration.below(self.actions as u64) as usize));
            }
        }
        Ok(Chosen::Discrete(best(&self.values(observation.iter().map(|&x| x as f32).collect())?)))
    }

    fn observe(&mut self, transition: &Transition<'_>) {
        self.buffer.push(transition);
        self.decisions += 1;
    }

    fn learn(&mut self) -> Result<Option<Losses>, AgentError> {
        if self.resets.contains(&self.decisions) {
            let starts = self.resets.iter().filter(|&&at| at <= self.decisions).count() as u64;
            (self.network, self.target) = networks(&self.make, self.features, self.actions, starts)?;
        }
        let mut last = None;
        for _ in 0..self.schedule.due(self.decisions) {
            let batch = self.buffer.sample(self.batch_size, &mut self.replay);
            let losses = self.update_on(&batch)?;
            self.updates += 1;
            last = Some(losses);
            if !losses.is_finite() {
                break;
            }
        }
        if self.decisions.is_multiple_of(self.target_every) {
            self.target.follow(self.network.network(), self.tau)?;
        }
        Ok(last)
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    fn updates_after(&self, decisions: u64) -> u64 {
        self.schedule.total(decisions)
    }
}

impl Beliefs for Dqn {
    fn critics(&self) -> usize {
        1
    }

    fn q(&self, states: &[f32], actions: &[f32]) -> Result<Vec<Vec<f32>>, AgentError> {
        let q = self.values(states.to_vec())?;
        let rows = q.chunks_exact(self.actions).zip(actions);
        Ok(vec![rows.map(|(q, &action)| q[action as usize]).collect()])
    }

    fn policy(&self, states: &[f32], draws: Option<&mut Stream>) -> Result<Decisions, AgentError> {
        let q = self.values(states.to_vec())?;
        let mut actions: Vec<f32> = q.chunks_exact(self.actions).map(|q| best(q) as f32).collect();
        if let Some(draws) = draws {
            let epsilon = self.epsilon();
            for action in &mut actions {
                if draws.unit() < epsilon {
                    *action = draws.below(self.actions as u64) as f32;
                }
            }
        }
        let log_probs = vec![0.0; actions.len()];
        Ok(Decisions { actions, log_probs })
    }

    fn action_gradient(&self, _: &[f32]) -> Result<Option<f64>, AgentError> {
        Ok(None)
    }

    fn temperature(&self) -> f64 {
        0.0
    }

    fn discount(&self) -> f64 {
        f64::from(self.discount)
    }

    fn discrete(&self) -> Option<usize> {
        Some(self.actions)
    }

    fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    fn looks(&self) -> Vec<Look<'_>> {
        let trained =
            Look { name: self.network.name(), network: self.network.network(), takes_actions: false };
        vec![trained, Look { name: &self.target.name, network: self.target.network(), takes_actions: false }]
    }
}

impl Stateful for Dqn {
    fn save(&self, state: &mut StateDict) {
        state.insert_part(self.network.name(), &self.network);
        state.insert_part(&self.target.name, &self.target);
        state.insert_part("buffer", &self.buffer);
        state.insert_u64("decisions", self.decisions);
        state.insert_u64("updates", self.updates);
        state.insert_u64("streams.exploration", self.exploration.position());
        state.insert_u64("streams.replay", self.replay.position());
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        state.load_part("q", &mut self.network)?;
        state.load_part("target", &mut self.target)?;
        state.load_part("buffer", &mut self.buffer)?;
        self.decisions = state.u64("decisions")?;
        self.updates = state.u64("updates")?;
        self.exploration.seek(state.u64("streams.exploration")?);
        self.replay.seek(state.u64("streams.replay")?);
        Ok(())
    }
}

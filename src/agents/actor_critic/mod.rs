//! An actor with critics, for continuous actions: SAC, and TD3 and DDPG with a deterministic actor.
//!
//! One update takes a batch of the replay buffer:
//!
//! ```text
//! critics   y = r + γ(1 − terminated)(Q̄(s', a') − α log π(a' | s')),  a' by the actor at s'
//!           each critic one step on mean (Q(s, a) − y)²
//! actor     one step on mean α log π(a | s) − Q(s, a), a by the actor at s, critics as they are
//! α         one step on α·(entropy − target entropy)
//! targets   Q̄ ← (1 − τ) Q̄ + τ Q
//! ```
//!
//! Published codes differ in the order, in how often each is done, and in how critics are combined; all of
//! it is a setting.

pub mod actor;
mod entries;
mod networks;
mod update;

pub use self::entries::{DDPG, SAC, TD3};
pub(super) use self::entries::{
    DISCOUNT, RESETS, batch_size, buffer, learning_starts, preset, updates_per_step,
};
use self::networks::Networks;
use super::buffer::{Buffer, Transition};
use super::networks::Make;
use super::settings::ActorCriticSettings;
use super::tensors::{evaluate, matrix};
use super::{Agent, AgentError, Beliefs, Chosen, Decisions, Look, Losses};
use crate::environments::ActionSpace;
use crate::nn::Network;
use crate::random::Stream;
use crate::state::{StateDict, StateError, Stateful};
use crate::trained::Trained;

/// The agent.
pub struct ActorCritic {
    make: Make,
    settings: ActorCriticSettings,
    features: usize,
    actions: usize,
    networks: Networks,
    buffer: Buffer,
    decisions: u64,
    updates: u64,
    exploration: Stream,
    replay: Stream,
    draws: Stream,
}

impl ActorCritic {
    /// An untrained one.
    ///
    /// # Errors
    /// If a network cannot be built.
    ///
    /// # Panics
    /// If the actions are not continuous ([`super::check`]).
    pub fn new(make: Make) -> Result<Self, AgentError> {
        let ActionSpace::Continuous(bounds) = &make.spaces.action else {
            panic!("{} is made for continuous actions alone", make.agent.name);
        };
        let (features, actions) = (make.spaces.features(), bounds.len());
        let settings = ActorCriticSettings::new(&make.agent);
        let networks = Networks::new(&make, &settings, 0)?;
        let stream = |name: &str| Stream::new(make.seed, name, 0);
        Ok(Self {
            features,
            actions,
            networks,
            buffer: Buffer::new(features, actions, settings.capacity),
            decisions: 0,
            updates: 0,
            exploration: stream("exploration"),
            replay: stream("replay"),
            draws: stream("updates"),
            settings,
            make,
        })
    }

    /// `n` standard normal numbers.
    fn normals(draws: &mut Stream, n: usize) -> Vec<f32> {
        (0..n).map(|_| draws.normal() as f32).collect()
    }

    /// Makes the targets copies of what they follow.
    #[cfg(test)]
    pub(in crate::agents) fn copy_to_targets(&self) {
        self.networks.follow(1.0).unwrap();
    }

    /// The networks' number of a start: how many resets came before.
    fn starts(&self) -> u64 {
        self.settings.resets.iter().filter(|&&at| at <= self.decisions).count() as u64
    }
}

impl Agent for ActorCritic {
    fn start_task(&mut self, task: usize) -> Result<(), AgentError> {
        Ok(self.networks.trained().try_for_each(|network| network.start_task(task))?)
    }

    fn end_task(&mut self) -> Result<(), AgentError> {
        Ok(self.networks.trained().try_for_each(|network| network.end_task(None))?)
    }

    fn act(&mut self, observation: &[f64], explore: bool) -> Result<Chosen, AgentError> {
        if explore && self.decisions < self.settings.schedule.learning_starts {
            let uniform = (0..self.actions).map(|_| self.exploration.uniform(-1.0, 1.0) as f32);
            return Ok(Chosen::Continuous(uniform.collect()));
        }
        let state = observation.iter().map(|&x| x as f32).collect();
        let outputs = evaluate(self.networks.actor.network(), &matrix(state, self.features)?)?;
        let policy = self.settings.policy;
        if !explore {
            return Ok(Chosen::Continuous(policy.mode(&outputs, self.actions)));
        }
        let noise = Self::normals(&mut self.exploration, self.actions);
        let mut chosen = policy.sample(&outputs, &noise, self.actions).actions;
        if !policy.draws() {
            let spread = self.settings.noise.exploration as f32;
            chosen.iter_mut().zip(noise).for_each(|(a, e)| *a = (*a + spread * e).clamp(-1.0, 1.0));
        }
        Ok(Chosen::Continuous(chosen))
    }

    fn observe(&mut self, transition: &Transition<'_>) {
        self.buffer.push(transition);
        self.decisions += 1;
    }

    fn learn(&mut self) -> Result<Option<Losses>, AgentError> {
        if self.settings.resets.contains(&self.decisions) {
            self.networks = Networks::new(&self.make, &self.settings, self.starts())?;
        }
        let mut last = None;
        for _ in 0..self.settings.schedule.due(self.decisions) {
            let losses = self.update()?;
            self.updates += 1;
            last = Some(losses);
            if !losses.is_finite() {
                break;
            }
        }
        Ok(last)
    }

    fn updates(&self) -> u64 {
        self.updates
    }

    fn updates_after(&self, decisions: u64) -> u64 {
        self.settings.schedule.total(decisions)
    }
}

impl Beliefs for ActorCritic {
    fn critics(&self) -> usize {
        self.settings.critics
    }

    fn q(&self, states: &[f32], actions: &[f32]) -> Result<Vec<Vec<f32>>, AgentError> {
        let inputs = self.inputs(states, actions)?;
        Ok(self
            .networks
            .critics
            .iter()
            .map(|critic| evaluate(critic.network(), &inputs))
            .collect::<Result<_, _>>()?)
    }

    fn policy(&self, states: &[f32], draws: Option<&mut Stream>) -> Result<Decisions, AgentError> {
        let outputs = evaluate(self.networks.actor.network(), &matrix(states.to_vec(), self.features)?)?;
        let rows = states.len() / self.features;
        let (policy, noise) = (self.settings.policy, self.settings.noise.exploration as f32);
        let Some(draws) = draws else {
            let actions = policy.mode(&outputs, self.actions);
            return Ok(Decisions { actions, log_probs: vec![0.0; rows] });
        };
        let normals = Self::normals(draws, rows * self.actions);
        let mut sample = policy.sample(&outputs, &normals, self.actions);
        if !policy.draws() {
            sample.actions.iter_mut().zip(normals).for_each(|(a, e)| *a = (*a + noise * e).clamp(-1.0, 1.0));
        }
        let log_probs = sample.log_probs.iter().map(|&x| f64::from(x)).collect();
        Ok(Decisions { actions: sample.actions, log_probs })
    }

    fn action_gradient(&self, states: &[f32]) -> Result<Option<f64>, AgentError> {
        let actions = self.policy(states, None)?.actions;
        let critics: Vec<&dyn Network> = self.networks.critics.iter().map(Trained::network).collect();
        let through = actor::Through::new(&critics, (states, self.features), (&actions, self.actions))?;
        let share = 1.0 / critics.len() as f32;
        let by_critic: Vec<Vec<f32>> = through.q.iter().map(|q| vec![share; q.len()]).collect();
        let gradient = through.by_actions(&by_critic)?;
        let norms = gradient
            .chunks_exact(self.actions)
            .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt());
        Ok(Some(norms.sum::<f64>() / (states.len() / self.features) as f64))
    }

    fn temperature(&self) -> f64 {
        self.networks.temperature.alpha()
    }

    fn discount(&self) -> f64 {
        f64::from(self.settings.discount)
    }

    fn discrete(&self) -> Option<usize> {
        None
    }

    fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    fn looks(&self) -> Vec<Look<'_>> {
        self.networks.looks()
    }
}

impl Stateful for ActorCritic {
    fn save(&self, state: &mut StateDict) {
        self.networks.save(state);
        state.insert_part("buffer", &self.buffer);
        state.insert_u64("decisions", self.decisions);
        state.insert_u64("updates", self.updates);
        for (name, stream) in
            [("exploration", &self.exploration), ("replay", &self.replay), ("draws", &self.draws)]
        {
            state.insert_u64(format!("streams.{name}"), stream.position());
        }
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.decisions = state.u64("decisions")?;
        self.updates = state.u64("updates")?;
        self.networks.load(state)?;
        state.load_part("buffer", &mut self.buffer)?;
        self.exploration.seek(state.u64("streams.exploration")?);
        self.replay.seek(state.u64("streams.replay")?);
        self.draws.seek(state.u64("streams.draws")?);
        Ok(())
    }
}

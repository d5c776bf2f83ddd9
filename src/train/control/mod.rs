//! The agents' loop: act, step, store, learn; evaluate and probe at the edges.

mod evaluation;
mod observer;
mod result;

use std::path::Path;
use std::time::{Duration, Instant};

pub use self::evaluation::{Returns, evaluate};
pub use self::observer::{ControlObserver, Decided, Deciding, Evaluated};
pub use self::result::{ControlResult, Episode};
use super::TrainError;
use super::checkpoint::{Checkpoints, Policy, Position};
use super::signals::{Outcome, Progress, ScoreKind, Signals, Throttle};
use crate::agents::scale::Scale;
use crate::agents::{self, Agent, Chosen, Losses, Make, NetworkChoice, Transition};
use crate::environments::{Action, Environment, EnvironmentError, Spaces, Step};
use crate::random::Stream;
use crate::spec::{ControlPlan, Plan};
use crate::state::{StateDict, Stateful};

/// How often progress is reported within a task.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// Names of the checkpoint's parts.
const AGENT: &str = "agent";
const WORLD: &str = "world";
const OBSERVER: &str = "observer";
/// A Q so many times above the largest possible one is a divergence.
const BEYOND: f64 = 10.0;

/// What a run goes through its tasks with.
struct Run<'a> {
    plan: &'a Plan,
    control: &'a ControlPlan,
    worlds: &'a Worlds<'a>,
    observer: &'a mut dyn ControlObserver,
    signals: &'a Signals,
    checkpoints: Checkpoints,
}

/// The environment of a task by its number, before its first reset, an action held as often as the plan says.
/// Asked twice, it gives the same environment twice.
pub type Worlds<'a> = dyn Fn(usize) -> Result<Box<dyn Environment>, TrainError> + 'a;

/// An environment in the middle of an episode, with its draws.
struct World {
    environment: Box<dyn Environment>,
    draws: Stream,
    scale: Scale,
    observation: Vec<f64>,
    next: Vec<f64>,
}

/// Carries out one run in the folder `dir`, from its newest checkpoint if there is one.
///
/// A task is a stretch of environment steps; an episode ends with its task at the latest. `observer` sees
/// episodes, evaluations and every task's edges and keeps the rows; it cannot change the run. An interrupt
/// ends the run after the decision under way, with a checkpoint to go on from.
///
/// # Errors
/// If environment and agent do not go together, or a file cannot be read or written.
///
/// # Panics
/// If the plan is not one of control.
pub fn run_control(
    plan: &Plan,
    worlds: &Worlds<'_>,
    dir: &Path,
    policy: impl Into<Policy>,
    observer: &mut dyn ControlObserver,
    signals: &Signals,
) -> Result<Outcome, TrainError> {
    let control = plan.control().expect("a plan of control");
    let mut agent = agents::build(make(plan, control, worlds(0)?.spaces().clone()))?;
    let mut checkpoints = Checkpoints::new(dir, policy.into());
    let saved = checkpoints.restore(observer.rows(), signals)?;
    observer.rows().resume(&saved.as_ref().map(|saved| saved.files.clone()).unwrap_or_default())?;
    let mut run = Run { plan, control, worlds, observer, signals, checkpoints };
    let (mut task, mut open) = (0, None);
    if let Some(saved) = saved {
        saved.load(AGENT, &mut *agent)?;
        // One that remembers something is not given up for a checkpoint that does not.
        if saved.has(OBSERVER) || !StateDict::of(run.observer).is_empty() {
            saved.load(OBSERVER, run.observer)?;
        }
        task = saved.position.task;
        if let Some(result) = saved.record::<ControlResult>()? {
            let mut world = run.world(task)?;
            saved.load(WORLD, &mut world)?;
            open = Some((result, world));
        }
    } else {
        run.save(Position::before(0), &*agent, None)?;
    }
    let outcome = run.tasks(task, open, &mut *agent)?;
    run.checkpoints.finish()?;
    Ok(outcome)
}

/// What the plan's agent is made from.
fn make(plan: &Plan, control: &ControlPlan, spaces: Spaces) -> Make {
    let actor = NetworkChoice {
        network: plan.network.clone(),
        activation: plan.activation.clone(),
        optimizer: plan.optimizer.clone(),
        methods: plan.methods.clone(),
    };
    let own = control.critic.clone();
    let critic = NetworkChoice {
        network: own.network.unwrap_or_else(|| actor.network.clone()),
        activation: own.activation.unwrap_or_else(|| actor.activation.clone()),
        optimizer: own.optimizer.unwrap_or_else(|| actor.optimizer.clone()),
        methods: own.methods.unwrap_or_else(|| actor.methods.clone()),
    };
    Make { agent: control.agent.clone(), actor, critic, spaces, seed: plan.seed }
}

impl Run<'_> {
    /// All tasks from number `first` on, that one perhaps from its middle.
    fn tasks(
        &mut self,
        first: usize,
        mut open: Option<(ControlResult, World)>,
        agent: &mut dyn Agent,
    ) -> Result<Outcome, TrainError> {
        for index in first..self.control.tasks {
            let outcome = self.task(index, open.take(), agent)?;
            if outcome != Outcome::Done {
                return Ok(outcome);
            }
            let last = index + 1 == self.control.tasks;
            if last || self.checkpoints.due() || self.signals.interrupted() {
                self.save(Position::before(index + 1), agent, None)?;
            }
            if self.signals.interrupted() && !last {
                return Ok(Outcome::Interrupted);
            }
        }
        Ok(Outcome::Done)
    }

    /// One task, or what is left of it.
    fn task(
        &mut self,
        index: usize,
        open: Option<(ControlResult, World)>,
        agent: &mut dyn Agent,
    ) -> Result<Outcome, TrainError> {
        let started = Instant::now();
        let (mut result, mut world) = match open {
            Some(open) => open,
            None => self.begin(index, agent)?,
        };
        let earlier = result.seconds;
        let mut throttle = Throttle::every(REPORT_EVERY);
        let decisions = self.control.steps / self.control.action_repeat;
        for decision in result.decisions..decisions {
            let cut = decision + 1 == decisions;
            let environment = &*world.environment;
            self.observer.deciding(&Deciding { task: index, last: cut, agent, environment })?;
            let (losses, step) = match live(agent, &mut world, cut) {
                Err(error) if left_the_numbers(&error) => return self.diverge(result, decision),
                other => other?,
            };
            result.decision(&step, self.control.action_repeat);
            if losses.is_some_and(|losses| diverged(agent, &world, &losses)) {
                return self.diverge(result, decision);
            }
            self.observer.stepped(&Decided {
                task: index,
                step: decision,
                updated: losses.is_some(),
                agent,
            })?;
            let passed = (index * decisions + decision + 1) * self.control.action_repeat;
            if step.ended() {
                let episode = result.episode(step.terminated);
                self.observer.episode(index, passed, &episode)?;
                world.begin()?;
            }
            if self.evaluates() && passed.is_multiple_of(self.control.evaluate_every) {
                match self.evaluate(index, passed, agent, &mut result) {
                    Err(error) if left_the_numbers(&error) => return self.diverge(result, decision),
                    other => other?,
                }
            }
            let now = Instant::now();
            if throttle.ready(now) {
                let rate = result.decisions as f64 / (now - started).as_secs_f64();
                self.signals.report(&self.progress(index, (decision + 1, decisions), rate, None));
            }
            let goes_on = decision + 1 < decisions;
            if goes_on && (self.signals.interrupted() || self.checkpoints.due_within(now)) {
                result.seconds = earlier + started.elapsed().as_secs_f64();
                let position = Position { task: index, step: decision + 1 };
                self.save(position, agent, Some((&result, &world)))?;
                if self.signals.interrupted() {
                    return Ok(Outcome::Interrupted);
                }
            }
        }
        agent.end_task()?;
        result.updates = agent.updates() - result.updates_before;
        result.seconds = earlier + started.elapsed().as_secs_f64();
        assert_eq!(
            agent.updates(),
            agent.updates_after(((index + 1) * decisions) as u64),
            "an agent's updates follow from its decisions"
        );
        self.observer.task_ended(&result, agent)?;
        let rate = decisions as f64 / result.seconds;
        let ended = self.progress(index, (decisions, decisions), rate, result.online_return());
        self.signals.report(&Progress { task_ended: true, ..ended });
        Ok(Outcome::Done)
    }

    /// A task's start: what is done and measured before its first step.
    fn begin(&mut self, index: usize, agent: &mut dyn Agent) -> Result<(ControlResult, World), TrainError> {
        agent.start_task(index)?;
        self.observer.task_started(index, agent)?;
        let mut world = self.world(index)?;
        world.begin()?;
        Ok((ControlResult::new(index, agent.updates()), world))
    }

    /// The environment of a task, before its first episode.
    fn world(&self, index: usize) -> Result<World, TrainError> {
        let draws = Stream::new(self.plan.seed, "environment", index as u64);
        Ok(World::new((self.worlds)(index)?, draws))
    }

    fn evaluates(&self) -> bool {
        self.control.evaluation_episodes > 0
    }

    /// Episodes of the policy's mode in an environment of their own.
    fn evaluate(
        &mut self,
        task: usize,
        passed: usize,
        agent: &mut dyn Agent,
        result: &mut ControlResult,
    ) -> Result<(), TrainError> {
        let mut environment = (self.worlds)(task)?;
        let mut draws = Stream::new(self.plan.seed, "evaluation", passed as u64);
        let returns = evaluate(agent, &mut *environment, self.control.evaluation_episodes, &mut draws)?;
        result.evaluation_return = Some(returns.mean());
        let ends_task = passed == (task + 1) * self.control.steps;
        let moment = Evaluated { task, passed, ends_task, returns: &returns };
        self.observer.evaluated(&moment, agent, &*environment)?;
        Ok(())
    }

    /// Ends a run that has diverged: a result, recorded like any other.
    fn diverge(&mut self, mut result: ControlResult, step: usize) -> Result<Outcome, TrainError> {
        result.diverged = true;
        self.observer.diverged(&result)?;
        Ok(Outcome::Diverged { task: result.task, step })
    }

    fn progress(&self, task: usize, steps: (usize, usize), rate: f64, score: Option<f64>) -> Progress {
        Progress {
            task,
            tasks: self.control.tasks,
            step: steps.0,
            steps: steps.1,
            steps_per_second: rate,
            score,
            score_kind: ScoreKind::Return,
            task_ended: false,
        }
    }

    fn save(
        &mut self,
        position: Position,
        agent: &dyn Agent,
        open: Option<(&ControlResult, &World)>,
    ) -> Result<(), TrainError> {
        if !self.checkpoints.are_kept() {
            return Ok(());
        }
        let mut parts = vec![(AGENT, StateDict::of(agent)), (OBSERVER, StateDict::of(self.observer))];
        parts.extend(open.map(|(_, world)| (WORLD, StateDict::of(world))));
        self.checkpoints.save(position, parts, open.map(|(result, _)| result), self.observer.rows())
    }
}

/// One decision: act, step, store, learn. `cut`: the task ends with it, and so does the episode.
fn live(agent: &mut dyn Agent, world: &mut World, cut: bool) -> Result<(Option<Losses>, Step), TrainError> {
    let chosen = agent.act(&world.observation, true)?;
    let mut step = world.step(&chosen)?;
    step.truncated |= cut && !step.terminated;
    agent.observe(&Transition {
        observation: &world.observation,
        action: &chosen.values(),
        reward: step.reward,
        next_observation: &world.next,
        terminated: step.terminated,
        truncated: step.truncated,
    });
    std::mem::swap(&mut world.observation, &mut world.next);
    Ok((agent.learn()?, step))
}

/// Whether an environment's state is not finite any more: a result of the run.
fn left_the_numbers(error: &TrainError) -> bool {
    matches!(error, TrainError::Environment(EnvironmentError::NotFinite(_)))
}

/// Whether an update says that the run has diverged: a loss that is no number, or a Q beyond ten times the
/// largest sum of discounted rewards, and of entropy beside them, that any policy could have.
fn diverged(agent: &dyn Agent, world: &World, losses: &Losses) -> bool {
    let possible = agents::largest_possible(agent, world.environment.spaces());
    !losses.is_finite() || possible.is_some_and(|possible| losses.q_largest > BEYOND * possible)
}

impl World {
    fn new(environment: Box<dyn Environment>, draws: Stream) -> Self {
        let features = environment.spaces().features();
        let scale = Scale::new(&environment.spaces().action);
        let (observation, next) = (vec![0.0; features], vec![0.0; features]);
        Self { environment, draws, scale, observation, next }
    }

    /// Begins an episode.
    fn begin(&mut self) -> Result<(), EnvironmentError> {
        self.environment.reset(&mut self.draws)?;
        self.environment.observe(&mut self.observation);
        Ok(())
    }

    /// One step; what it led to is the next observation.
    fn step(&mut self, chosen: &Chosen) -> Result<Step, EnvironmentError> {
        let step = match chosen {
            Chosen::Continuous(action) => {
                let outward = self.scale.outward(action);
                self.environment.step(Action::Continuous(&outward), &mut self.draws)
            }
            Chosen::Discrete(number) => self.environment.step(Action::Discrete(*number), &mut self.draws),
        }?;
        self.environment.observe(&mut self.next);
        Ok(step)
    }
}

impl Stateful for World {
    fn save(&self, state: &mut StateDict) {
        state.insert_part("environment", &*self.environment);
        state.insert_u64("draws", self.draws.position());
        state.insert("observation", crate::state::Values::F64(self.observation.clone()));
    }

    fn load(&mut self, state: &StateDict) -> Result<(), crate::state::StateError> {
        state.load_part("environment", &mut *self.environment)?;
        self.draws.seek(state.u64("draws")?);
        state.copy_f64s("observation", &mut self.observation)
    }
}

#[cfg(test)]
mod tests;

//! Agents: what acts in an environment and learns from what it sees.
//!
//! An agent is [`Agent`]: it acts, observes transitions and learns when its [`schedule`] says so. Two
//! families stand behind all of them: [`actor_critic`] (SAC, TD3, DDPG) for continuous actions and [`dqn`]
//! (DQN, double DQN) for discrete ones. What they are made of stands in a file each: the replay
//! [`buffer`], [`policy`] heads, how critics are [`combine`]d, [`target`] networks, the [`temperature`].
//!
//! Time limits never stop a bootstrap; only a terminated episode does (Pardo et al. 2018, arXiv 1712.00378).
//! All draws come from named streams: `exploration` (actions in training), `replay` (batches), `updates`
//! (noise of an update), `init` (start values), `activation` (randomised activations).

pub mod actor_critic;
pub mod buffer;
mod check;
pub mod combine;
pub mod cost;
pub mod dqn;
mod networks;
pub mod policy;
pub mod presets;
mod registry;
mod rows;
pub mod scale;
pub mod schedule;
mod settings;
pub mod target;
pub mod temperature;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;

pub use self::buffer::{Batch, Buffer, Transition};
pub use self::check::check_plan;
pub use self::networks::{Make, NetworkChoice};
pub use self::registry::{build, check, entries};
use crate::environments::{ActionSpace, Spaces};
use crate::nn::{Network, NetworkError};
use crate::random::Stream;
use crate::state::Stateful;

/// Why an agent could not be made or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Settings that do not go together. A whole sentence.
    #[error("{0}")]
    Settings(String),
    /// A network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// candle refused an operation.
    #[error("a tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
}

/// Figures of one update, before it changed anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Loss of the critics, summed over them.
    pub critic: f64,
    /// The actor's loss, where it was updated.
    pub actor: Option<f64>,
    /// Loss of the temperature, where it was updated.
    pub temperature: Option<f64>,
    /// Mean over batch and critics of Q(s, a).
    pub q_mean: f64,
    /// Largest Q(s, a) of the batch and of all critics; NaN as soon as one is.
    pub q_largest: f64,
    /// Mean −log π of the actor's draws, in nats, where it was updated and draws.
    pub entropy: Option<f64>,
}

impl Losses {
    /// Before anything is known.
    fn new() -> Self {
        let (critic, q_mean, q_largest) = (0.0, 0.0, f64::NEG_INFINITY);
        Self { critic, actor: None, temperature: None, q_mean, q_largest, entropy: None }
    }

    /// Whether all of them are numbers.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        let optional = [self.actor, self.temperature, self.entropy];
        let others = optional.into_iter().flatten().all(f64::is_finite);
        self.critic.is_finite() && !self.q_largest.is_nan() && others
    }
}

/// The larger of `sofar` and every q; NaN as soon as one is.
fn largest(sofar: f64, q: &[f32]) -> f64 {
    q.iter().map(|&q| f64::from(q)).fold(sofar, |most, q| if most.is_nan() || q <= most { most } else { q })
}

/// What no Q of any policy can exceed in an environment of these spaces: the largest reward and, where an
/// agent values it, the largest entropy (|A| ln 2 nats on [−1, 1]) at every step to come. `None` where the
/// largest reward is not known or not above 0.
#[must_use]
pub fn largest_possible(agent: &dyn Beliefs, spaces: &Spaces) -> Option<f64> {
    let reward = spaces.max_reward.filter(|&reward| reward > 0.0)?;
    let gamma = agent.discount();
    let dimensions = match &spaces.action {
        ActionSpace::Continuous(bounds) => bounds.len(),
        ActionSpace::Discrete(_) => 0,
    };
    let entropy = agent.temperature() * dimensions as f64 * std::f64::consts::LN_2;
    Some((reward + gamma * entropy) / (1.0 - gamma))
}

/// What an agent chose, in its own scale.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    /// Numbers of ±1.
    Continuous(Vec<f32>),
    /// The number of an action.
    Discrete(usize),
}

impl Chosen {
    /// As a [`Transition`] holds it.
    #[must_use]
    pub fn values(&self) -> Vec<f32> {
        match self {
            Self::Continuous(values) => values.clone(),
            Self::Discrete(number) => vec![*number as f32],
        }
    }
}

/// A network of an agent, for those who look at it.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// actor, critic1, target1, …: what rows put before the layer's name.
    pub name: &'a str,
    /// The network.
    pub network: &'a dyn Network,
    /// Whether its inputs are (observation, action) and not the observation alone.
    pub takes_actions: bool,
}

/// Actions of a policy on many states.
#[derive(Clone, Debug, PartialEq)]
pub struct Decisions {
    /// (rows, actions) as a [`Transition`] holds them.
    pub actions: Vec<f32>,
    /// (rows): log π(a | s); 0 where nothing is drawn.
    pub log_probs: Vec<f64>,
}

/// What an agent believes: read by probes, which change nothing of it and bring their own draws.
pub trait Beliefs {
    /// Critics.
    fn critics(&self) -> usize;

    /// Q(s, a) of every critic (critics, rows) for states (rows, features) and actions (rows, actions).
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    fn q(&self, states: &[f32], actions: &[f32]) -> Result<Vec<Vec<f32>>, AgentError>;

    /// What the policy does in states (rows, features): drawn, as in training once its warm-up is over, or
    /// its mode where there are no `draws`.
    fn policy(&self, states: &[f32], draws: Option<&mut Stream>) -> Result<Decisions, AgentError>;

    /// The mean over states of |∂Q/∂a| (Euclidean), Q the mean of the critics, at the policy's mode; `None`
    /// for discrete actions.
    fn action_gradient(&self, states: &[f32]) -> Result<Option<f64>, AgentError>;

    /// Whether entropy counts beside reward.
    fn is_soft(&self) -> bool {
        self.temperature() > 0.0
    }

    /// The weight of entropy in what the critics estimate; 0 where there is none.
    fn temperature(&self) -> f64;

    /// γ
    fn discount(&self) -> f64;

    /// Whether the actions are numbers of ±1 (so many) or one of a number.
    fn discrete(&self) -> Option<usize>;

    /// What has been seen.
    fn buffer(&self) -> &Buffer;

    /// Networks in a fixed order.
    fn looks(&self) -> Vec<Look<'_>>;
}

/// Something that acts and learns.
pub trait Agent: Beliefs + Stateful + Send {
    /// Before the first step of task number `task`: methods get their hook.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    fn start_task(&mut self, task: usize) -> Result<(), AgentError>;

    /// After the last step of a task.
    fn end_task(&mut self) -> Result<(), AgentError>;

    /// What to do at an observation (features). `explore`: as in training, with draws; otherwise the mode,
    /// which changes nothing of the agent.
    fn act(&mut self, observation: &[f64], explore: bool) -> Result<Chosen, AgentError>;

    /// Takes note of a step of training.
    fn observe(&mut self, transition: &Transition<'_>);

    /// Makes the updates that are due since the last transition; the figures of the last of them. Once they
    /// are not finite nothing is learned from any more.
    fn learn(&mut self) -> Result<Option<Losses>, AgentError>;

    /// Updates made so far.
    fn updates(&self) -> u64;

    /// Updates that the formula of the agent's schedule says after so many decisions.
    fn updates_after(&self, decisions: u64) -> u64;
}

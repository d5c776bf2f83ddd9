//! Environments: worlds in which an agent acts, in plain Rust or through a pipe.
//!
//! The tasks of `dm_control` and Gymnasium are one [`planar`] engine on models that are data; an environment is one file
//! with its observation, reward and start, and a line in the [`registry()`].

pub mod change;
mod classic_control;
mod dm_control;
mod gymnasium;
mod mechanism;
pub mod offset;
pub mod planar;
pub mod python;
mod registry;
pub mod repeat;

pub use planar::Changes;
pub use registry::{BuildError, Named, Registered, build, build_changed, check, entries, registry};

use crate::random::Stream;
use crate::state::Stateful;

/// What goes in and what comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Spaces {
    /// Shape of an observation: (features) or (channels, height, width).
    pub observation: Vec<usize>,
    /// What an agent can do.
    pub action: ActionSpace,
    /// The largest and the smallest sum of rewards that an episode can have, where it is known.
    pub returns: Option<(f64, f64)>,
    /// Largest reward of one step, where it is known: with it the largest possible value is known too.
    pub max_reward: Option<f64>,
    /// Steps after which an episode is cut off, if ever.
    pub step_limit: Option<usize>,
    /// Mean return of uniformly drawn actions, where it was measured: what can be had without any policy.
    pub random_return: Option<f64>,
}

impl Spaces {
    /// Numbers in an observation.
    #[must_use]
    pub fn features(&self) -> usize {
        self.observation.iter().product()
    }

    /// (channels, height, width) where observations are images.
    #[must_use]
    pub fn image(&self) -> Option<(usize, usize, usize)> {
        match self.observation[..] {
            [channels, height, width] => Some((channels, height, width)),
            _ => None,
        }
    }
}

/// What an agent can do.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionSpace {
    /// A vector within bounds, one (low, high) a dimension.
    Continuous(Vec<(f64, f64)>),
    /// One of so many.
    Discrete(usize),
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action<'a> {
    /// In the environment's own units; the environment clips what lies outside its bounds.
    Continuous(&'a [f64]),
    /// Number of the action.
    Discrete(usize),
}

/// What a step brings, beside the observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Reward.
    pub reward: f64,
    /// The episode has come to a state after which nothing follows: its value is 0.
    pub terminated: bool,
    /// The episode was cut off (a time limit): the state has a value, and a bootstrap goes through it.
    pub truncated: bool,
    /// Whether the task counts as solved in this step, where the environment says so (`MetaWorld`).
    pub success: Option<bool>,
}

impl Step {
    /// Whether the next thing to do is a reset.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.terminated || self.truncated
    }

    /// This step and the one that came after it as one: rewards are summed, and a success in either is one.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self { reward: self.reward + next.reward, success: either(self.success, next.success), ..next }
    }
}

/// Whether one of two is a success; `None` if neither says.
#[must_use]
pub fn either(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one || other),
        (said, None) | (None, said) => said,
    }
}

/// Why an environment could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The state or the reward left the finite numbers. A result of the run, like a loss that does.
    #[error("the state of {0} is not finite any more")]
    NotFinite(String),
    /// An action of another kind or length than the environment takes.
    #[error("{0}")]
    Action(String),
    /// A program outside failed; the sentence names the cure.
    #[error("{0}")]
    Outside(String),
}

/// A world in which an agent acts. All randomness comes from the streams that are handed to it; its
/// state ([`Stateful`]) can be saved and taken back to the same bits in the middle of an episode.
pub trait Environment: Stateful + Send {
    /// What goes in and what comes out.
    fn spaces(&self) -> &Spaces;

    /// Begins an episode.
    ///
    /// # Errors
    /// If a program outside fails.
    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError>;

    /// One control step. `draws` is for environments that are random beyond their reset.
    ///
    /// # Errors
    /// If the state is not finite any more, the action does not fit, or a program outside fails.
    fn step(&mut self, action: Action<'_>, draws: &mut Stream) -> Result<Step, EnvironmentError>;

    /// The observation of the current state, into [`Spaces::features`] places.
    fn observe(&self, observation: &mut [f64]);

    /// A second one of the same make, in the same state: what value probes roll out from. `None` where
    /// the environment cannot be copied (a program outside).
    fn duplicate(&self) -> Option<Box<dyn Environment>>;

    /// From now on no time limit cuts an episode off, where the limit is this environment's own: what value
    /// probes roll on under.
    fn lift_limit(&mut self) {}

    /// Positions and velocities, where the environment is a mechanism.
    fn physics(&mut self) -> Option<&mut dyn Physics> {
        None
    }
}

/// Something to be drawn, in the plane of a mechanism. Lengths are metres, the second axis is up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// All that lies below a height.
    Ground {
        /// Of its edge.
        height: f64,
    },
    /// All points near a segment: a part of the body.
    Capsule {
        /// One end of the segment.
        from: [f64; 2],
        /// The other.
        to: [f64; 2],
        /// Distance from the segment.
        radius: f64,
    },
    /// A disc that is to be reached.
    Target {
        /// Its middle.
        centre: [f64; 2],
        /// Its radius.
        radius: f64,
    },
}

/// A mechanism whose state can be looked at and set.
pub trait Physics {
    /// Generalised positions, MuJoCo's qpos.
    fn qpos(&self) -> &[f64];

    /// Generalised velocities, MuJoCo's qvel.
    fn qvel(&self) -> &[f64];

    /// What a task draws besides (the place of a target and its size), in the order of the golden files.
    fn target(&self) -> &[f64];

    /// Pairs of bodies that touch, one for each place.
    fn contacts(&self) -> usize {
        0
    }

    /// What it looks like, in its plane, the ground first; nothing for what has no picture.
    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }

    /// Puts the mechanism into a state, as at the start of an episode.
    ///
    /// # Errors
    /// If a slice has another length than the state.
    fn set(&mut self, qpos: &[f64], qvel: &[f64], target: &[f64]) -> Result<(), EnvironmentError>;
}

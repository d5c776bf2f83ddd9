//! What is measured on an agent's values: how right its critics are about the policy that they judge.
//!
//! Every probe has draws and copies of the environment of its own, so a run has the same bytes with and
//! without them. Most look at the same [`Rollout`]: on-policy episodes, drawn once an evaluation. Some look
//! at a [`Replay`]: what follows from states that training went through ([`Visited`]).

mod action_gradient;
mod churn;
mod following;
mod q_bias;
mod q_bias_replay;
mod q_gap;
mod q_gap_true;
mod q_impossible;
mod replay;
mod rollout;
mod td_error;
#[cfg(test)]
mod tests;
mod visited;

pub use self::churn::{Over, Reference};
pub use self::q_bias::{Bias, biases};
pub use self::q_impossible::impossible;
pub use self::replay::Replay;
pub use self::rollout::Rollout;
pub use self::visited::Visited;
use crate::agents::{AgentError, Beliefs};
use crate::environments::{Environment, EnvironmentError};
use crate::random::Stream;
use crate::spec::Entry;
use crate::state::StateError;

/// What the probes look at, all of one moment.
pub struct Scene<'a> {
    /// Whose values.
    pub agent: &'a dyn Beliefs,
    /// An environment like the agent's own.
    pub environment: &'a dyn Environment,
    /// On-policy episodes.
    pub rollout: &'a Rollout,
    /// Returns from states of the past; `None` at moments that are not looked at so closely, and where an
    /// environment cannot be put back.
    pub replay: Option<&'a Replay>,
    /// This moment's own stream.
    pub draws: &'a mut Stream,
}

/// A registered value probe.
struct Registered {
    entry: Entry,
    measure: fn(&mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError>,
}

/// Every one, in the order of its rows. A new one is a file and a line here.
const REGISTRY: &[Registered] = &[
    Registered { entry: q_bias::ENTRY, measure: q_bias::measure },
    Registered { entry: q_impossible::ENTRY, measure: q_impossible::measure },
    Registered { entry: q_gap::ENTRY, measure: q_gap::measure },
    Registered { entry: td_error::ENTRY, measure: td_error::measure },
    Registered { entry: action_gradient::ENTRY, measure: action_gradient::measure },
    Registered { entry: q_bias_replay::ENTRY, measure: q_bias_replay::measure },
    Registered { entry: q_gap_true::ENTRY, measure: q_gap_true::measure },
];

/// Catalogue section `value probes`. Churn is measured across an update and has no place in a scene.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|registered| registered.entry).chain([churn::ENTRY]).collect()
}

/// Why a value probe could not measure.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The agent failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// An environment did not take a state back.
    #[error("a state that the environment was in was not taken back: {0}")]
    State(#[from] StateError),
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueMeasurement {
    /// What was looked at: critic1, …, `min`, `mean`, `policy`.
    pub of: String,
    /// Name of the probe.
    pub probe: &'static str,
    /// What it measured.
    pub value: f64,
    /// Pairs or states that it was measured on.
    pub samples: usize,
}

/// Everything that the value probes have to say of a scene.
///
/// # Errors
/// If the environment or candle fails.
pub fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let mut all = Vec::new();
    for probe in REGISTRY {
        all.extend((probe.measure)(scene)?);
    }
    Ok(all.into_iter().filter(|measured| !measured.value.is_nan()).collect())
}

/// The mean over single critics of what a probe says of each.
#[must_use]
pub fn over_critics(measured: &[ValueMeasurement], probe: &str) -> Option<f64> {
    let of_critics = measured.iter().filter(|m| m.probe == probe && m.of.starts_with("critic"));
    let value = mean(of_critics.map(|measured| measured.value));
    (!value.is_nan()).then_some(value)
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value;
        count += 1;
    }
    sum / f64::from(count)
}

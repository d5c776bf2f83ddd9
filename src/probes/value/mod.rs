//! What is measured on an agent's values: how right its critics are about the policy that they judge.
//!
//! Every probe has draws and copies of the environment of its own, so a run has the same bytes with and
//! without them. Most look at the same [`Rollout`]: on-policy episodes, drawn once an evaluation.

mod action_gradient;
mod q_bias;
mod q_gap;
mod q_impossible;
mod rollout;
mod td_error;
#[cfg(test)]
mod tests;

pub use self::q_bias::{Bias, biases};
pub use self::q_impossible::impossible;
pub use self::rollout::Rollout;
use crate::agents::{AgentError, Beliefs};
use crate::environments::{Environment, EnvironmentError};
use crate::random::Stream;

/// Why a value probe could not measure.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The agent failed.
    #[error(transparent)]
    Agent(#[from] AgentError),
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

/// Everything that the value probes have to say at one moment. `draws` is this moment's own stream.
///
/// # Errors
/// If the environment or candle fails.
pub fn measure(
    agent: &dyn Beliefs,
    environment: &dyn Environment,
    rollout: &Rollout,
    draws: &mut Stream,
) -> Result<Vec<ValueMeasurement>, ValueError> {
    let mut all = q_bias::measure(agent, rollout)?;
    all.extend(q_impossible::measure(agent, rollout, environment.spaces())?);
    all.extend(q_gap::measure(agent, rollout, draws)?);
    all.extend(td_error::measure(agent, rollout, draws)?);
    all.extend(action_gradient::measure(agent, rollout)?);
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

//! Evaluation of an agent: whole episodes of the policy's mode, in an environment of their own.

use super::super::TrainError;
use crate::agents::scale::Scale;
use crate::agents::{Agent, Chosen};
use crate::environments::{Action, Environment};
use crate::random::Stream;

/// Decisions after which an episode is cut off where the environment has no limit of its own.
const MOST: usize = 10_000;

/// Returns of the episodes of an evaluation: sums of raw rewards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Returns(pub Vec<f64>);

impl Returns {
    /// NaN without an episode.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// The least one.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The largest one.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// So many episodes. The agent is asked for its mode, which changes nothing of it.
///
/// # Errors
/// If the environment or candle fails.
pub fn evaluate(
    agent: &mut dyn Agent,
    environment: &mut dyn Environment,
    episodes: usize,
    draws: &mut Stream,
) -> Result<Returns, TrainError> {
    let scale = Scale::new(&environment.spaces().action);
    let mut observation = vec![0.0; environment.spaces().features()];
    let most = environment.spaces().step_limit.unwrap_or(MOST);
    let mut returns = Returns::default();
    for _ in 0..episodes {
        environment.reset(draws)?;
        let mut total = 0.0;
        for _ in 0..most {
            environment.observe(&mut observation);
            let step = match agent.act(&observation, false)? {
                Chosen::Continuous(action) => {
                    environment.step(Action::Continuous(&scale.outward(&action)), draws)?
                }
                Chosen::Discrete(number) => environment.step(Action::Discrete(number), draws)?,
            };
            total += step.reward;
            if step.ended() {
                break;
            }
        }
        returns.0.push(total);
    }
    Ok(returns)
}

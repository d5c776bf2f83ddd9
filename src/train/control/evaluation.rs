//! Evaluation of an agent: whole episodes of the policy's mode, in an environment of their own.

use super::super::TrainError;
use crate::agents::scale::Scale;
use crate::agents::{Agent, Chosen};
use crate::environments::{Action, Environment, either};
use crate::random::Stream;

/// Decisions after which an episode is cut off where the environment has no limit of its own.
const MOST: usize = 10_000;

/// What the episodes of an evaluation came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Returns {
    /// Of each episode the sum of its raw rewards.
    pub each: Vec<f64>,
    /// Episodes with a step that counts as solved, where the environment says so.
    pub successes: Option<usize>,
}

impl Returns {
    /// NaN without an episode.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.each.iter().sum::<f64>() / self.each.len() as f64
    }

    /// The least one.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.each.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The largest one.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.each.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Share of the episodes with a success, where the environment says so.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        self.successes.map(|count| count as f64 / self.each.len() as f64)
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
        let (mut total, mut success) = (0.0, None);
        for _ in 0..most {
            environment.observe(&mut observation);
            let step = match agent.act(&observation, false)? {
                Chosen::Continuous(action) => {
                    environment.step(Action::Continuous(&scale.outward(&action)), draws)?
                }
                Chosen::Discrete(number) => environment.step(Action::Discrete(number), draws)?,
            };
            total += step.reward;
            success = either(success, step.success);
            if step.ended() {
                break;
            }
        }
        returns.each.push(total);
        if let Some(success) = success {
            *returns.successes.get_or_insert(0) += usize::from(success);
        }
    }
    Ok(returns)
}

//! What is earned from a state on, by a given action and then by the policy as it acts in training.

use super::ValueError;
use crate::agents::Beliefs;
use crate::agents::scale::Scale;
use crate::environments::{Action, Environment, EnvironmentError};
use crate::random::Stream;
use crate::state::StateDict;

/// What comes later weighs so little that it is left out.
const LEAST_WEIGHT: f64 = 1e-3;
/// Steps at most, for discounts that reach farther.
const MOST: usize = 1000;

/// Discounted returns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Returns {
    /// (states): rewards alone.
    pub hard: Vec<f64>,
    /// (states): less α log π of every action but the first.
    pub soft: Vec<f64>,
}

/// ⌈ln 0.001 / ln γ⌉: 688 for 0.99.
pub fn horizon(gamma: f64) -> usize {
    if gamma <= 0.0 {
        return 1;
    }
    ((LEAST_WEIGHT.ln() / gamma.ln()).ceil() as usize).clamp(1, MOST)
}

/// Copies of `environment` in these states, without a time limit; `None` if it cannot be copied.
pub fn worlds(
    environment: &dyn Environment,
    states: &[&StateDict],
) -> Result<Option<Vec<Box<dyn Environment>>>, ValueError> {
    let mut worlds = Vec::with_capacity(states.len());
    for state in states {
        let Some(mut world) = environment.duplicate() else { return Ok(None) };
        world.load(state)?;
        world.lift_limit();
        worlds.push(world);
    }
    Ok(Some(worlds))
}

/// (worlds, features)
pub fn observe(worlds: &[&dyn Environment]) -> Vec<f32> {
    let mut observation = Vec::new();
    let mut states = Vec::new();
    for world in worlds {
        observation.resize(world.spaces().features(), 0.0);
        world.observe(&mut observation);
        states.extend(observation.iter().map(|&x| x as f32));
    }
    states
}

/// Returns of the worlds after the `first` actions (worlds, actions) in the agent's scale; `None` if one of
/// them leaves the finite numbers.
pub fn follow(
    agent: &dyn Beliefs,
    mut worlds: Vec<Box<dyn Environment>>,
    first: &[f32],
    draws: &mut Stream,
) -> Result<Option<Returns>, ValueError> {
    let count = worlds.len();
    let mut returns = Returns { hard: vec![0.0; count], soft: vec![0.0; count] };
    let Some(one) = worlds.first() else { return Ok(Some(returns)) };
    let scale = Scale::new(&one.spaces().action);
    let (width, gamma, alpha) = (first.len() / count, agent.discount(), agent.temperature());
    let mut going: Vec<usize> = (0..count).collect();
    let (mut actions, mut weight) = (first.to_vec(), 1.0);
    for _ in 0..horizon(gamma) {
        let mut ended = Vec::new();
        for (row, &number) in going.iter().enumerate() {
            let action = &actions[row * width..][..width];
            let step = if agent.discrete().is_some() {
                worlds[number].step(Action::Discrete(action[0] as usize), draws)
            } else {
                worlds[number].step(Action::Continuous(&scale.outward(action)), draws)
            };
            let step = match step {
                Err(EnvironmentError::NotFinite(_)) => return Ok(None),
                step => step?,
            };
            returns.hard[number] += weight * step.reward;
            returns.soft[number] += weight * step.reward;
            if step.ended() {
                ended.push(number);
            }
        }
        going.retain(|number| !ended.contains(number));
        if going.is_empty() {
            break;
        }
        weight *= gamma;
        let here: Vec<&dyn Environment> = going.iter().map(|&number| &*worlds[number]).collect();
        let decisions = agent.policy(&observe(&here), Some(draws))?;
        for (&number, log_prob) in going.iter().zip(&decisions.log_probs) {
            returns.soft[number] -= weight * alpha * log_prob;
        }
        actions = decisions.actions;
    }
    Ok(Some(returns))
}

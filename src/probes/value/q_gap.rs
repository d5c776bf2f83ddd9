//! How much more the critics promise for the best of many actions than for the policy's own: what an actor
//! that followed them would be drawn to. A pole of a rational critic in the direction of the action shows
//! here before the actor has found it.

use super::{Rollout, ValueError, ValueMeasurement, mean};
use crate::agents::Beliefs;
use crate::agents::combine::Combine;
use crate::random::Stream;

/// Uniform actions tried in every state; all actions where there are few.
const TRIED: usize = 64;
/// States looked at.
const STATES: usize = 256;

/// Row `q_gap`: the mean over states of max over actions of the critics' mean, less its value at the
/// policy's mode; at least 0, since that action is among those tried.
pub(super) fn measure(
    agent: &dyn Beliefs,
    rollout: &Rollout,
    draws: &mut Stream,
) -> Result<Vec<ValueMeasurement>, ValueError> {
    let samples = rollout.pairs.min(STATES);
    if samples == 0 {
        return Ok(Vec::new());
    }
    let features = rollout.states.len() / rollout.pairs;
    // Spread over the episodes.
    let picked: Vec<usize> = (0..samples).map(|i| i * rollout.pairs / samples).collect();
    let states: Vec<f32> =
        picked.iter().flat_map(|&row| rollout.states[row * features..][..features].iter().copied()).collect();
    let own = agent.policy(&states, None)?.actions;
    let width = own.len() / samples;
    let own_values = Combine::Mean.values(&agent.q(&states, &own)?);
    let mut best = own_values.clone();
    for trial in 0..agent.discrete().unwrap_or(TRIED) {
        let actions: Vec<f32> = match agent.discrete() {
            Some(_) => vec![trial as f32; samples],
            None => (0..samples * width).map(|_| draws.uniform(-1.0, 1.0) as f32).collect(),
        };
        let values = Combine::Mean.values(&agent.q(&states, &actions)?);
        best.iter_mut().zip(values).for_each(|(best, value)| *best = best.max(value));
    }
    let value = mean(best.iter().zip(&own_values).map(|(best, own)| f64::from(best - own)));
    Ok(vec![ValueMeasurement { of: "mean".to_owned(), probe: "q_gap", value, samples }])
}

//! How much more the critics promise for the best of many actions than for the policy's own: what an actor
//! that followed them would be drawn to. A pole of a rational critic in the direction of the action shows
//! here before the actor has found it.

use super::{Scene, ValueError, ValueMeasurement, mean};
use crate::agents::combine::Combine;
use crate::agents::{AgentError, Beliefs};
use crate::random::Stream;
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "q_gap",
    summary: "largest Q of 64 uniform actions and the policy's own (mean of the critics), less Q of the policy's \
              mode; the best of all actions where they are discrete",
    source: "",
    parameters: &[],
};

/// Uniform actions tried in every state; all actions where there are few.
const TRIED: usize = 64;
/// States looked at.
const STATES: usize = 256;

/// The best actions that the critics see beside the policy's own.
pub(super) struct Best {
    /// (states, actions): the policy's mode.
    pub own: Vec<f32>,
    /// (states, actions)
    pub actions: Vec<f32>,
    /// (states): how much more the critics promise for them, at least 0.
    pub promised: Vec<f64>,
}

/// In states (samples, features).
pub(super) fn best(
    agent: &dyn Beliefs,
    states: &[f32],
    samples: usize,
    draws: &mut Stream,
) -> Result<Best, AgentError> {
    let own = agent.policy(states, None)?.actions;
    let width = own.len() / samples;
    let own_values = Combine::Mean.values(&agent.q(states, &own)?);
    let (mut actions, mut values) = (own.clone(), own_values.clone());
    for trial in 0..agent.discrete().unwrap_or(TRIED) {
        let tried: Vec<f32> = match agent.discrete() {
            Some(_) => vec![trial as f32; samples],
            None => (0..samples * width).map(|_| draws.uniform(-1.0, 1.0) as f32).collect(),
        };
        let found = Combine::Mean.values(&agent.q(states, &tried)?);
        for (row, (value, found)) in values.iter_mut().zip(found).enumerate() {
            if found > *value {
                *value = found;
                actions[row * width..][..width].copy_from_slice(&tried[row * width..][..width]);
            }
        }
    }
    let promised = values.iter().zip(&own_values).map(|(best, own)| f64::from(best - own)).collect();
    Ok(Best { own, actions, promised })
}

/// Row `q_gap`: the mean over states.
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let rollout = scene.rollout;
    let samples = rollout.pairs.min(STATES);
    if samples == 0 {
        return Ok(Vec::new());
    }
    let features = rollout.states.len() / rollout.pairs;
    // Spread over the episodes.
    let picked: Vec<usize> = (0..samples).map(|i| i * rollout.pairs / samples).collect();
    let states: Vec<f32> =
        picked.iter().flat_map(|&row| rollout.states[row * features..][..features].iter().copied()).collect();
    let value = mean(best(scene.agent, &states, samples, scene.draws)?.promised);
    Ok(vec![ValueMeasurement { of: "mean".to_owned(), probe: "q_gap", value, samples }])
}

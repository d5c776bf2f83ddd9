//! Temporal-difference error on transitions that were never learned from, beside that on the buffer's: the
//! gap is overfitting (Li et al. 2023, "Efficient deep reinforcement learning requires regulating
//! overfitting", ICLR).

use super::{Scene, ValueError, ValueMeasurement, mean};
use crate::agents::Beliefs;
use crate::agents::combine::Combine;
use crate::random::Stream;
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "td_error",
    summary: "root mean squared temporal-difference error of the critics on fresh transitions, which were never \
              learned from (td_error_heldout), and on the buffer's (td_error_replay)",
    source: "Li et al. 2023, \"Efficient deep reinforcement learning requires regulating overfitting\", ICLR",
    parameters: &[],
};

/// Transitions of the buffer looked at.
const SAMPLES: usize = 1024;

/// Transitions, wherever they come from.
struct Transitions<'a> {
    states: &'a [f32],
    actions: &'a [f32],
    rewards: Vec<f64>,
    next_states: &'a [f32],
    continues: Vec<f64>,
}

/// Rows `td_error_heldout` and `td_error_replay`: root of the mean over critics and transitions of
/// (Q(s, a) − r − γ(min Q(s', a') − α log π(a' | s')))², the critics themselves in the target's place.
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let Scene { agent, rollout, .. } = *scene;
    let draws = &mut *scene.draws;
    if rollout.pairs == 0 || agent.buffer().is_empty() {
        return Ok(Vec::new());
    }
    let fresh = Transitions {
        states: &rollout.states,
        actions: &rollout.actions,
        rewards: rollout.rewards.clone(),
        next_states: &rollout.next_states,
        continues: rollout.continues.iter().map(|&goes_on| f64::from(u8::from(goes_on))).collect(),
    };
    let batch = agent.buffer().sample(SAMPLES, draws);
    let seen = Transitions {
        states: &batch.observations,
        actions: &batch.actions,
        rewards: batch.rewards.iter().map(|&r| f64::from(r)).collect(),
        next_states: &batch.next_observations,
        continues: batch.continues.iter().map(|&c| f64::from(c)).collect(),
    };
    let mut rows = Vec::new();
    for (probe, transitions) in [("td_error_heldout", fresh), ("td_error_replay", seen)] {
        let samples = transitions.rewards.len();
        let value = error(agent, &transitions, draws)?;
        rows.push(ValueMeasurement { of: "critics".to_owned(), probe, value, samples });
    }
    Ok(rows)
}

fn error(agent: &dyn Beliefs, transitions: &Transitions<'_>, draws: &mut Stream) -> Result<f64, ValueError> {
    let next = agent.policy(transitions.next_states, Some(draws))?;
    let value = Combine::Min.values(&agent.q(transitions.next_states, &next.actions)?);
    let (gamma, alpha) = (agent.discount(), agent.temperature());
    let targets: Vec<f64> = (0..value.len())
        .map(|row| {
            let soft = f64::from(value[row]) - alpha * next.log_probs[row];
            transitions.rewards[row] + gamma * transitions.continues[row] * soft
        })
        .collect();
    let critics = agent.q(transitions.states, transitions.actions)?;
    let squares =
        critics.iter().flat_map(|q| q.iter().zip(&targets).map(|(&q, y)| (f64::from(q) - y).powi(2)));
    Ok(mean(squares).sqrt())
}

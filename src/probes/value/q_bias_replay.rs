//! Bias of Q off the policy's own path: what critics say of the policy's action in states of the replay buffer,
//! less what was earned from there on (Fujimoto et al. 2018, arXiv 1802.09477, figure 1). Roll-outs go on
//! past any time limit until what follows weighs less than a thousandth.

use super::q_bias::{bias, estimates};
use super::{Scene, ValueError, ValueMeasurement};
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "q_bias_replay",
    summary: "q_bias from 64 states of the buffer's past instead of on-policy episodes, where a task ends: \
              q_bias_replay, q_bias_replay_hard, …_normalized",
    source: "Fujimoto et al. 2018, arXiv 1802.09477",
    parameters: &[],
};

/// Rows `q_mean_replay`, `q_bias_replay`, `q_bias_replay_normalized`, `q_bias_replay_hard`,
/// `q_bias_replay_hard_normalized`.
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let Some(replay) = scene.replay else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for (of, q) in estimates(scene.agent.q(&replay.states, &replay.actions)?) {
        let (soft, hard) = (bias(&q, &replay.drawn.soft), bias(&q, &replay.drawn.hard));
        for (probe, value) in [
            ("q_mean_replay", soft.q_mean),
            ("q_bias_replay", soft.bias),
            ("q_bias_replay_normalized", soft.normalized),
            ("q_bias_replay_hard", hard.bias),
            ("q_bias_replay_hard_normalized", hard.normalized),
        ] {
            rows.push(ValueMeasurement { of: of.clone(), probe, value, samples: replay.count });
        }
    }
    Ok(rows)
}

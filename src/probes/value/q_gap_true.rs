//! What the critics' best action is worth: the return that follows on it, less the return that follows on the
//! policy's own action in the same states under the same noise. Where the critics promise much (`q_gap_replay`)
//! and nothing comes of it, they are exploited: a pole in the direction of the action looks like this.

use super::{Scene, ValueError, ValueMeasurement, mean};
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "q_gap_true",
    summary: "discounted return after the critics' best action less that after the policy's mode, on states of the \
              buffer's past, where a task ends; beside it q_gap_replay, what the critics promise there",
    source: "",
    parameters: &[],
};

/// Rows `q_gap_replay` and `q_gap_true`.
#[allow(clippy::unnecessary_wraps, reason = "all value probes are called alike")]
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let Some(replay) = scene.replay else { return Ok(Vec::new()) };
    // Where entropy counts, in Q and so here too.
    let truth = replay.of_best.soft.iter().zip(&replay.of_mode.soft).map(|(best, own)| best - own);
    let row = |probe, value| ValueMeasurement { of: "mean".to_owned(), probe, value, samples: replay.count };
    Ok(vec![row("q_gap_replay", mean(replay.best.promised.iter().copied())), row("q_gap_true", mean(truth))])
}

//! Mean norm of ∂Q/∂a at the policy's mode: what the actor follows (reported by BRO, Nauman et al. 2024).

use super::{Scene, ValueError, ValueMeasurement};
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "action_gradient_norm",
    summary: "mean norm of the derivative of Q by the action at the policy's mode",
    source: "reported by Nauman et al. 2024, arXiv 2405.16158",
    parameters: &[],
};

/// Row `action_gradient_norm`; none for discrete actions.
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let Scene { agent, rollout, .. } = *scene;
    if rollout.pairs == 0 {
        return Ok(Vec::new());
    }
    let value = agent.action_gradient(&rollout.states)?;
    let row = |value| ValueMeasurement {
        of: "mean".to_owned(),
        probe: "action_gradient_norm",
        value,
        samples: rollout.pairs,
    };
    Ok(value.map(row).into_iter().collect())
}

//! Mean norm of ∂Q/∂a at the policy's mode: what the actor follows (reported by BRO, Nauman et al. 2024).

use super::{Rollout, ValueError, ValueMeasurement};
use crate::agents::Beliefs;

/// Row `action_gradient_norm`; none for discrete actions.
pub(super) fn measure(agent: &dyn Beliefs, rollout: &Rollout) -> Result<Vec<ValueMeasurement>, ValueError> {
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

//! Share of pairs whose Q is above what any policy can earn: largest reward, and largest entropy where it
//! counts, at every step to come. It needs no rollout to be compared with, and is never right.

use super::{Rollout, Scene, ValueError, ValueMeasurement};
use crate::agents::{Beliefs, largest_possible};
use crate::environments::Spaces;
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "q_impossible",
    summary: "share of Q above (largest reward + γ·largest entropy)/(1 − γ), which no policy can earn",
    source: "",
    parameters: &[],
};

/// The share among the values of every critic; `None` where the largest possible value is not known.
///
/// # Errors
/// If candle refuses an operation.
pub fn impossible(
    agent: &dyn Beliefs,
    rollout: &Rollout,
    spaces: &Spaces,
) -> Result<Option<Vec<f64>>, ValueError> {
    let Some(most) = largest_possible(agent, spaces) else { return Ok(None) };
    let share = |q: Vec<f32>| {
        // NaN is not a possible value either.
        let beyond = q.iter().filter(|&&q| q.is_nan() || f64::from(q) > most).count();
        beyond as f64 / q.len() as f64
    };
    Ok(Some(agent.q(&rollout.states, &rollout.actions)?.into_iter().map(share).collect()))
}

/// Rows `q_impossible`.
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let Scene { agent, rollout, .. } = *scene;
    let shares = impossible(agent, rollout, scene.environment.spaces())?.unwrap_or_default();
    let row = |(number, value)| ValueMeasurement {
        of: format!("critic{}", number + 1),
        probe: "q_impossible",
        value,
        samples: rollout.pairs,
    };
    Ok(shares.into_iter().enumerate().map(row).collect())
}

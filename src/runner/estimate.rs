//! What a run is expected to cost, from its plan alone.
//!
//! A formula, not a measurement: shards are cut by it, so it has to give the same on every machine.
//! Its constants were read off one core of a server processor; on others the ratios hold better than
//! the seconds.

use crate::data::{self, Manifest};
use crate::spec::{Length, Plan};
use crate::tasks;

/// Products of a training step run at about this many multiply-adds a second.
const TRAINING_RATE: f64 = 40e9;
/// The forward pass of an evaluation, in batches of 256.
const EVALUATION_RATE: f64 = 50e9;
/// The optimiser's pass over one parameter.
const PER_PARAMETER: f64 = 0.3e-9;
/// What a step costs beside both: graph, loss, batch.
const PER_STEP: f64 = 15e-6;

/// Numbers between the layers, from the inputs to the classes; `None` for a network whose sizes are not
/// known here.
pub(super) fn widths(plan: &Plan, manifest: &Manifest) -> Option<Vec<f64>> {
    if plan.network.name != "mlp" {
        return None;
    }
    let mut widths = vec![(manifest.channels * manifest.height * manifest.width) as f64];
    widths.extend(plan.network.integers("hidden").iter().map(|&width| width as f64));
    widths.push(manifest.classes as f64);
    Some(widths)
}

/// Seconds on one core; `None` for a plan whose sizes are not known here.
#[must_use]
pub fn estimate(plan: &Plan) -> Option<f64> {
    let manifest = data::manifest(&plan.data.dataset).ok()?;
    let sizes = tasks::sizes(plan, manifest);
    let examples = sizes.train.iter().sum::<f64>() / sizes.train.len() as f64;
    let batch = plan.stream.batch_size as f64;
    let steps = match plan.stream.length {
        Length::Steps(steps) => steps as f64,
        Length::Epochs(epochs) => epochs as f64 * (examples / batch).ceil(),
    };
    let widths = widths(plan, manifest)?;
    let weights: f64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    // Forward, ∂W and ∂x, the last not for the first layer.
    let multiply_adds = batch * (3.0 * weights - widths[0] * widths[1]);
    let networks = if plan.probes.plasticity_gap { 2.0 } else { 1.0 };
    let step = multiply_adds / TRAINING_RATE + weights * PER_PARAMETER + PER_STEP;
    let tested = sizes.test.iter().sum::<f64>() / sizes.test.len() as f64;
    let probed = 2.0 * plan.probes.samples as f64;
    let evaluation = (examples + tested + probed) * weights / EVALUATION_RATE;
    Some(plan.stream.tasks as f64 * (networks * steps * step + evaluation))
}

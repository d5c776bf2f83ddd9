//! What a run is expected to cost, from its plan alone.
//!
//! A formula, not a measurement: shards are cut by it, so it has to give the same on every machine.
//! Its constants were read off one core of a server processor; on others the ratios hold better than
//! the seconds.

use crate::agents;
use crate::data::{self, Manifest};
use crate::methods;
use crate::nn::{self, LayerWork};
use crate::probes;
use crate::spec::{Length, Plan, Work};
use crate::tasks;

/// Products of a training step run at about this many multiply-adds a second.
const TRAINING_RATE: f64 = 40e9;
/// The forward pass of an evaluation, in batches of 256.
const EVALUATION_RATE: f64 = 50e9;
/// The optimiser's pass over one parameter.
const PER_PARAMETER: f64 = 0.3e-9;
/// Products in f64, where every parameter's gradient is checked for, and a pass over a vector of all parameters.
const WIDE_RATE: f64 = 15e9;
const PER_WRITTEN: f64 = 1e-9;
/// Activation, norm and pooling of one number that a convolution puts out, forward and backward.
const PER_OUTPUT: f64 = 4e-9;
/// The rest of a step: graph, loss, batch.
const PER_STEP: f64 = 15e-6;

/// The layers of the plan's network; `None` for one whose sizes are not known here.
pub(super) fn layers(plan: &Plan, manifest: &Manifest) -> Option<Vec<LayerWork>> {
    let classes = tasks::sizes(plan, manifest).classes;
    nn::work(plan, (manifest.channels, manifest.height, manifest.width), classes)
}

/// Seconds on one core; `None` for a plan whose sizes are not known here.
#[must_use]
pub fn estimate(plan: &Plan) -> Option<f64> {
    match &plan.work {
        Work::Supervised { .. } => {}
        Work::Control(_) => return Some(agents::cost::multiply_adds(plan)? / TRAINING_RATE),
        Work::Diagnostic(_) => return None,
    }
    let manifest = data::manifest(&plan.data().dataset).ok()?;
    let sizes = tasks::sizes(plan, manifest);
    let (examples, own) = (trained(plan, &sizes), plan.stream().batch_size as f64);
    let steps: f64 = match plan.stream().length {
        Length::Steps(steps) => (steps * plan.stream().tasks) as f64,
        Length::Epochs(epochs) => {
            let whole = |of: &f64| if plan.stream().drop_last { of.max(1.0).floor() } else { of.ceil() };
            examples.iter().map(|of| epochs as f64 * whole(&(of / own))).sum()
        }
    };
    let batch = own + rehearsed(plan);
    let layers = layers(plan, manifest)?;
    let sum = |of: fn(&LayerWork) -> f64| layers.iter().map(of).sum::<f64>();
    let (weights, forward) = (sum(|layer| layer.weights), sum(|layer| layer.multiply_adds));
    let mapped = sum(|layer| if layer.convolution { layer.outputs } else { 0.0 });
    // Forward, ∂W and ∂x, the last not for the first layer.
    let multiply_adds = 3.0 * forward - layers[0].multiply_adds;
    let networks = if plan.probes.plasticity_gap { 2.0 } else { 1.0 };
    let step =
        batch * (multiply_adds / TRAINING_RATE + mapped * PER_OUTPUT) + weights * PER_PARAMETER + PER_STEP;
    let evaluation = forward / EVALUATION_RATE + mapped * PER_OUTPUT / 3.0;
    let probed = (2 * plan.probes.samples * plan.stream().tasks) as f64;
    let evaluated = examples.iter().sum::<f64>() + probed + tested(&sizes);
    // At the start and at the end of every task.
    let looks = 2.0 * plan.stream().tasks as f64;
    let look = probed_whole(plan, manifest, &layers, &examples);
    let look = look.wide / WIDE_RATE + look.single / TRAINING_RATE + look.written * PER_WRITTEN;
    Some(networks * steps * step + evaluated * evaluation + looks * look)
}

/// One look of the probes of the whole network, in the largest of tasks of so many examples.
pub(super) fn probed_whole(
    plan: &Plan,
    manifest: &Manifest,
    layers: &[LayerWork],
    examples: &[f64],
) -> probes::Cost {
    let features = manifest.channels * manifest.height * manifest.width;
    let largest = examples.iter().copied().fold(0.0, f64::max);
    probes::cost(plan, layers, (features, tasks::sizes(plan, manifest).classes), largest)
}

/// Training examples of each task, as the method sees them.
fn trained(plan: &Plan, sizes: &tasks::Sizes) -> Vec<f64> {
    if methods::data::is_cumulative(plan) { so_far(&sizes.train) } else { sizes.train.clone() }
}

/// Examples of earlier tasks in every batch.
pub(super) fn rehearsed(plan: &Plan) -> f64 {
    methods::data::extra_rows(plan) as f64
}

/// Each number with all before it.
fn so_far(numbers: &[f64]) -> Vec<f64> {
    let sums = numbers.iter().scan(0.0, |sum, number| {
        *sum += number;
        Some(*sum)
    });
    sums.collect()
}

/// Test images that the whole run is tested on, those that come again counted again.
fn tested(sizes: &tasks::Sizes) -> f64 {
    let at_the_ends = sizes.test.iter().sum::<f64>();
    if !sizes.retention {
        return at_the_ends;
    }
    // The accuracy matrix: after every task, the test sets of all tasks so far.
    at_the_ends + so_far(&sizes.test).iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;
    use crate::spec::Spec;

    fn seconds(stream: &str, network: &str) -> f64 {
        with_method(stream, network, "'none'")
    }

    fn with_method(stream: &str, network: &str, method: &str) -> f64 {
        let text = format!(
            "name = 'x'\ndata = {{ dataset = 'cifar100' }}\nnetwork = {network}\noptimizer = 'adam'\n\
             activation = 'relu'\nmethod = {method}\nstream = {{ {stream} }}\n"
        );
        let spec = Spec::parse(&text, "x.toml", &[], &catalogue()).unwrap();
        estimate(&spec.plans(None).unwrap()[0]).unwrap()
    }

    #[test]
    fn cost_grows_with_everything_that_is_computed() {
        let base =
            "family = 'split-classes', batch_size = 32, examples_per_class = 10, classes_per_task = 10";
        let of = |more: &str, network: &str| seconds(&format!("{base}, {more}"), network);
        let small = of("tasks = 5, steps = 100", "'resnet18'");
        assert!(of("tasks = 5, steps = 200", "'resnet18'") > small);
        assert!(of("tasks = 5, steps = 100", "{ kind = 'resnet18', width = 32 }") < small / 2.0);
        assert!(of("tasks = 5, steps = 100", "'cnn'") < small / 10.0);
        // Twice the tasks have nearly four times the cells of the accuracy matrix.
        let (five, ten) = (of("tasks = 5, steps = 1", "'cnn'"), of("tasks = 10, steps = 1", "'cnn'"));
        assert!(ten > 2.5 * five, "{five} {ten}");
    }

    #[test]
    fn methods_that_train_on_earlier_tasks_cost_more() {
        let stream =
            "family = 'split-classes', tasks = 9, classes_per_task = 10, epochs = 50, batch_size = 16";
        let of = |method: &str| with_method(stream, "'cnn'", method);
        // Tasks of 1 to 9 times the examples: five times the steps.
        let joint = of("'joint'") / of("'none'");
        assert!((4.5..5.1).contains(&joint), "{joint}");
        let replay = of("{ name = 'replay', rows = 16 }") / of("'none'");
        assert!((1.7..2.1).contains(&replay), "{replay}");
    }
}

//! Whether the runs fit this machine's memory, asked before the first one starts.
//!
//! Memory that is not there cannot be caught: the allocator aborts the process, or the kernel kills it,
//! and with it every other run of the grid.

use super::Options;
use super::estimate::{layers, probed_whole, rehearsed};
use super::folders::{Run, is_finished, select};
use super::status;
use crate::agents;
use crate::data;
use crate::nn::LayerWork;
use crate::spec::{Plan, Work};
use crate::tasks;

/// Per weight: value, gradient and Adam's two moments in f32, and the start that a method may keep.
const PER_WEIGHT: f64 = 20.0;
/// While a network is drawn, its largest layer is there in f64 and twice in f32.
const PER_DRAWN_WEIGHT: f64 = 16.0;
/// Per number that a layer puts out: it, what it was made of, and their gradients, in f32.
const PER_OUTPUT: f64 = 16.0;
/// Images of an evaluation's batch, and what is kept at a time of the largest convolution's outputs for
/// them: ten maps of f32, measured on a residual network.
const EVALUATED: f64 = 256.0;
const PER_EVALUATED: f64 = 40.0;
/// A process without any run: the program, its tables, and what the allocator holds back.
const PROCESS: f64 = 64.0 * MIB;
/// Larger inputs are scaled batch by batch (`tasks::pool` keeps as much of either split as f32).
const KEPT_INPUTS: f64 = 32.0 * MIB;
/// An estimate is multiplied by this before a scheduler is asked for it: it kills what takes more.
const SAFETY: f64 = 1.5;
/// Networks of an agent, their optimisers and passes: four of 1024 and 1024 take less.
const NETWORKS: f64 = 64.0 * MIB;
const MIB: f64 = (1u64 << 20) as f64;
const GIB: f64 = 1024.0 * MIB;

/// Bytes that a run needs at the least; `None` for a plan whose sizes are not known here.
fn needed(plan: &Plan) -> Option<f64> {
    match &plan.work {
        Work::Supervised { .. } => {}
        Work::Control(control) => return Some(agents::cost::memory(control)? + NETWORKS),
        Work::Diagnostic(_) => return Some(NETWORKS),
    }
    let manifest = data::manifest(&plan.data().dataset).ok()?;
    let layers = layers(plan, manifest)?;
    let weights: f64 = layers.iter().map(|layer| layer.weights).sum();
    let largest = layers.iter().map(|layer| layer.weights).fold(0.0, f64::max);
    let networks = if plan.probes.plasticity_gap { 2.0 } else { 1.0 };
    let sizes = tasks::sizes(plan, manifest);
    let examples = sizes.train.iter().copied().fold(0.0, f64::max);
    let tested = sizes.test.iter().copied().fold(examples, f64::max);
    let maps = |layer: &LayerWork| if layer.convolution { layer.outputs } else { 0.0 };
    let map = layers.iter().map(maps).fold(0.0, f64::max);
    let batch = (plan.stream().batch_size as f64).min(examples) + rehearsed(plan);
    // Linear layers are probed on all samples at once, convolutions on a few images at a time.
    let probed = (plan.probes.samples as f64).min(examples).max(batch);
    let pixels = (manifest.channels * manifest.height * manifest.width) as f64;
    let outputs = batch * layers.iter().map(maps).sum::<f64>()
        + probed * (pixels + layers.iter().map(|layer| layer.outputs - maps(layer)).sum::<f64>());
    Some(
        networks * weights * PER_WEIGHT
            + largest * PER_DRAWN_WEIGHT
            + outputs * PER_OUTPUT
            + EVALUATED.min(tested) * map * PER_EVALUATED
            + probed_whole(plan, manifest, &layers, &sizes.train).bytes,
    )
}

/// Bytes that a process is to have for `jobs` of these runs side by side, with the decoded data set and
/// some to spare; `None` where that is not known of every run.
pub(super) fn of_process(runs: &[&Run], jobs: usize) -> Option<f64> {
    let mut needs = runs.iter().map(|run| of_run(&run.plan)).collect::<Option<Vec<f64>>>()?;
    needs.sort_by(|a, b| b.total_cmp(a));
    needs.truncate(jobs.max(1));
    let largest = runs.iter().filter_map(|run| decoded(&run.plan)).fold(0.0, f64::max);
    Some(SAFETY * (PROCESS + 1.5 * largest + needs.iter().sum::<f64>()))
}

/// What [`needed`] says and the inputs that the run keeps.
fn of_run(plan: &Plan) -> Option<f64> {
    let Work::Supervised { .. } = &plan.work else { return needed(plan) };
    let manifest = data::manifest(&plan.data().dataset).ok()?;
    let images = plan.stream().examples.unwrap_or(manifest.train).min(manifest.train) + manifest.test;
    let inputs = (images * manifest.channels * manifest.height * manifest.width) as f64 * 4.0;
    Some(needed(plan)? + inputs.min(KEPT_INPUTS))
}

/// Bytes of the data set's pixels.
fn decoded(plan: &Plan) -> Option<f64> {
    let Work::Supervised { data, .. } = &plan.work else { return None };
    let manifest = data::manifest(&data.dataset).ok()?;
    Some(((manifest.train + manifest.test) * manifest.channels * manifest.height * manifest.width) as f64)
}

/// `1.5 GiB`, `300 MiB`.
#[must_use]
pub fn in_words(bytes: f64) -> String {
    if bytes < GIB { format!("{:.0} MiB", (bytes / MIB).ceil()) } else { format!("{:.1} GiB", bytes / GIB) }
}

/// Bytes that can be had without swapping, where the system says so (Linux).
fn available() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// An error if the runs that may train side by side need more memory than there is.
pub fn check(plans: &[Plan], options: &Options) -> anyhow::Result<()> {
    available().map_or(Ok(()), |available| fit(plans, options, available))
}

/// The needs of the largest runs that are left and may train side by side, by what each needs.
pub(super) fn largest(
    plans: &[Plan],
    options: &Options,
    needed: impl Fn(&Plan) -> Option<f64>,
) -> anyhow::Result<Vec<f64>> {
    let runs = select(plans, options)?;
    let left_alone = |run: &&Run| !options.retry && status::has_failed(&run.dir);
    let left = runs.iter().filter(|run| options.fresh || !(is_finished(run) || left_alone(run)));
    let mut needs: Vec<f64> = left.filter_map(|run| needed(&run.plan)).collect();
    needs.sort_by(|a, b| b.total_cmp(a));
    needs.truncate(options.jobs.max(1));
    Ok(needs)
}

fn fit(plans: &[Plan], options: &Options, available: f64) -> anyhow::Result<()> {
    let needs = largest(plans, options, needed)?;
    let whole: f64 = needs.iter().sum();
    anyhow::ensure!(
        whole <= available,
        "{} at least {:.1} GiB of memory, and {:.1} GiB are free: \
         take fewer with --jobs, or make network.hidden or stream.batch_size smaller",
        match needs.len() {
            1 => "the largest run needs".to_owned(),
            several => format!("the {several} largest runs, which may train side by side, need"),
        },
        whole / GIB,
        available / GIB
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::test_plans::plan;
    use crate::spec::Value;

    #[test]
    fn the_largest_runs_at_a_time_have_to_fit() {
        let out = tempfile::tempdir().unwrap();
        let mut plans = [plan("relu", 0), plan("relu", 1), plan("relu", 2)];
        for (plan, width) in plans.iter_mut().zip([1i64 << 16, 100, 1 << 16]) {
            plan.network.parameters.insert("hidden".into(), Value::Integers(vec![width, width]));
        }
        // 2³² weights of 20 bytes, and 16 more each while the largest layer is drawn: 36 · 4 GiB.
        let one = needed(&plans[0]).unwrap();
        assert!((144.0..147.0).contains(&(one / GIB)), "{}", one / GIB);
        let mut options = Options::new(out.path());
        assert!(fit(&plans, &options, one * 1.01).is_ok());
        options.jobs = 2;
        let message = fit(&plans, &options, one * 1.01).unwrap_err().to_string();
        assert!(message.starts_with("the 2 largest runs") && message.contains("--jobs"), "{message}");
        assert!(fit(&plans[..2], &options, one * 1.01).is_ok());
    }
}

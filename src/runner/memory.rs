//! Whether the runs fit this machine's memory, asked before the first one starts.
//!
//! Memory that is not there cannot be caught: the allocator aborts the process, or the kernel kills it,
//! and with it every other run of the grid.

use super::Options;
use super::estimate::widths;
use super::folders::{is_finished, select};
use crate::data;
use crate::spec::Plan;

/// Per weight: value, gradient and Adam's two moments in f32, and the start that a method may keep.
const PER_WEIGHT: f64 = 20.0;
/// While a network is drawn, its largest layer is there in f64 and twice in f32.
const PER_DRAWN_WEIGHT: f64 = 16.0;
/// Per number that a layer puts out: it, what it was made of, and their gradients, in f32.
const PER_OUTPUT: f64 = 16.0;
const GIB: f64 = (1u64 << 30) as f64;

/// Bytes that a run needs at the least; `None` for a plan whose sizes are not known here.
fn needed(plan: &Plan) -> Option<f64> {
    let manifest = data::manifest(&plan.data.dataset).ok()?;
    let widths = widths(plan, manifest)?;
    let layers = widths.windows(2).map(|pair| pair[0] * pair[1]);
    let (weights, largest) = layers.fold((0.0, 0.0f64), |(sum, most), layer| (sum + layer, most.max(layer)));
    let networks = if plan.probes.plasticity_gap { 2.0 } else { 1.0 };
    let examples = plan.stream.examples.unwrap_or(manifest.train);
    let batch = plan.stream.batch_size.min(examples).max(plan.probes.samples.min(examples)) as f64;
    let outputs = batch * widths.iter().sum::<f64>();
    Some(networks * weights * PER_WEIGHT + largest * PER_DRAWN_WEIGHT + outputs * PER_OUTPUT)
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

fn fit(plans: &[Plan], options: &Options, available: f64) -> anyhow::Result<()> {
    let runs = select(plans, options)?;
    let left = runs.iter().filter(|run| options.fresh || !is_finished(run));
    let mut needs: Vec<f64> = left.filter_map(|run| needed(&run.plan)).collect();
    needs.sort_by(|a, b| b.total_cmp(a));
    needs.truncate(options.jobs.max(1));
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

    #[test]
    fn small_networks_fit_here() {
        let out = tempfile::tempdir().unwrap();
        let mut small = plan("relu", 0);
        small.network.parameters.insert("hidden".into(), Value::Integers(vec![100, 100]));
        check(&[small], &Options::new(out.path())).unwrap();
    }
}

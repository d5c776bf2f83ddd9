//! Whether runs can take their steps where they are asked to, asked before the first one starts.

use anyhow::ensure;

use super::Options;
use super::folders::{is_finished, select};
use super::memory::{in_words, largest};
use crate::record::RunStatus;
use crate::spec::Plan;
use crate::train::Places;

/// An error if a run began elsewhere, or if those that may train side by side do not fit the device's memory.
pub fn check(plans: &[Plan], options: &Options, places: &dyn Places) -> anyhow::Result<()> {
    if !options.fresh {
        let here = RunStatus::begin("", places.device(), 1, places.kernels());
        for run in select(plans, options)?.iter().filter(|run| !is_finished(run)) {
            if let Ok(Some(earlier)) = RunStatus::read(&run.dir) {
                let resumed = here.can_resume(&earlier);
                resumed.map_err(|why| anyhow::anyhow!("{} cannot go on: {why}", run.dir.display()))?;
            }
        }
    }
    let needs = largest(plans, options, |plan| places.bytes(plan))?;
    let (whole, free) = (needs.iter().sum::<f64>(), places.free().unwrap_or(f64::INFINITY));
    ensure!(
        whole <= free,
        "--device {}: {} runs side by side need {} of its memory, and {} are free: take fewer with --jobs",
        places.device(),
        needs.len(),
        in_words(whole),
        in_words(free)
    );
    Ok(())
}

/// What runs side by side take of the device's memory, in words; nothing on the processor.
pub fn describe(plans: &[Plan], options: &Options, places: &dyn Places) -> anyhow::Result<String> {
    let needs = largest(plans, options, |plan| places.bytes(plan))?;
    if needs.is_empty() {
        return Ok(String::new());
    }
    let device = places.device();
    let whole = in_words(needs.iter().sum());
    Ok(format!("Expected memory of {device}: {whole} with {} at a time.\n", needs.len()))
}

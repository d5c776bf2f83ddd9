//! Where runs stand on disk: OUT/NAME/RUN, and what is made sure of before the first one starts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Options;
use super::lock::{self, Claim};
use super::status;
use crate::spec::Plan;

/// A plan and its place.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is run.
    pub plan: Plan,
    /// OUT/NAME/RUN.
    pub dir: PathBuf,
}

impl Run {
    /// RUN: what progress lines call it.
    #[must_use]
    pub fn label(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The lock of the run in `dir`. It stands beside the folders (OUT/NAME/.locks/RUN), so that a result
    /// folder holds results alone and may be removed while the lock is held.
    pub(super) fn lock(dir: &Path) -> PathBuf {
        dir.with_file_name(".locks").join(dir.file_name().unwrap_or_default())
    }

    /// Asks for this run's lock.
    pub(super) fn claim(&self) -> anyhow::Result<Claim> {
        let path = Self::lock(&self.dir);
        lock::claim(&path).with_context(|| format!("the lock {} could not be made", path.display()))
    }
}

/// The runs of this process in the order of the grid: every plan once, and of those its shard.
///
/// # Errors
/// If two different plans would share a folder.
pub fn select(plans: &[Plan], options: &Options) -> anyhow::Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::with_capacity(plans.len());
    let mut known = BTreeMap::new();
    for plan in plans {
        let dir = options.out.join(&plan.name).join(plan.slug());
        match known.get(&dir) {
            None => {
                known.insert(dir.clone(), runs.len());
                runs.push(Run { plan: plan.clone(), dir });
            }
            Some(&first) if runs[first].plan == *plan => {}
            Some(_) => bail!(
                "two different runs of the grid have the folder {}; change the benchmark's name in one",
                dir.display()
            ),
        }
    }
    let Some(shard) = options.shard else { return Ok(runs) };
    let weights = weights(&runs, options);
    let mut mine: Vec<Option<Run>> = runs.into_iter().map(Some).collect();
    Ok(shard.positions(&weights).into_iter().filter_map(|position| mine[position].take()).collect())
}

/// What each run weighs: its estimated seconds; one and the same for all where any estimate is absent.
pub(super) fn weights(runs: &[Run], options: &Options) -> Vec<f64> {
    let estimates: Option<Vec<f64>> = runs
        .iter()
        .map(|run| (options.estimate)(&run.plan).filter(|seconds| seconds.is_finite() && *seconds > 0.0))
        .collect();
    estimates.unwrap_or_else(|| vec![1.0; runs.len()])
}

/// Makes the output folder and writes to it, so that a wrong path costs no training.
pub(super) fn prepare(out: &Path) -> anyhow::Result<()> {
    let attempt = || {
        fs::create_dir_all(out)?;
        let probe = out.join(format!(".writable-{}", std::process::id()));
        fs::write(&probe, b"?")?;
        fs::remove_file(probe)
    };
    attempt().with_context(|| {
        format!("results cannot be written to {}; name another folder with --out", out.display())
    })
}

/// `--fresh`: removes the folders of `runs`, all before the first starts, lest an interrupt leave old
/// results that look like new ones.
///
/// # Errors
/// If any of them is being run by another process (then nothing is removed), or resists.
pub(super) fn clear(runs: &[Run]) -> anyhow::Result<()> {
    let standing: Vec<&Run> = runs.iter().filter(|run| run.dir.exists()).collect();
    for run in &standing {
        if matches!(run.claim()?, Claim::Taken) {
            bail!(
                "another process is running {}; nothing was removed: end it, or leave out --fresh",
                run.dir.display()
            );
        }
    }
    for run in standing {
        let _held = run.claim()?;
        fs::remove_dir_all(&run.dir)
            .with_context(|| format!("the old results in {} could not be removed", run.dir.display()))?;
    }
    Ok(())
}

/// Whether the run has its result already. What cannot be read is not finished: the run itself will
/// say why.
pub(super) fn is_finished(run: &Run) -> bool {
    matches!(status::read(&run.dir), Ok(Some(status)) if status::is_finished(status))
}

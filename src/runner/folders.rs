//! Folders of runs, OUT/NAME/RUN, and what is checked before the first run starts.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Options;
use super::lock::{self, Claim};
use super::status;
use crate::record::{Row, StepRow};
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
        let mut probe = tempfile::Builder::new().prefix(".writable-").tempfile_in(out)?;
        probe.write_all(b"?")?;
        probe.close()
    };
    attempt().with_context(|| {
        format!("results cannot be written to {}; name another folder with --out", out.display())
    })
}

/// `--fresh`: removes the folders of `runs`, all before the first starts, so that an interrupt leaves no old
/// results that look like new ones.
///
/// # Errors
/// If another process is running any of them (then nothing is removed), begins one before its folder is
/// removed (then that one is left to it), or a folder cannot be removed.
pub(super) fn clear(runs: &[Run]) -> anyhow::Result<()> {
    clear_after(runs, || ())
}

/// [`clear`] with something that happens between its look at the runs and their removal.
fn clear_after(runs: &[Run], meanwhile: impl FnOnce()) -> anyhow::Result<()> {
    let existing: Vec<&Run> = runs.iter().filter(|run| run.dir.exists()).collect();
    for run in &existing {
        if matches!(run.claim()?, Claim::Taken) {
            bail!(
                "another process is running {}; nothing was removed: end it, or leave out --fresh",
                run.dir.display()
            );
        }
    }
    meanwhile();
    for (removed, run) in existing.iter().enumerate() {
        // Held until the folder is gone.
        let claim = run.claim()?;
        if matches!(claim, Claim::Taken) {
            bail!(
                "another process has just begun {}, which was left to it; {removed} of {} old results were \
                 removed: end that process, or leave out --fresh",
                run.dir.display(),
                existing.len()
            );
        }
        fs::remove_dir_all(&run.dir)
            .with_context(|| format!("the old results in {} could not be removed", run.dir.display()))?;
        drop(claim);
    }
    Ok(())
}

/// Whether the run has its result already. What cannot be read is not finished: the run itself will
/// say why.
pub(super) fn is_finished(run: &Run) -> bool {
    matches!(status::read(&run.dir), Ok(Some(status)) if status.has_result())
}

/// How many of `runs` have their result and no file of their steps.
#[must_use]
pub fn finished_without_steps(runs: &[Run]) -> usize {
    runs.iter().filter(|run| is_finished(run) && !run.dir.join(StepRow::FILE).exists()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::test_plans::plan;

    #[test]
    fn a_run_that_is_begun_while_old_results_are_removed_keeps_its_folder() {
        let out = tempfile::tempdir().unwrap();
        let plans: Vec<Plan> = (0..3).map(|seed| plan("relu", seed)).collect();
        let runs = select(&plans, &Options::new(out.path())).unwrap();
        for run in &runs {
            fs::create_dir_all(&run.dir).unwrap();
            fs::write(run.dir.join("tasks.csv"), "row\n").unwrap();
        }
        let mut begun = None;
        let error = clear_after(&runs, || begun = Some(runs[1].claim().unwrap())).unwrap_err().to_string();
        assert!(matches!(begun, Some(Claim::Held(_))));
        assert!(error.contains(&runs[1].label()) && error.contains("1 of 3 old results"), "{error}");
        assert_eq!([0, 1, 2].map(|index| runs[index].dir.exists()), [false, true, true]);
        drop(begun);
        clear(&runs).unwrap();
        assert!(runs.iter().all(|run| !run.dir.exists() && matches!(run.claim(), Ok(Claim::Held(_)))));
    }
}

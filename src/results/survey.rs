//! How the runs in a folder stand, from the files alone and without disturbing the processes that write
//! them. Runs are reported one by one: memory does not grow with their number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::each_row;
use super::find::folders;
use crate::catalogue::catalogue;
use crate::record::{RUN_FILE, RunStatus, Status, TaskRow, TimeRow};
use crate::spec::{Catalogue, Plan};

/// Results are OUT/NAME/RUN: this many folders below the one that is asked about.
const DEPTH: usize = 2;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Trained to the end.
    Done,
    /// A process is at it.
    Running,
    /// Ended by a loss that is not finite.
    Diverged,
    /// Ended by an error; tried again when it is run again.
    Failed,
    /// Interrupted or killed; goes on when it is run again.
    Unfinished,
}

/// A run that was found.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub dir: PathBuf,
    /// How it stands.
    pub state: State,
    /// Tasks that it has finished and has in all, where it has not ended.
    pub tasks: Option<(usize, usize)>,
    /// Seconds of computing that are left of it: by the tasks that it has finished, else by the estimate
    /// from its plan; `None` where neither is known.
    pub seconds_left: Option<f64>,
    /// Why it failed or where it diverged.
    pub reason: Option<String>,
}

/// What the folders do not say.
#[derive(Clone, Copy)]
pub struct Outside {
    /// Seconds that a plan is expected to take, where that is known.
    pub estimate: fn(&Plan) -> Option<f64>,
    /// Whether a process works on the run in a folder.
    pub is_running: fn(&Path) -> bool,
}

/// Calls `report` with every run below `dir`, or with the one in it, in the order of the folders' names.
///
/// # Errors
/// If a folder cannot be read, or `report` fails.
pub fn survey(
    dir: &Path,
    outside: Outside,
    report: &mut dyn FnMut(&Found) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let surveyor = Surveyor { catalogue: catalogue(), outside };
    if dir.join(RUN_FILE).is_file() {
        return report(&surveyor.look(dir));
    }
    surveyor.walk(dir, DEPTH, report)
}

struct Surveyor {
    catalogue: Catalogue,
    outside: Outside,
}

impl Surveyor {
    fn walk(
        &self,
        folder: &Path,
        depth: usize,
        report: &mut dyn FnMut(&Found) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let inner = folders(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for dir in inner.real {
            if dir.join(RUN_FILE).is_file() {
                report(&self.look(&dir))?;
            } else if depth > 1 {
                self.walk(&dir, depth - 1, report)?;
            }
        }
        Ok(())
    }

    /// A run that cannot be read counts as failed, with the reason.
    fn look(&self, dir: &Path) -> Found {
        self.read(dir).unwrap_or_else(|error| Found {
            dir: dir.to_owned(),
            state: State::Failed,
            tasks: None,
            seconds_left: None,
            reason: Some(format!("{error:#}")),
        })
    }

    fn read(&self, dir: &Path) -> anyhow::Result<Found> {
        let status = RunStatus::read(dir)?.context("its run.toml is gone")?;
        let state = match status.status {
            Status::Done => State::Done,
            Status::Diverged => State::Diverged,
            Status::Failed => State::Failed,
            Status::Running if (self.outside.is_running)(dir) => State::Running,
            Status::Running => State::Unfinished,
        };
        let mut found =
            Found { dir: dir.to_owned(), state, tasks: None, seconds_left: None, reason: status.error };
        // A record that this version cannot resolve any more has no estimate, and is no error here.
        if !matches!(state, State::Done | State::Diverged)
            && let Ok(plan) = super::run::plan(dir, &self.catalogue)
        {
            let (done, seconds) = finished_tasks(dir);
            let (done, all) = (done.min(plan.tasks()), plan.tasks());
            let left = (all - done) as f64;
            found.tasks = Some((done, all));
            found.seconds_left = if done > 0 {
                Some(left * seconds / done as f64)
            } else {
                (self.outside.estimate)(&plan).map(|whole| whole * left / all.max(1) as f64)
            };
        }
        Ok(found)
    }
}

/// Number of finished tasks, and the seconds that they took; none where the rows cannot be read.
fn finished_tasks(dir: &Path) -> (usize, f64) {
    let mut seconds = BTreeMap::new();
    let times = each_row(dir, |row: TimeRow| _ = seconds.insert(row.task, row.seconds));
    let mut finished = (0, 0.0);
    let tasks = each_row(dir, |row: TaskRow| {
        if row.status == Status::Done {
            finished = (finished.0 + 1, finished.1 + seconds.get(&row.task).copied().unwrap_or_default());
        }
    });
    if times.is_ok() && tasks.is_ok() { finished } else { (0, 0.0) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::record::Recorder;
    use crate::spec::test_plans::plan;

    fn run(out: &Path, seed: u64, status: Status, error: Option<&str>) -> PathBuf {
        let plan = plan("relu", seed);
        let dir = out.join(&plan.name).join(plan.slug());
        let begun = RunStatus::begin("", "cpu", 1, "none");
        begun.end(status, 1.0, error.map(str::to_owned)).write(&dir, &plan.to_toml()).unwrap();
        dir
    }

    /// A run with a file of this name beside its folder is being run.
    fn is_running(dir: &Path) -> bool {
        dir.with_extension("running").exists()
    }

    fn all(dir: &Path) -> Vec<Found> {
        let mut all = Vec::new();
        survey(dir, Outside { estimate: |_| Some(500.0), is_running }, &mut |found| {
            all.push(Found { dir: found.dir.clone(), reason: found.reason.clone(), ..*found });
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn every_run_is_reported_as_it_stands() {
        let out = tempfile::tempdir().unwrap();
        run(out.path(), 0, Status::Done, None);
        run(out.path(), 1, Status::Diverged, Some("diverged in task 3 at step 17"));
        let failed = run(out.path(), 2, Status::Failed, Some("no room left"));
        let killed = run(out.path(), 3, Status::Running, None);
        let running = run(out.path(), 4, Status::Running, None);
        fs::write(running.with_extension("running"), "").unwrap();
        let spoilt = run(out.path(), 5, Status::Done, None);
        fs::write(spoilt.join(RUN_FILE), "status = ").unwrap();
        fs::create_dir(running.with_file_name("begun-by-nobody")).unwrap();
        for dir in [&killed, &running] {
            let mut recorder = Recorder::create(dir).unwrap();
            for (task, seconds) in [(0, 4.0), (1, 6.0)] {
                recorder.push(&TaskRow { task, status: Status::Done, ..TaskRow::default() }).unwrap();
                recorder.push(&TimeRow { task, seconds, ..TimeRow::default() }).unwrap();
            }
            recorder.commit().unwrap();
        }
        let tasks = running.join("tasks.csv");
        fs::write(&tasks, fs::read_to_string(&tasks).unwrap() + "torn,2").unwrap();

        let found = all(out.path());
        let mut states: Vec<State> = found.iter().map(|found| found.state).collect();
        states.sort_unstable();
        let expected =
            [State::Done, State::Running, State::Diverged, State::Failed, State::Failed, State::Unfinished];
        assert_eq!(states, expected);
        let of = |run: &PathBuf| found.iter().find(|found| found.dir == *run).unwrap();
        assert_eq!((of(&failed).tasks, of(&failed).seconds_left), (Some((0, 50)), Some(500.0)));
        assert_eq!(of(&failed).reason.as_deref(), Some("no room left"));
        for run in [&killed, &running] {
            assert_eq!((of(run).tasks, of(run).seconds_left), (Some((2, 50)), Some(48.0 * 5.0)));
        }
        let reason = of(&spoilt).reason.as_deref().unwrap();
        assert!(reason.contains("run.toml"), "{reason}");
        assert_eq!(all(&killed)[0].state, State::Unfinished, "one run's folder can be asked about too");
        assert!(found.is_sorted_by_key(|found| &found.dir));
        assert_eq!(all(&out.path().join("bench")).len(), 6);
    }
}

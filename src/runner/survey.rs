//! What a folder of results holds, run by run, from the files alone and without disturbing who writes
//! them. Nothing is kept of a run once it has been told of, so ten thousand of them need no more memory
//! than one, but for the names in the folder that is being read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::lock;
use super::{Estimate, Run};
use crate::catalogue::catalogue;
use crate::record::{self, RUN_FILE, RunStatus, Status, TaskRow};
use crate::spec::{Catalogue, Plan, Spec};

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

/// Tells of every run below `dir`, or of the one in it, in the order of the folders' names.
///
/// # Errors
/// If a folder cannot be read, or `tell` fails.
pub fn survey(
    dir: &Path,
    estimate: Estimate,
    tell: &mut dyn FnMut(&Found) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let surveyor = Surveyor { catalogue: catalogue(), estimate };
    if dir.join(RUN_FILE).is_file() {
        return tell(&surveyor.look(dir));
    }
    surveyor.walk(dir, DEPTH, tell)
}

struct Surveyor {
    catalogue: Catalogue,
    estimate: Estimate,
}

impl Surveyor {
    fn walk(
        &self,
        folder: &Path,
        depth: usize,
        tell: &mut dyn FnMut(&Found) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let names = folders(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for name in names {
            let dir = folder.join(name);
            if dir.join(RUN_FILE).is_file() {
                tell(&self.look(&dir))?;
            } else if depth > 1 {
                self.walk(&dir, depth - 1, tell)?;
            }
        }
        Ok(())
    }

    /// What cannot be read has failed, and says why.
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
            Status::Running if lock::is_held(&Run::lock(dir)) => State::Running,
            Status::Running => State::Unfinished,
        };
        let mut found =
            Found { dir: dir.to_owned(), state, tasks: None, seconds_left: None, reason: status.error };
        // A record that this version cannot resolve any more has no estimate, and is no error here.
        if !matches!(state, State::Done | State::Diverged)
            && let Some(plan) = self.plan(dir)
        {
            let (done, seconds) = finished_tasks(dir);
            let (done, all) = (done.min(plan.stream.tasks), plan.stream.tasks);
            let left = (all - done) as f64;
            found.tasks = Some((done, all));
            found.seconds_left = if done > 0 {
                Some(left * seconds / done as f64)
            } else {
                (self.estimate)(&plan).map(|whole| whole * left / all.max(1) as f64)
            };
        }
        Ok(found)
    }

    fn plan(&self, dir: &Path) -> Option<Plan> {
        let text = fs::read_to_string(dir.join(RUN_FILE)).ok()?;
        Spec::parse(&text, RUN_FILE, &[], &self.catalogue).ok()?.plans(None).ok()?.pop()
    }
}

/// Names of the folders in `folder`, sorted; hidden ones and links left out.
fn folders(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.file_type()?.is_dir() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Number of finished tasks, and the seconds that they took; none where the rows cannot be read.
fn finished_tasks(dir: &Path) -> (usize, f64) {
    let rows: Vec<TaskRow> = record::read(dir).unwrap_or_default();
    let done = rows.iter().filter(|row| row.status == Status::Done);
    done.fold((0, 0.0), |(tasks, seconds), row| (tasks + 1, seconds + row.seconds))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::record::Recorder;
    use crate::runner::lock::Claim;
    use crate::runner::test_plans::plan;
    use crate::runner::{Options, select, status};

    fn run(out: &Path, seed: u64, status: Status, error: Option<&str>) -> Run {
        let run = select(&[plan("relu", seed)], &Options::new(out)).unwrap().remove(0);
        status::mark(&run.plan, &run.dir, status, 1.0, error).unwrap();
        run
    }

    fn told(dir: &Path) -> Vec<Found> {
        let mut all = Vec::new();
        survey(dir, |_| Some(500.0), &mut |found| {
            all.push(Found { dir: found.dir.clone(), reason: found.reason.clone(), ..*found });
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn every_run_is_told_of_as_it_stands() {
        let out = tempfile::tempdir().unwrap();
        run(out.path(), 0, Status::Done, None);
        run(out.path(), 1, Status::Diverged, Some("diverged in task 3 at step 17"));
        let failed = run(out.path(), 2, Status::Failed, Some("no room left"));
        let killed = run(out.path(), 3, Status::Running, None);
        let running = run(out.path(), 4, Status::Running, None);
        let held = running.claim().unwrap();
        assert!(matches!(held, Claim::Held(_)));
        let spoilt = run(out.path(), 5, Status::Done, None);
        fs::write(spoilt.dir.join(RUN_FILE), "status = ").unwrap();
        fs::create_dir(running.dir.with_file_name("begun-by-nobody")).unwrap();
        for run in [&killed, &running] {
            let mut recorder = Recorder::create(&run.dir).unwrap();
            for (task, seconds) in [(0, 4.0), (1, 6.0)] {
                let row = TaskRow { task, seconds, status: Status::Done, ..TaskRow::default() };
                recorder.push(&row).unwrap();
            }
            recorder.commit().unwrap();
        }
        let tasks = running.dir.join("tasks.csv");
        fs::write(&tasks, fs::read_to_string(&tasks).unwrap() + "torn,2").unwrap();

        let all = told(out.path());
        let mut states: Vec<State> = all.iter().map(|found| found.state).collect();
        states.sort_unstable();
        let expected =
            [State::Done, State::Running, State::Diverged, State::Failed, State::Failed, State::Unfinished];
        assert_eq!(states, expected);
        let of = |run: &Run| all.iter().find(|found| found.dir == run.dir).unwrap();
        assert_eq!((of(&failed).tasks, of(&failed).seconds_left), (Some((0, 50)), Some(500.0)));
        assert_eq!(of(&failed).reason.as_deref(), Some("no room left"));
        for run in [&killed, &running] {
            assert_eq!((of(run).tasks, of(run).seconds_left), (Some((2, 50)), Some(48.0 * 5.0)));
        }
        let reason = of(&spoilt).reason.as_deref().unwrap();
        assert!(reason.contains("run.toml"), "{reason}");
        drop(held);
        assert_eq!(told(&running.dir)[0].state, State::Unfinished, "one run's folder can be asked about too");
        assert!(all.is_sorted_by_key(|found| &found.dir));
        assert_eq!(told(&out.path().join("bench")).len(), 6);
    }

    #[test]
    fn looking_never_takes_a_run_from_who_wants_it() {
        let out = tempfile::tempdir().unwrap();
        let run = run(out.path(), 0, Status::Running, None);
        drop(run.claim().unwrap());
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    lock::is_held(&Run::lock(&run.dir));
                    thread::sleep(Duration::from_micros(100));
                }
            });
            let taken = (0..300).filter(|_| !matches!(run.claim().unwrap(), Claim::Held(_))).count();
            enough.store(true, Ordering::Relaxed);
            assert_eq!(taken, 0);
        });
    }
}

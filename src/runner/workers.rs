//! The workers: each takes the next run from the queue until there is none.

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::folders::{self, Run};
use super::lock::Claim;
use super::progress::{Display, ProgressTracker};
use super::shard::heaviest_first;
use super::status;
use super::{Executor, Options, Summary, panics};
use crate::record::{RecordError, RunStatus, Status};
use crate::spec::Plan;
use crate::train::signals::{Outcome, Signals};
use crate::words::counted;

/// Room for deep graphs: what the main thread has, not the 2 MiB of a spawned one.
const STACK: usize = 8 << 20;
/// Time between two drawings of the bars.
const TICK: Duration = Duration::from_millis(200);

/// What became of a run.
enum RunOutcome {
    Done,
    Diverged,
    Failed(String),
    Skipped,
    Busy,
    Interrupted,
}

pub(super) fn run_on(
    plans: &[Plan],
    executor: &dyn Executor,
    options: &Options,
    display: Display,
) -> anyhow::Result<Summary> {
    let runs = folders::select(plans, options)?;
    folders::prepare(&options.out)?;
    if options.fresh {
        folders::clear(&runs)?;
    }
    let finished: Vec<bool> = runs.iter().map(folders::is_finished).collect();
    // With `--no-retry`, earlier failures stay failed.
    let failed = |run: &Run| !options.retry && status::has_failed(&run.dir);
    let failed: Vec<bool> = runs.iter().map(failed).collect();
    let ended: Vec<bool> = finished.iter().zip(&failed).map(|(finished, failed)| finished | failed).collect();
    let weights = folders::weights(&runs, options);
    let queue: Vec<usize> = heaviest_first(&weights).into_iter().filter(|&i| !ended[i]).collect();
    let labels = runs.iter().map(Run::label).collect();
    let progress = Arc::new(ProgressTracker::new(display, labels, weights, &ended));
    let workers = options.jobs.clamp(1, queue.len().max(1));
    let counts = [&finished, &failed].map(|which| which.iter().filter(|&&so| so).count());
    progress.say(&opening(runs.len(), counts, workers));

    let pool = Pool { runs: &runs, executor, options, progress: &progress };
    let mut outcomes = pool.run(&queue, workers, false)?;
    // Those that others were running may be finished by now, or left by a process that was killed.
    let busy: Vec<usize> =
        outcomes.iter().filter(|(_, outcome)| matches!(outcome, RunOutcome::Busy)).map(|(i, _)| *i).collect();
    if !busy.is_empty() {
        outcomes.retain(|(_, outcome)| !matches!(outcome, RunOutcome::Busy));
        outcomes.extend(pool.run(&busy, workers, true)?);
    }
    outcomes.extend(finished.iter().enumerate().filter(|(_, f)| **f).map(|(i, _)| (i, RunOutcome::Skipped)));
    outcomes
        .extend(failed.iter().enumerate().filter(|(_, f)| **f).map(|(i, _)| (i, failed_before(&runs[i]))));
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(summarize(runs, outcomes))
}

/// A run that failed before and is not tried again.
fn failed_before(run: &Run) -> RunOutcome {
    let record = RunStatus::read(&run.dir).ok().flatten();
    let reason = record.and_then(|record| record.error).unwrap_or_default();
    RunOutcome::Failed(format!("before, and was left alone: {reason}"))
}

fn opening(runs: usize, [finished, failed]: [usize; 2], workers: usize) -> String {
    let mut text = counted(runs, "run");
    if finished == runs {
        return text + ", all finished before";
    }
    if finished > 0 {
        let _ = write!(text, ", {finished} finished before");
    }
    if failed > 0 {
        let _ = write!(text, ", {failed} failed before and left alone");
    }
    if finished + failed < runs {
        let _ = write!(text, ", {workers} at a time");
    }
    text
}

fn summarize(runs: Vec<Run>, outcomes: Vec<(usize, RunOutcome)>) -> Summary {
    let mut summary = Summary::default();
    for (index, outcome) in outcomes {
        match outcome {
            RunOutcome::Done => summary.done += 1,
            RunOutcome::Diverged => summary.diverged += 1,
            RunOutcome::Failed(reason) => {
                summary.failed += 1;
                summary.failures.push((runs[index].dir.clone(), reason));
            }
            RunOutcome::Skipped => summary.skipped += 1,
            RunOutcome::Busy => summary.busy += 1,
            RunOutcome::Interrupted => summary.interrupted += 1,
        }
    }
    summary.runs = runs;
    summary
}

struct Pool<'a> {
    runs: &'a [Run],
    executor: &'a dyn Executor,
    options: &'a Options,
    progress: &'a Arc<ProgressTracker>,
}

impl Pool<'_> {
    /// Carries out the runs of `queue`, `workers` at a time; `again` if they were asked for before.
    fn run(&self, queue: &[usize], workers: usize, again: bool) -> anyhow::Result<Vec<(usize, RunOutcome)>> {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            // Dropped at the end of this scope, which wakes the ticker at once and ends it.
            let (_alive, alive) = mpsc::channel::<()>();
            if self.progress.ticks() {
                scope.spawn(move || {
                    while alive.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                        self.progress.tick();
                    }
                    self.progress.close();
                });
            }
            let work = || {
                let mut outcomes = Vec::new();
                while let Some(&index) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                    outcomes.push((index, self.run_one(index, again)));
                }
                outcomes
            };
            let start = |number| {
                thread::Builder::new()
                    .name(format!("worker-{number}"))
                    .stack_size(STACK)
                    .spawn_scoped(scope, work)
            };
            // One worker is needed; where the system grants no more, those there are share the queue.
            let first = start(0).context("no worker thread could be started")?;
            let mut handles = vec![first];
            handles.extend((1..workers).map_while(|number| start(number).ok()));
            let ended = |handle: thread::ScopedJoinHandle<'_, Vec<(usize, RunOutcome)>>| {
                handle.join().expect("a worker contains the panics of its runs")
            };
            Ok(handles.into_iter().flat_map(ended).collect())
        })
    }

    /// Carries out one run if it has no result yet, writes its status, and reports.
    fn run_one(&self, index: usize, again: bool) -> RunOutcome {
        let outcome = self.attempt(index).unwrap_or_else(|error| RunOutcome::Failed(format!("{error:#}")));
        self.progress
            .end(index, matches!(outcome, RunOutcome::Done | RunOutcome::Diverged | RunOutcome::Skipped));
        match &outcome {
            RunOutcome::Failed(reason) => self.progress.complain_of(index, &format!("failed: {reason}")),
            RunOutcome::Busy if again => {}
            RunOutcome::Busy => self.progress.say_of(index, "left to another process, which is running it"),
            RunOutcome::Skipped => self.progress.say_of(index, "finished by another process meanwhile"),
            RunOutcome::Done | RunOutcome::Diverged | RunOutcome::Interrupted => {}
        }
        outcome
    }

    /// Errors from here are failures that could not be written into the run's folder.
    fn attempt(&self, index: usize) -> anyhow::Result<RunOutcome> {
        if self.options.interrupt.load(Ordering::Relaxed) {
            return Ok(RunOutcome::Interrupted);
        }
        let run = &self.runs[index];
        let _held = match run.claim()? {
            Claim::Held(lock) => Some(lock),
            Claim::Taken => return Ok(RunOutcome::Busy),
            Claim::Refused(reason) => {
                let text = format!(
                    "runs without a lock, which this file system does not give ({reason}): start no second \
                     process on these results"
                );
                self.progress.say_of(index, &text);
                None
            }
        };
        if status::read(&run.dir)?.is_some_and(Status::has_result) {
            return Ok(RunOutcome::Skipped);
        }
        fs::create_dir_all(&run.dir)
            .with_context(|| format!("the folder {} could not be made", run.dir.display()))?;

        self.progress.begin(index);
        let tracker = Arc::clone(self.progress);
        let control = Signals::new(Arc::clone(&self.options.interrupt), move |progress| {
            tracker.report(index, progress);
        });
        let tracker = Arc::clone(self.progress);
        let control = control.noting(move |text| tracker.say_of(index, text));
        let started = Instant::now();
        let outcome = panics::contain(|| self.executor.execute(&run.plan, &run.dir, &control));
        let mark = |status, error: Option<&str>| {
            status::mark(&run.plan, &run.dir, status, started.elapsed().as_secs_f64(), error)
        };
        let reason = match outcome {
            Ok(Ok(Outcome::Interrupted)) => {
                mark(Status::Running, None)?;
                return Ok(RunOutcome::Interrupted);
            }
            Ok(Ok(Outcome::Done)) => {
                mark(Status::Done, None)?;
                return Ok(RunOutcome::Done);
            }
            Ok(Ok(Outcome::Diverged { task, step })) => {
                let text = format!("diverged in task {task} at step {step}");
                mark(Status::Diverged, Some(&text))?;
                self.progress.say_of(index, &text);
                return Ok(RunOutcome::Diverged);
            }
            // Whoever writes to the run's files now writes its status too.
            Ok(Err(error)) if is_foreign(&error) => return Ok(RunOutcome::Failed(format!("{error:#}"))),
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => panic,
        };
        match mark(Status::Failed, Some(&reason)) {
            Ok(()) => Ok(RunOutcome::Failed(reason)),
            Err(second) => Ok(RunOutcome::Failed(format!("{reason} (and {second:#})"))),
        }
    }
}

/// Whether a run ended because something else wrote to its files.
fn is_foreign(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(RecordError::Foreign { .. })))
}

#[cfg(test)]
mod tests;

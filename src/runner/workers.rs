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
use super::progress::{Board, Display};
use super::shard::heaviest_first;
use super::status;
use super::{Executor, Options, Summary, panics};
use crate::record::{RunStatus, Status};
use crate::spec::Plan;
use crate::train::signals::{Outcome, Signals};

/// Room for deep graphs: what the main thread has, not the 2 MiB of a spawned one.
const STACK: usize = 8 << 20;
/// Time between two drawings of the bars.
const TICK: Duration = Duration::from_millis(200);

/// What became of a run.
enum Ending {
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
    // Without --retry they count as failed still, and no more is done about them.
    let failed = |run: &Run| !options.retry && status::has_failed(&run.dir);
    let failed: Vec<bool> = runs.iter().map(failed).collect();
    let ended: Vec<bool> = finished.iter().zip(&failed).map(|(finished, failed)| finished | failed).collect();
    let weights = folders::weights(&runs, options);
    let queue: Vec<usize> = heaviest_first(&weights).into_iter().filter(|&i| !ended[i]).collect();
    let labels = runs.iter().map(Run::label).collect();
    let board = Arc::new(Board::new(display, labels, weights, &ended));
    let workers = options.jobs.clamp(1, queue.len().max(1));
    let counts = [&finished, &failed].map(|which| which.iter().filter(|&&so| so).count());
    board.say(&opening(runs.len(), counts, workers));

    let crew = Crew { runs: &runs, executor, options, board: &board };
    let mut endings: Vec<(usize, Ending)> = crew.work_off(&queue, workers)?;
    endings.extend(finished.iter().enumerate().filter(|(_, f)| **f).map(|(i, _)| (i, Ending::Skipped)));
    endings.extend(failed.iter().enumerate().filter(|(_, f)| **f).map(|(i, _)| (i, left_alone(&runs[i]))));
    endings.sort_by_key(|(index, _)| *index);
    Ok(summarize(runs, endings))
}

/// A run that failed before and is not tried again.
fn left_alone(run: &Run) -> Ending {
    let record = RunStatus::read(&run.dir).ok().flatten();
    let reason = record.and_then(|record| record.error).unwrap_or_default();
    Ending::Failed(format!("before, and was left alone: {reason}"))
}

fn opening(runs: usize, [finished, failed]: [usize; 2], workers: usize) -> String {
    let noun = if runs == 1 { "run" } else { "runs" };
    let mut text = match finished {
        _ if finished == runs => return format!("{runs} {noun}, all finished before"),
        0 => format!("{runs} {noun}"),
        _ => format!("{runs} {noun}, {finished} finished before"),
    };
    if failed > 0 {
        let _ = write!(text, ", {failed} failed before and left alone");
    }
    if finished + failed < runs {
        let _ = write!(text, ", {workers} at a time");
    }
    text
}

fn summarize(runs: Vec<Run>, endings: Vec<(usize, Ending)>) -> Summary {
    let mut summary = Summary::default();
    for (index, ending) in endings {
        match ending {
            Ending::Done => summary.done += 1,
            Ending::Diverged => summary.diverged += 1,
            Ending::Failed(reason) => {
                summary.failed += 1;
                summary.failures.push((runs[index].dir.clone(), reason));
            }
            Ending::Skipped => summary.skipped += 1,
            Ending::Busy => summary.busy += 1,
            Ending::Interrupted => summary.interrupted += 1,
        }
    }
    summary.runs = runs;
    summary
}

struct Crew<'a> {
    runs: &'a [Run],
    executor: &'a dyn Executor,
    options: &'a Options,
    board: &'a Arc<Board>,
}

impl Crew<'_> {
    fn work_off(&self, queue: &[usize], workers: usize) -> anyhow::Result<Vec<(usize, Ending)>> {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            // Dropped at the end of this scope, which wakes the ticker at once and ends it.
            let (_alive, alive) = mpsc::channel::<()>();
            if self.board.ticks() {
                scope.spawn(move || {
                    while alive.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                        self.board.tick();
                    }
                    self.board.close();
                });
            }
            let work = || {
                let mut endings = Vec::new();
                while let Some(&index) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                    endings.push((index, self.settle(index)));
                }
                endings
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
            let ended = |handle: thread::ScopedJoinHandle<'_, Vec<(usize, Ending)>>| {
                handle.join().expect("a worker contains the panics of its runs")
            };
            Ok(handles.into_iter().flat_map(ended).collect())
        })
    }

    /// Runs one run if it is to be run, writes its status, and tells.
    fn settle(&self, index: usize) -> Ending {
        let ending = self.attempt(index).unwrap_or_else(|error| Ending::Failed(format!("{error:#}")));
        self.board.end(index, matches!(ending, Ending::Done | Ending::Diverged | Ending::Skipped));
        match &ending {
            Ending::Failed(reason) => self.board.complain_of(index, &format!("failed: {reason}")),
            Ending::Busy => self.board.say_of(index, "left to another process, which is running it"),
            Ending::Skipped => self.board.say_of(index, "finished by another process meanwhile"),
            Ending::Done | Ending::Diverged | Ending::Interrupted => {}
        }
        ending
    }

    /// Errors from here are failures that could not be written into the run's folder.
    fn attempt(&self, index: usize) -> anyhow::Result<Ending> {
        if self.options.interrupt.load(Ordering::Relaxed) {
            return Ok(Ending::Interrupted);
        }
        let run = &self.runs[index];
        let _held = match run.claim()? {
            Claim::Held(lock) => Some(lock),
            Claim::Taken => return Ok(Ending::Busy),
            Claim::Unsupported => {
                self.board.say_of(index, "runs without a lock: this file system has none");
                None
            }
        };
        if status::read(&run.dir)?.is_some_and(status::is_finished) {
            return Ok(Ending::Skipped);
        }
        fs::create_dir_all(&run.dir)
            .with_context(|| format!("the folder {} could not be made", run.dir.display()))?;

        self.board.begin(index);
        let board = Arc::clone(self.board);
        let control = Signals::new(Arc::clone(&self.options.interrupt), move |progress| {
            board.report(index, progress);
        });
        let board = Arc::clone(self.board);
        let control = control.noting(move |text| board.say_of(index, text));
        let started = Instant::now();
        let outcome = panics::contain(|| self.executor.execute(&run.plan, &run.dir, &control));
        let mark = |status, error: Option<&str>| {
            status::mark(&run.plan, &run.dir, status, started.elapsed().as_secs_f64(), error)
        };
        let reason = match outcome {
            Ok(Ok(Outcome::Interrupted)) => {
                mark(Status::Running, None)?;
                return Ok(Ending::Interrupted);
            }
            Ok(Ok(Outcome::Done)) => {
                mark(Status::Done, None)?;
                return Ok(Ending::Done);
            }
            Ok(Ok(Outcome::Diverged { task, step })) => {
                let text = format!("diverged in task {task} at step {step}");
                mark(Status::Diverged, Some(&text))?;
                self.board.say_of(index, &text);
                return Ok(Ending::Diverged);
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => panic,
        };
        match mark(Status::Failed, Some(&reason)) {
            Ok(()) => Ok(Ending::Failed(reason)),
            Err(second) => Ok(Ending::Failed(format!("{reason} (and {second:#})"))),
        }
    }
}

#[cfg(test)]
mod tests;

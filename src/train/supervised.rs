//! The supervised loop: tasks one after the other, with one network and one optimiser for the whole stream.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::{Checkpoints, Policy, Position, Saved};
use super::signals::{Outcome, Progress, ScoreKind, Signals, Throttle};
use super::{Cpu, Edge, Feed, Learner, Observer, Pair, Place, TaskResult, TrainError, evaluate};
use crate::data::DataSet;
use crate::random::Stream;
use crate::spec::Plan;
use crate::state::StateDict;
use crate::tasks::{self, Task, TaskStream};

/// How often progress is reported within a task.
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// Names of the checkpoint's parts.
const LEARNER: &str = "";
const FRESH: &str = "fresh";

/// A task under way: what a run that goes on within it needs beside the learner.
struct OpenTask {
    /// Its number, the steps taken and their sums.
    result: TaskResult,
    /// The paired fresh network, if the plan asks for one.
    fresh: Option<Learner>,
    /// When this attempt at it began; the seconds of earlier ones are in the result.
    started: Instant,
}

impl OpenTask {
    /// The result with the seconds up to now.
    fn timed(&self) -> TaskResult {
        let mut result = self.result.clone();
        result.seconds += self.started.elapsed().as_secs_f64();
        result
    }

    /// The networks that it trains.
    fn pair<'a>(&'a mut self, own: &'a mut Learner) -> Pair<'a> {
        Pair { own, fresh: self.fresh.as_mut() }
    }
}

/// What a run goes through its tasks with.
struct Run<'a> {
    plan: &'a Plan,
    stream: &'a dyn TaskStream,
    observer: &'a mut dyn Observer,
    signals: &'a Signals,
    checkpoints: Checkpoints,
    place: &'a mut dyn Place,
}

/// Carries out one run in the folder `dir`, from its newest checkpoint if there is one.
///
/// `observer` sees every task's edges and keeps the rows; it cannot change the run. An interrupt ends the
/// run after the step under way, with a checkpoint to go on from.
///
/// # Errors
/// If the plan does not fit the data, or a file cannot be read or written.
pub fn run(
    plan: &Plan,
    data: Arc<DataSet>,
    dir: &Path,
    policy: impl Into<Policy>,
    observer: &mut dyn Observer,
    signals: &Signals,
) -> Result<Outcome, TrainError> {
    run_at(&mut Cpu, plan, data, dir, policy, observer, signals)
}

/// [`run`] with its steps taken at `place`.
///
/// # Errors
/// As for [`run`], and if the place fails.
pub fn run_at(
    place: &mut dyn Place,
    plan: &Plan,
    data: Arc<DataSet>,
    dir: &Path,
    policy: impl Into<Policy>,
    observer: &mut dyn Observer,
    signals: &Signals,
) -> Result<Outcome, TrainError> {
    let stream = &*tasks::stream(plan, data)?;
    let mut learner = Learner::new(plan, stream, &mut Stream::new(plan.seed, "init", 0))?;
    let mut checkpoints = Checkpoints::new(dir, policy.into());
    let saved = checkpoints.restore(observer.rows(), signals)?;
    observer.rows().resume(&saved.as_ref().map(|saved| saved.files.clone()).unwrap_or_default())?;
    let mut open = None;
    if let Some(saved) = &saved {
        saved.load(LEARNER, &mut learner)?;
        open = resume(plan, stream, saved)?;
    }
    let first = saved.as_ref().map_or(0, |saved| saved.position.task);
    let mut run = Run { plan, stream, observer, signals, checkpoints, place };
    if saved.is_none() {
        run.save(Position::before(0), &learner, None)?;
    }
    let mut outcome = Outcome::Done;
    for index in first..stream.tasks() {
        outcome = run.task(index, open.take(), &mut learner)?;
        if outcome != Outcome::Done {
            break;
        }
        let last = index + 1 == stream.tasks();
        if last || run.checkpoints.due() || signals.interrupted() {
            run.save(Position::before(index + 1), &learner, None)?;
        }
        if signals.interrupted() && !last {
            outcome = Outcome::Interrupted;
            break;
        }
    }
    run.checkpoints.finish()?;
    Ok(outcome)
}

/// The task that was under way, if there was one.
fn resume(plan: &Plan, stream: &dyn TaskStream, saved: &Saved) -> Result<Option<OpenTask>, TrainError> {
    let Some(result) = saved.record::<TaskResult>()? else { return Ok(None) };
    let task = saved.position.task;
    let mut fresh = None;
    if saved.has(FRESH) {
        let mut reference = Learner::fresh(plan, stream, task)?;
        saved.load(FRESH, &mut reference)?;
        fresh = Some(reference);
    }
    Ok(Some(OpenTask { result, fresh, started: Instant::now() }))
}

impl Run<'_> {
    /// Trains on one task, or on what is left of it: probe, step through its batches, evaluate, probe.
    fn task(
        &mut self,
        index: usize,
        open: Option<OpenTask>,
        learner: &mut Learner,
    ) -> Result<Outcome, TrainError> {
        let started = Instant::now();
        let mut task = self.stream.task(index);
        if let Some(examples) = learner.training_set(index, self.stream) {
            task.train = examples;
        }
        let mut feed = Feed::new(self.plan, self.stream, &task);
        let steps = feed.steps();
        let mut open = match open {
            Some(open) => open,
            None => self.begin(&task, started, learner)?,
        };
        self.place.load(open.pair(learner), &task)?;
        let mut pace = Pace::new(open.result.steps);
        let mut taken = Vec::new();
        // Only the first and the last step are traced: what the optimiser saw at the task's edges.
        let traces = self.observer.traces_steps();
        while open.result.steps < steps {
            let first = open.result.steps;
            let pair = open.pair(learner);
            if traces && (first == 0 || first + 1 == steps) {
                self.place.traced_step(pair, &mut feed, first, &mut taken)?;
            } else {
                let untraced = steps - usize::from(traces);
                let chunk = first..(first + self.place.most()).min(untraced);
                self.place.steps(pair, &mut feed, chunk, &mut taken)?;
            }
            for (step, taken) in (first..).zip(taken.drain(..)) {
                let own = taken.own;
                if !own.loss.is_finite() {
                    return self.diverge(&open, step);
                }
                open.result.online(own.accuracy(), own.loss);
                self.observer.stepped(index, step, own.loss, own.accuracy())?;
                if let Some(trace) = taken.trace {
                    let edges = [(Edge::First, step == 0), (Edge::Last, step + 1 == steps)];
                    for (edge, _) in edges.into_iter().filter(|(_, here)| *here) {
                        self.observer.traced(index, edge, learner.view(), &trace)?;
                    }
                }
                if let Some(fresh) = taken.fresh {
                    open.result.online_fresh(fresh.accuracy(), fresh.loss);
                }
            }
            let (now, step) = (Instant::now(), open.result.steps - 1);
            if let Some(rate) = pace.report(step, now) {
                self.signals.report(&progress(self.stream, index, (step, steps), rate, None));
            }
            if self.signals.interrupted() || self.checkpoints.due_within(now) {
                self.place.store(open.pair(learner))?;
                self.save(Position { task: index, step: open.result.steps }, learner, Some(&open))?;
                if self.signals.interrupted() {
                    return Ok(Outcome::Interrupted);
                }
            }
        }
        self.place.store(open.pair(learner))?;
        self.end(&task, &mut open, steps, learner)
    }

    /// A task's start: what is done and measured before its first step.
    fn begin(
        &mut self,
        task: &Task,
        started: Instant,
        learner: &mut Learner,
    ) -> Result<OpenTask, TrainError> {
        learner.start_task(task.index)?;
        let mut fresh = None;
        if self.plan.probes.plasticity_gap {
            let mut reference = Learner::fresh(self.plan, self.stream, task.index)?;
            reference.start_task(task.index)?;
            fresh = Some(reference);
        }
        self.observer.task_started(task.index, self.stream, learner.view())?;
        Ok(OpenTask { result: TaskResult::new(task.index, task.scored, task.train.len()), fresh, started })
    }

    /// A task's end: evaluate, probe, record. The run has diverged if an evaluated loss or a weight is not
    /// finite: SGD can throw a unit's bias to -∞, behind which relu hides it from the loss.
    fn end(
        &mut self,
        task: &Task,
        open: &mut OpenTask,
        steps: usize,
        learner: &mut Learner,
    ) -> Result<Outcome, TrainError> {
        let (train, test) = learner.evaluated(|view| {
            let train = evaluate(view, &task.train)?;
            let test = task.test.as_ref().map(|test| evaluate(view, test)).transpose()?;
            Ok::<_, TrainError>((train, test))
        })?;
        let losses = [Some(train), test].into_iter().flatten().map(|evaluation| evaluation.loss);
        if !losses.into_iter().all(f64::is_finite) || !learner.trained().is_finite()? {
            return self.diverge(open, steps);
        }
        learner.end_task(self.plan, &task.train)?;
        let of_fresh = |fresh: &mut Learner| fresh.evaluated(|view| evaluate(view, &task.train));
        let fresh = open.fresh.as_mut().map(of_fresh).transpose()?;
        let mut result = open.timed();
        result.finish(train, test);
        result.fresh_train = fresh;
        let (observer, stream) = (&mut *self.observer, self.stream);
        learner.evaluated(|view| Ok::<_, TrainError>(observer.task_ended(&result, stream, view)?))?;
        let rate = steps as f64 / result.seconds;
        let score = Some(result.online_accuracy());
        let ended = progress(self.stream, task.index, (steps, steps), rate, score);
        self.signals.report(&Progress { task_ended: true, ..ended });
        Ok(Outcome::Done)
    }

    /// Ends a run that has diverged: a result, recorded like any other.
    fn diverge(&mut self, open: &OpenTask, step: usize) -> Result<Outcome, TrainError> {
        let mut result = open.timed();
        result.diverged = true;
        self.observer.diverged(&result)?;
        Ok(Outcome::Diverged { task: result.task, step })
    }

    /// Writes a checkpoint, between two tasks or within one.
    fn save(
        &mut self,
        position: Position,
        learner: &Learner,
        open: Option<&OpenTask>,
    ) -> Result<(), TrainError> {
        if !self.checkpoints.are_kept() {
            return Ok(());
        }
        let mut parts = vec![(LEARNER, StateDict::of(learner))];
        if let Some(fresh) = open.and_then(|open| open.fresh.as_ref()) {
            parts.push((FRESH, StateDict::of(fresh)));
        }
        let record = open.map(OpenTask::timed);
        self.checkpoints.save(position, parts, record.as_ref(), self.observer.rows())
    }
}

/// Steps a second, as often as progress is reported.
struct Pace {
    throttle: Throttle,
    step: usize,
    reported: Instant,
}

impl Pace {
    fn new(step: usize) -> Self {
        Self { throttle: Throttle::every(REPORT_EVERY), step, reported: Instant::now() }
    }

    /// The rate since the last report, if the next one is due.
    fn report(&mut self, step: usize, now: Instant) -> Option<f64> {
        if !self.throttle.ready(now) {
            return None;
        }
        let rate = (step - self.step) as f64 / now.duration_since(self.reported).as_secs_f64();
        (self.step, self.reported) = (step, now);
        Some(rate)
    }
}

fn progress(
    stream: &dyn TaskStream,
    task: usize,
    (step, steps): (usize, usize),
    steps_per_second: f64,
    score: Option<f64>,
) -> Progress {
    let (tasks, score_kind) = (stream.tasks(), ScoreKind::OnlineAccuracy);
    Progress { task, tasks, step, steps, steps_per_second, score, score_kind, task_ended: false }
}

//! The training loop: tasks one after the other, one network and one optimiser for the whole stream.

pub mod checkpoint;
pub mod control;
mod evaluate;
mod learner;
mod observer;
pub mod optimizer;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::checkpoint::{CheckpointError, Checkpoints, Policy};
use self::control::{Control, Outcome, Progress, Pulse};
pub use self::evaluate::{Evaluation, evaluate, evaluate_among};
pub use self::learner::{Learner, StepResult};
pub use self::observer::{Edge, Observer, StepTrace, TaskResult};
use crate::data::DataSet;
use crate::nn::{NetworkError, training_batch};
use crate::random::Stream;
use crate::spec::Plan;
use crate::tasks::{self, Batches, CropFlip, Task, TaskError, TaskStream};

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The stream cannot be made from this data.
    #[error(transparent)]
    Tasks(#[from] TaskError),
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// candle refused an operation.
    #[error("a tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The observer could not record.
    #[error("{0:#}")]
    Observer(#[from] anyhow::Error),
}

/// How often progress is reported within a task.
const REPORT_EVERY: Duration = Duration::from_millis(250);

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
}

/// What a run goes through its tasks with.
struct Run<'a> {
    plan: &'a Plan,
    stream: &'a dyn TaskStream,
    observer: &'a mut dyn Observer,
    control: &'a Control,
    checkpoints: Checkpoints,
}

/// Carries out one run in the folder `dir`, from its newest checkpoint if there is one.
///
/// `observer` sees every task's edges and keeps the rows; what it does cannot change the run. An
/// interrupt ends it after the step that is being taken, with a checkpoint to go on from.
pub fn run(
    plan: &Plan,
    data: Arc<DataSet>,
    dir: &Path,
    policy: impl Into<Policy>,
    observer: &mut dyn Observer,
    control: &Control,
) -> Result<Outcome, TrainError> {
    let stream = &*tasks::stream(plan, data)?;
    let mut learner = Learner::new(plan, stream, &mut Stream::new(plan.seed, "init", 0))?;
    let mut checkpoints = Checkpoints::new(dir, policy.into());
    let resumed = checkpoints.restore(plan, stream, &mut learner, observer, control)?;
    observer.resume(&resumed.as_ref().map(|r| r.files.clone()).unwrap_or_default())?;
    if resumed.is_none() {
        checkpoints.save(0, &learner, observer)?;
    }
    let (first, mut open) = resumed.map_or((0, None), |r| (r.task, r.open));
    let mut run = Run { plan, stream, observer, control, checkpoints };
    for index in first..stream.tasks() {
        let outcome = run.task(index, open.take(), &mut learner)?;
        if outcome != Outcome::Done {
            return Ok(outcome);
        }
        let last = index + 1 == stream.tasks();
        if last || run.checkpoints.due() || control.interrupted() {
            run.checkpoints.save(index + 1, &learner, run.observer)?;
        }
        if control.interrupted() && !last {
            return Ok(Outcome::Interrupted);
        }
    }
    Ok(Outcome::Done)
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
        let mut batches = Batches::new(self.plan, task.train.labels.len(), index);
        let augmentation = CropFlip::of(self.plan, index);
        let steps = batches.steps();
        let mut open = match open {
            Some(open) => open,
            None => self.begin(&task, started, learner)?,
        };
        let (mut pulse, mut rate) = (Pulse::every(REPORT_EVERY), Rate::new(open.result.steps));
        for step in open.result.steps..steps {
            let (own, rehearsed) =
                ((&task.train, batches.batch(step)), learner.rehearse(self.plan, self.stream, step));
            let crops = || augmentation.map(|crop_flip| crop_flip.crops(step));
            let (inputs, targets) = training_batch(own, &rehearsed, crops())?;
            let rows = own.1.len();
            // Only the first and the last step are traced: what the optimiser saw at the task's edges.
            let traced = self.observer.traces_steps() && (step == 0 || step + 1 == steps);
            let before = if traced { Some(learner.weights()?) } else { None };
            let outcome = learner.step_counting(&inputs, &targets, rows)?;
            if !outcome.loss.is_finite() {
                return self.diverge(&open, step);
            }
            open.result.online(outcome.correct, rows, outcome.loss);
            self.observer.stepped(index, step, outcome.loss, outcome.correct as f64 / rows as f64)?;
            if let Some(before) = before {
                let trace = learner.trace(&before)?;
                let edges = [(Edge::First, step == 0), (Edge::Last, step + 1 == steps)];
                for (edge, _) in edges.into_iter().filter(|(_, here)| *here) {
                    self.observer.traced(index, edge, learner, &trace)?;
                }
            }
            if let Some(reference) = &mut open.fresh {
                // It has no earlier tasks: its batch is the task's own.
                let paired =
                    if rehearsed.is_empty() { (inputs, targets) } else { training_batch(own, &[], crops())? };
                let outcome = reference.step(&paired.0, &paired.1)?;
                open.result.online_fresh(outcome.correct, rows, outcome.loss);
            }
            // The clocks are looked at rarely, the interrupt at every step.
            let looks = step % 64 == 63;
            if looks && pulse.beats() {
                self.control.report(&progress(self.stream, index, step, steps, rate.since(step), None));
            }
            if self.control.interrupted() || (looks && self.checkpoints.due_within()) {
                self.checkpoints.save_within(&open, learner, self.observer)?;
                if self.control.interrupted() {
                    return Ok(Outcome::Interrupted);
                }
            }
        }
        self.end(&task, &open, steps, learner)
    }

    /// A task's start: what is done and measured before its first step.
    fn begin(
        &mut self,
        task: &Task,
        started: Instant,
        learner: &mut Learner,
    ) -> Result<OpenTask, TrainError> {
        learner.start_task(self.plan, task.index)?;
        let mut fresh = None;
        if self.plan.probes.plasticity_gap {
            let mut reference = Learner::fresh(self.plan, self.stream, task.index)?;
            reference.start_task(self.plan, task.index)?;
            fresh = Some(reference);
        }
        self.observer.task_started(task.index, self.stream, learner)?;
        Ok(OpenTask { result: TaskResult::new(task.index, task.scored, task.train.len()), fresh, started })
    }

    /// A task's end: evaluate, probe, record.
    fn end(
        &mut self,
        task: &Task,
        open: &OpenTask,
        steps: usize,
        learner: &mut Learner,
    ) -> Result<Outcome, TrainError> {
        let train = evaluate(learner.network(), &task.train)?;
        if !train.loss.is_finite() {
            return self.diverge(open, steps);
        }
        let test = task.test.as_ref().map(|test| evaluate(learner.network(), test)).transpose()?;
        learner.end_task(self.plan, self.stream, &task.train)?;
        let mut result = open.timed();
        result.finish(train, test);
        self.observer.task_ended(&result, self.stream, learner)?;
        let rate = steps as f64 / result.seconds;
        self.control.report(&Progress {
            task_ended: true,
            ..progress(self.stream, task.index, steps, steps, rate, Some(result.online_accuracy()))
        });
        Ok(Outcome::Done)
    }

    /// Ends a run whose loss is no number any more: a result, recorded like any other.
    fn diverge(&mut self, open: &OpenTask, step: usize) -> Result<Outcome, TrainError> {
        let mut result = open.timed();
        result.diverged = true;
        self.observer.diverged(&result)?;
        Ok(Outcome::Diverged { task: result.task, step })
    }
}

/// Steps a second since it was last asked.
struct Rate {
    step: usize,
    asked: Instant,
}

impl Rate {
    fn new(step: usize) -> Self {
        Self { step, asked: Instant::now() }
    }

    fn since(&mut self, step: usize) -> f64 {
        let before = std::mem::replace(self, Self::new(step));
        (step - before.step) as f64 / before.asked.elapsed().as_secs_f64()
    }
}
fn progress(
    stream: &dyn TaskStream,
    task: usize,
    step: usize,
    steps: usize,
    steps_per_second: f64,
    online_accuracy: Option<f64>,
) -> Progress {
    Progress {
        task,
        tasks: stream.tasks(),
        step,
        steps,
        steps_per_second,
        online_accuracy,
        task_ended: false,
    }
}

//! The training loop: tasks one after the other, one network and one optimiser for the whole stream.

mod batch;
pub mod checkpoint;
pub mod control;
mod evaluate;
mod learner;
mod observer;
pub mod optimizer;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::batch::batch;
use self::checkpoint::{CheckpointError, Checkpoints, Keep};
use self::control::{Control, Outcome, Progress, Pulse};
pub use self::evaluate::{Evaluation, evaluate};
pub use self::learner::{Learner, StepResult};
pub use self::observer::{Edge, Observer, StepTrace, TaskResult};
use crate::data::DataSet;
use crate::nn::NetworkError;
use crate::random::Stream;
use crate::spec::Plan;
use crate::tasks::{self, Batches, TaskError, TaskStream};

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

/// Carries out one run in the folder `dir`, from its newest checkpoint if there is one.
///
/// `observer` sees every task's edges and keeps the rows; what it does cannot change the run.
pub fn run(
    plan: &Plan,
    data: Arc<DataSet>,
    dir: &Path,
    keep: Keep,
    observer: &mut dyn Observer,
    control: &Control,
) -> Result<Outcome, TrainError> {
    let stream = tasks::stream(plan, data)?;
    let mut learner = Learner::new(plan, &*stream, &mut Stream::new(plan.seed, "init", 0))?;
    let mut checkpoints = Checkpoints::new(dir, keep);
    let resumed = checkpoints.restore(&mut learner)?;
    observer.resume(&resumed.as_ref().map(|r| r.lengths.clone()).unwrap_or_default())?;
    if resumed.is_none() {
        checkpoints.save(0, &learner, &observer.lengths()?)?;
    }
    let first = resumed.map_or(0, |r| r.tasks_done);
    for index in first..stream.tasks() {
        let outcome = task(plan, &*stream, index, &mut learner, observer, control)?;
        if outcome != Outcome::Done {
            return Ok(outcome);
        }
        let last = index + 1 == stream.tasks();
        if last || checkpoints.due() || control.interrupted() {
            checkpoints.save(index + 1, &learner, &observer.lengths()?)?;
        }
    }
    Ok(Outcome::Done)
}

/// Trains on one task: probe, step through its batches, evaluate, probe.
fn task(
    plan: &Plan,
    stream: &dyn TaskStream,
    index: usize,
    learner: &mut Learner,
    observer: &mut dyn Observer,
    control: &Control,
) -> Result<Outcome, TrainError> {
    let started = Instant::now();
    let task = stream.task(index);
    let mut batches = Batches::new(plan, task.train.labels.len(), index);
    let steps = batches.steps();
    learner.start_task(plan, index)?;
    let mut fresh = None;
    if plan.probes.plasticity_gap {
        let mut reference =
            Learner::new(plan, stream, &mut Stream::new(plan.seed, "fresh-init", index as u64))?;
        reference.start_task(plan, index)?;
        fresh = Some(reference);
    }
    observer.task_started(index, stream, learner)?;

    let mut result = TaskResult::new(index, task.scored, task.train.len());
    let (mut pulse, mut pulse_step) = (Pulse::every(REPORT_EVERY), 0);
    let mut pulsed = Instant::now();
    for step in 0..steps {
        if control.interrupted() {
            return Ok(Outcome::Interrupted);
        }
        let (inputs, labels) = batch(&task.train, batches.batch(step))?;
        // Only the first and the last step are traced: what the optimiser saw at the task's edges.
        let traced = observer.traces_steps() && (step == 0 || step + 1 == steps);
        let before = if traced { Some(learner.weights()?) } else { None };
        let outcome = learner.step(&inputs, &labels)?;
        if !outcome.loss.is_finite() {
            return diverge(observer, result, step, started);
        }
        result.online(outcome.correct, labels.len(), outcome.loss);
        observer.stepped(index, step, outcome.loss, outcome.correct as f64 / labels.len() as f64)?;
        if let Some(before) = before {
            let trace = learner.trace(&before)?;
            let edges = [(Edge::First, step == 0), (Edge::Last, step + 1 == steps)];
            for (edge, _) in edges.into_iter().filter(|(_, here)| *here) {
                observer.traced(index, edge, learner, &trace)?;
            }
        }
        if let Some(reference) = &mut fresh {
            let outcome = reference.step(&inputs, &labels)?;
            result.online_fresh(outcome.correct, labels.len());
        }
        if step % 64 == 0 && pulse.beats() {
            let rate = (step - pulse_step) as f64 / pulsed.elapsed().as_secs_f64();
            (pulse_step, pulsed) = (step, Instant::now());
            control.report(&progress(stream, index, step, steps, rate, None));
        }
    }

    let train = evaluate(learner.network(), &task.train)?;
    if !train.loss.is_finite() {
        return diverge(observer, result, steps, started);
    }
    result.finish(train, task.test.as_ref().map(|test| evaluate(learner.network(), test)).transpose()?);
    result.seconds = started.elapsed().as_secs_f64();
    observer.task_ended(&result, stream, learner)?;
    let rate = steps as f64 / result.seconds;
    control.report(&Progress {
        task_ended: true,
        ..progress(stream, index, steps, steps, rate, Some(result.online_accuracy()))
    });
    Ok(Outcome::Done)
}

/// Ends a run whose loss is no number any more: a result, recorded like any other.
fn diverge(
    observer: &mut dyn Observer,
    mut result: TaskResult,
    step: usize,
    started: Instant,
) -> Result<Outcome, TrainError> {
    let task = result.task;
    result.diverged = true;
    result.seconds = started.elapsed().as_secs_f64();
    observer.diverged(&result)?;
    Ok(Outcome::Diverged { task, step })
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

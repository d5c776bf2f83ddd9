//! The numbers of a run, whatever was measured, in the order of its files.

use std::borrow::Cow;

use crate::record::{
    CoefficientRow, EpisodeRow, EvaluationRow, Phase, ProbeRow, RecordError, RetentionRow, Row, Status,
    StepRow, TaskRow, TimeRow,
};
use crate::results::{Results, Run, each_row};

/// What a run is called.
pub struct Names<'a> {
    /// Of its benchmark.
    pub benchmark: &'a str,
    /// Of its variant.
    pub variant: &'a str,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub status: &'static str,
    /// Its folder.
    pub run: Cow<'a, str>,
}

/// One number.
pub struct Number<'a> {
    /// Which file it is from: task, probe, coefficient, retention, episode, evaluation, step.
    pub kind: &'static str,
    /// Task at which it was measured.
    pub task: usize,
    /// Step within the task; of an agent, environment steps of the run so far.
    pub step: Option<usize>,
    /// Edge of the task.
    pub phase: Option<&'static str>,
    /// Layer.
    pub layer: Option<&'a str>,
    /// What was measured.
    pub quantity: &'a str,
    /// The number.
    pub value: f64,
}

/// Every run with its names, in the order of the report.
pub fn named(results: &Results) -> impl Iterator<Item = (Names<'_>, &Run)> {
    results.cells.iter().flat_map(|cell| {
        cell.runs.iter().map(|(&seed, run)| {
            let names = Names {
                benchmark: &results.benchmarks[cell.benchmark],
                variant: &results.variants[cell.variant],
                seed,
                status: status(run),
                run: run.folder.file_name().unwrap_or_default().to_string_lossy(),
            };
            (names, run)
        })
    })
}

/// As `run.toml` has it.
fn status(run: &Run) -> &'static str {
    match run.status.status {
        Status::Done => "done",
        Status::Diverged => "diverged",
        Status::Failed => "failed",
        Status::Running => "running",
    }
}

/// Calls `take` with each number of `run`, until it fails.
pub fn each(run: &Run, take: &mut dyn FnMut(&Number<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    rows(run, |row: TaskRow| {
        let figures = [
            ("online_accuracy", row.online_accuracy),
            ("online_loss", row.online_loss),
            ("train_accuracy", row.train_accuracy),
            ("train_loss", row.train_loss),
            ("test_accuracy", row.test_accuracy),
            ("test_loss", row.test_loss),
            ("fresh_online_accuracy", row.fresh_online_accuracy),
            ("plasticity_gap", row.plasticity_gap),
            ("online_return", row.online_return),
            ("evaluation_return", row.evaluation_return),
            ("fresh_train_loss", row.fresh_train_loss),
            ("loss_gap", row.loss_gap),
        ];
        let mut known = figures.into_iter().filter_map(|(quantity, value)| Some((quantity, value?)));
        known.try_for_each(|(quantity, value)| take(&plain("task", row.task, quantity, value)))
    })?;
    rows(run, |row: TimeRow| take(&plain("task", row.task, "seconds", row.seconds)))?;
    rows(run, |row: ProbeRow| {
        let Some(value) = row.value else { return Ok(()) };
        let number = plain("probe", row.task, &row.probe, value);
        take(&Number { phase: Some(phase(row.phase)), layer: Some(&row.layer), ..number })
    })?;
    rows(run, |row: CoefficientRow| {
        let quantity = format!("{}[{}]", row.coefficient, row.set);
        let number = plain("coefficient", row.task, &quantity, row.value);
        take(&Number { phase: Some(phase(row.phase)), layer: Some(&row.layer), ..number })
    })?;
    rows(run, |row: RetentionRow| {
        let figures = [
            ("accuracy", Some(row.accuracy)),
            ("loss", Some(row.loss)),
            ("class_incremental_accuracy", row.class_incremental_accuracy),
            ("task_incremental_accuracy", row.task_incremental_accuracy),
        ];
        let mut known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.try_for_each(|(name, value)| {
            let quantity = format!("{name}_on_task_{}", row.evaluated);
            let number = plain("retention", row.trained_through, &quantity, value);
            take(&Number { phase: Some("end"), ..number })
        })
    })?;
    rows(run, |row: EpisodeRow| {
        let figures = [
            ("return", Some(row.r#return)),
            ("length", Some(row.length as f64)),
            ("success", row.success.map(|success| f64::from(u8::from(success)))),
        ];
        let mut known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.try_for_each(|(quantity, value)| {
            let number = plain("episode", row.task, quantity, value);
            take(&Number { step: Some(row.environment_step), ..number })
        })
    })?;
    rows(run, |row: EvaluationRow| {
        let figures = [
            ("return_mean", Some(row.return_mean)),
            ("return_min", Some(row.return_min)),
            ("return_max", Some(row.return_max)),
            ("normalized_return", row.normalized_return),
            ("q_mean", row.q_mean),
            ("monte_carlo_return", row.monte_carlo_return),
            ("q_bias", row.q_bias),
            ("q_bias_normalized", row.q_bias_normalized),
            ("q_impossible", row.q_impossible),
            ("temperature", row.temperature),
            ("entropy", row.entropy),
            ("success_rate", row.success_rate),
        ];
        let mut known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.try_for_each(|(quantity, value)| {
            let number = plain("evaluation", row.task, quantity, value);
            take(&Number { step: Some(row.environment_step), ..number })
        })
    })?;
    rows(run, |row: StepRow| {
        [("loss", f64::from(row.loss)), ("accuracy", row.accuracy)].into_iter().try_for_each(
            |(quantity, value)| {
                take(&Number { step: Some(row.step), ..plain("step", row.task, quantity, value) })
            },
        )
    })
}

fn plain<'a>(kind: &'static str, task: usize, quantity: &'a str, value: f64) -> Number<'a> {
    Number { kind, task, step: None, phase: None, layer: None, quantity, value }
}

fn phase(phase: Phase) -> &'static str {
    if phase == Phase::Start { "start" } else { "end" }
}

/// The rows of one kind. The first error of `take` stops it; the reading goes on to its end, which is
/// short.
fn rows<R: Row>(run: &Run, mut take: impl FnMut(R) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    let read: Result<(), RecordError> = each_row(&run.folder, |row: R| {
        if outcome.is_ok() {
            outcome = take(row);
        }
    });
    read?;
    outcome
}

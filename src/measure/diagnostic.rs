//! The rows of a diagnostic: its figures in `probes.csv`, one row in `tasks.csv`.

use std::path::Path;
use std::time::Instant;

use super::{RunRows, task_template};
use crate::diagnostics::{self, Outcome, Settings};
use crate::record::{Phase, ProbeRow, Status, TaskRow, TimeRow};
use crate::sha256::Prefixes;
use crate::spec::{Choice, Plan};
use crate::train::Rows;

/// The layer under which the figures stand: they are of a value function, not of a layer.
const LAYER: &str = "q";

/// Carries out the diagnostic of `plan` and writes its rows into `folder`. It takes seconds, so an
/// interrupted one begins anew.
///
/// # Errors
/// If the network cannot be built or trained, or the rows cannot be written.
pub fn run_diagnostic(plan: &Plan, diagnostic: &Choice, folder: &Path) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let mut rows = RunRows::new(folder);
    rows.resume(&Prefixes::default())?;
    let settings = Settings {
        diagnostic: diagnostic.clone(),
        network: plan.network.clone(),
        activation: plan.activation.clone(),
        optimizer: plan.optimizer.clone(),
        methods: plan.methods.clone(),
    };
    let outcome = diagnostics::run(&settings, plan.seed)?;
    let run = rows.run().to_owned();
    let status = match &outcome {
        Outcome::Figures(_) => Status::Done,
        Outcome::Diverged { .. } => Status::Diverged,
    };
    if let Outcome::Figures(figures) = &outcome {
        for &(name, value) in figures {
            rows.push(&ProbeRow {
                run: run.clone(),
                task: 0,
                phase: Phase::End,
                layer: LAYER.to_owned(),
                units: None,
                samples: None,
                probe: name.to_owned(),
                value: value.is_finite().then_some(value),
            })?;
        }
    }
    rows.push(&TaskRow { status, scored: Some(true), ..task_template(plan, run.clone()) })?;
    let seconds = started.elapsed().as_secs_f64();
    rows.push(&TimeRow { run, task: 0, seconds, steps_per_second: 0.0 })?;
    rows.commit()?;
    Ok(outcome)
}

//! One tidy CSV of everything: a row a number, whatever was measured.

use std::path::Path;

use anyhow::Context;

use super::reading::{Results, Run, each_row};
use crate::record::{CoefficientRow, Phase, ProbeRow, RetentionRow, TaskRow};

const HEADER: [&str; 11] =
    ["benchmark", "variant", "seed", "status", "run", "kind", "task", "phase", "layer", "quantity", "value"];

/// Writes it, row by row from the runs' own files.
pub fn export(results: &Results, path: &Path) -> anyhow::Result<()> {
    let told = || format!("{} could not be written", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(told)?;
    writer.write_record(HEADER).with_context(told)?;
    for cell in &results.cells {
        for run in cell.runs.values() {
            let names = [&results.benchmarks[cell.benchmark], &results.variants[cell.variant]];
            one(&mut writer, names, run).with_context(told)?;
        }
    }
    writer.flush().with_context(told)
}

fn one(writer: &mut csv::Writer<std::fs::File>, names: [&String; 2], run: &Run) -> anyhow::Result<()> {
    let seed = run.plan.seed.to_string();
    let status = format!("{:?}", run.status.status).to_lowercase();
    let label = run.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // The first error stops the writing; the reading goes on to its end, which is short.
    let mut outcome = Ok(());
    let mut put = |kind: &str, task: usize, phase: &str, layer: &str, quantity: &str, value: Option<f64>| {
        if let (Ok(()), Some(value)) = (&outcome, value) {
            let (task, value) = (task.to_string(), value.to_string());
            outcome = writer.write_record([
                names[0], names[1], &seed, &status, &label, kind, &task, phase, layer, quantity, &value,
            ]);
        }
    };
    each_row(&run.folder, |row: TaskRow| {
        let figures = [
            ("online_accuracy", row.online_accuracy),
            ("online_loss", row.online_loss),
            ("train_accuracy", row.train_accuracy),
            ("train_loss", row.train_loss),
            ("test_accuracy", row.test_accuracy),
            ("test_loss", row.test_loss),
            ("fresh_online_accuracy", row.fresh_online_accuracy),
            ("plasticity_gap", row.plasticity_gap),
            ("seconds", Some(row.seconds)),
        ];
        for (name, value) in figures {
            put("task", row.task, "", "", name, value);
        }
    })?;
    let phase = |phase| if phase == Phase::Start { "start" } else { "end" };
    each_row(&run.folder, |row: ProbeRow| {
        put("probe", row.task, phase(row.phase), &row.layer, &row.probe, row.value);
    })?;
    each_row(&run.folder, |row: CoefficientRow| {
        let name = format!("{}[{}]", row.coefficient, row.set);
        put("coefficient", row.task, phase(row.phase), &row.layer, &name, Some(row.value));
    })?;
    each_row(&run.folder, |row: RetentionRow| {
        let name = format!("accuracy_on_task_{}", row.evaluated);
        put("retention", row.trained_through, "end", "", &name, Some(row.accuracy));
    })?;
    Ok(outcome?)
}

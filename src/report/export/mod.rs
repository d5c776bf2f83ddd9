//! Every number of every run for other programs: one tidy CSV or Parquet table, or `TensorBoard`'s files.

mod number;
mod parquet;
mod tensorboard;

#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Context, bail};

use crate::results::Results;
use number::{Names, Number, each, named};

pub use tensorboard::tensorboard;

/// Columns of the tidy table; `step`, `phase` and `layer` are empty (in Parquet: null) where a number has
/// none.
const COLUMNS: [&str; 12] = [
    "benchmark",
    "variant",
    "seed",
    "status",
    "run",
    "kind",
    "task",
    "step",
    "phase",
    "layer",
    "quantity",
    "value",
];

/// What the table is written as, told by the file's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated.
    Csv,
    /// Columns, compressed.
    Parquet,
}

impl Format {
    /// That of a file of this name.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("parquet") => Ok(Self::Parquet),
            _ => {
                bail!("{} ends in neither .csv nor .parquet: --export writes one of the two", path.display())
            }
        }
    }
}

/// Writes the table, row by row from the runs' own files.
pub fn export(results: &Results, path: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} could not be written", path.display());
    match Format::of(path)? {
        Format::Csv => csv(results, path).with_context(failed),
        Format::Parquet => parquet::write(results, path).with_context(failed),
    }
}

fn csv(results: &Results, path: &Path) -> anyhow::Result<()> {
    let mut writer = ::csv::Writer::from_path(path)?;
    writer.write_record(COLUMNS)?;
    for (names, run) in named(results) {
        each(run, &mut |number| {
            let [seed, task] = [names.seed.to_string(), number.task.to_string()];
            let step = number.step.map_or_else(String::new, |step| step.to_string());
            let value = number.value.to_string();
            writer.write_record([
                names.benchmark,
                names.variant,
                &seed,
                names.status,
                &names.run,
                number.kind,
                &task,
                &step,
                number.phase.unwrap_or_default(),
                number.layer.unwrap_or_default(),
                number.quantity,
                &value,
            ])?;
            Ok(())
        })?;
    }
    Ok(writer.flush()?)
}

//! What a run leaves behind: one folder with `run.toml` and a few CSV files, one struct a row.
//!
//! | file | row | one per |
//! |---|---|---|
//! | `run.toml` | [`RunStatus`] | run |
//! | `tasks.csv` | [`TaskRow`] | task |
//! | `times.csv` | [`TimeRow`] | task |
//! | `probes.csv` | [`ProbeRow`] | task × phase × layer × probe |
//! | `retention.csv` | [`RetentionRow`] | trained task × evaluated task |
//! | `coefficients.csv` | [`CoefficientRow`] | task × phase × layer × set × coefficient |
//! | `steps.csv` | [`StepRow`] | step, if asked for |
//! | `episodes.csv` | [`EpisodeRow`] | training episode of an agent |
//! | `evaluations.csv` | [`EvaluationRow`] | evaluation of an agent |
//!
//! Columns stand in the order of the struct's fields. Floats are written in the fewest digits that
//! read back to the same bits, as `NaN` or `inf` where that is what was measured; a cell that does not
//! apply is empty. A file appears with its first row. A run that has not ended may have rows of the task
//! under way; its row in `tasks.csv` comes with its end.
//!
//! Two runs of one plan write the same bytes to every file but `run.toml` and `times.csv`. `run.toml` names
//! the [`FORMAT`] of its folder; new columns come at the end, and older formats stay readable.

mod clock;
mod coefficient;
mod columns;
mod episode;
mod error;
mod evaluation;
mod probe;
mod read;
mod recorder;
mod retention;
mod run_file;
mod status;
mod step;
mod task;
mod time;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use clock::rfc3339;
pub use coefficient::CoefficientRow;
pub use columns::columns;
pub use episode::EpisodeRow;
pub use error::RecordError;
pub use evaluation::EvaluationRow;
pub use probe::ProbeRow;
pub use read::{each_row, read};
pub use recorder::Recorder;
pub use retention::RetentionRow;
pub use run_file::{Attempt, FORMAT, RUN_FILE, RunStatus, commit, version};
pub use status::{Phase, Status};
pub use step::StepRow;
pub use task::TaskRow;
pub use time::TimeRow;

/// A row and the file that it goes to.
pub trait Row: Serialize + DeserializeOwned {
    /// Name of the file within the run's folder.
    const FILE: &'static str;
    /// The file that had these columns in an earlier format, if any had.
    const FORMERLY: Option<&'static str> = None;
}

/// A file that rows go to.
#[derive(Clone, Copy, Debug)]
pub struct CsvFile {
    /// Its name within the run's folder.
    pub name: &'static str,
    /// Its columns.
    pub columns: fn() -> &'static [&'static str],
}

/// Every file that rows go to. A new kind of row is its file and its line here.
pub const FILES: &[CsvFile] = &[
    file_of::<TaskRow>(),
    file_of::<TimeRow>(),
    file_of::<ProbeRow>(),
    file_of::<RetentionRow>(),
    file_of::<CoefficientRow>(),
    file_of::<StepRow>(),
    file_of::<EpisodeRow>(),
    file_of::<EvaluationRow>(),
];

const fn file_of<R: Row>() -> CsvFile {
    CsvFile { name: R::FILE, columns: columns::<R> }
}

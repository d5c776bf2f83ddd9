//! What a run leaves behind: one folder with `run.toml` and a few CSV files, one struct a row.
//!
//! | file | row | one per |
//! |---|---|---|
//! | `run.toml` | [`RunStatus`] | run |
//! | `tasks.csv` | [`TaskRow`] | task |
//! | `probes.csv` | [`ProbeRow`] | task × phase × layer × probe |
//! | `retention.csv` | [`RetentionRow`] | trained task × evaluated task |
//! | `coefficients.csv` | [`CoefficientRow`] | task × phase × layer × set × coefficient |
//! | `steps.csv` | [`StepRow`] | step, if asked for |
//!
//! Columns stand in the order of the struct's fields. Floats are written in the fewest digits that
//! read back to the same bits, as `NaN` or `inf` where that is what was measured; a cell that does not
//! apply is empty. A file appears with its first row. A run that has not ended may have rows of the task
//! under way; its row in `tasks.csv` comes with its end.

mod clock;
mod coefficient;
mod error;
mod probe;
mod recorder;
mod retention;
mod run_file;
mod status;
mod step;
mod task;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use clock::rfc3339;
pub use coefficient::CoefficientRow;
pub use error::RecordError;
pub use probe::ProbeRow;
pub use recorder::Recorder;
pub use retention::RetentionRow;
pub use run_file::{RUN_FILE, RunStatus, commit, version};
pub use status::{Phase, Status};
pub use step::StepRow;
pub use task::TaskRow;

/// A row and the file that it goes to.
pub trait Row: Serialize + DeserializeOwned {
    /// Name of the file within the run's folder.
    const FILE: &'static str;
}

/// Every file that rows go to. A new kind of row is its file and its line here.
const FILES: &[&str] =
    &[TaskRow::FILE, ProbeRow::FILE, RetentionRow::FILE, CoefficientRow::FILE, StepRow::FILE];

/// All rows of one kind in a run's folder: none where there is no such file. A last line without its
/// line end, which a killed run can leave, is not read.
pub fn read<R: Row>(folder: &Path) -> Result<Vec<R>, RecordError> {
    let path = folder.join(R::FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(RecordError::Unreadable { path, source }),
    };
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    csv::Reader::from_reader(&bytes[..whole])
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|source| RecordError::Malformed { path, reason: source.to_string() })
}

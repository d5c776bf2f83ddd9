//! The status of a run in its `run.toml`, read before and written after the run.

use std::path::Path;

use crate::record::{RecordError, RunStatus, Status};
use crate::spec::Plan;

/// The status of the run in `dir`; `None` where none has begun.
pub(super) fn read(dir: &Path) -> Result<Option<Status>, RecordError> {
    Ok(RunStatus::read(dir)?.map(|run| run.status))
}

/// Whether the run in `dir` ended by an error. One whose record cannot be read is tried, and then says why.
pub(super) fn has_failed(dir: &Path) -> bool {
    matches!(read(dir), Ok(Some(Status::Failed)))
}

/// Writes how the run of `plan` in `dir` ended after `seconds`, with the reason where it is a bad one.
/// A run that failed before it could write its `run.toml` gets one here.
pub(super) fn mark(
    plan: &Plan,
    dir: &Path,
    status: Status,
    seconds: f64,
    error: Option<&str>,
) -> Result<(), RecordError> {
    let begun =
        RunStatus::read(dir)?.unwrap_or_else(|| RunStatus::begin("", "cpu", 1, crate::kernels::name()));
    let mut ended = begun.end(status, seconds, error.map(str::to_owned));
    if status == Status::Running {
        ended.finished = None; // interrupted: it will go on
    }
    ended.write(dir, &plan.to_toml())
}

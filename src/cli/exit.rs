//! How the process ends.

use std::fmt;
use std::process::ExitCode;

use crate::data::DataError;
use crate::runner::interrupt;
use crate::spec::SpecError;
use crate::tasks::{ExportError, TaskError};

/// What a script can tell from the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked for is there, diverged runs included.
    Done,
    /// The command or the spec is wrong.
    Usage,
    /// Data are missing or corrupt.
    Data,
    /// Some run failed; the others are there.
    RunsFailed,
    /// Some runs are left to another process, which is running them; the others are there.
    LeftToOthers,
    /// Runs on record were run again, and some came to other rows.
    RowsDiffer,
    /// Ended by Ctrl-C or a signal; finished tasks are on disk.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 2,
            Self::Data => 3,
            Self::RunsFailed => 4,
            Self::LeftToOthers => 5,
            Self::RowsDiffer => 6,
            Self::Interrupted => interrupt::EXIT_CODE,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// An error and how the process ends because of it.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub exit: Exit,
    /// The message for the user, with its causes.
    pub error: anyhow::Error,
}

impl Failure {
    /// The command, the spec or a path is wrong.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }
}

/// The error and its causes, one a line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        self.error.chain().skip(1).try_for_each(|cause| write!(f, "\n  because: {cause}"))
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        Self::usage(error)
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        let exit = if error.is_usage() { Exit::Usage } else { Exit::Data };
        Self { exit, error: error.into() }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let exit = match error {
            ExportError::Stream(TaskError::SplitsDiffer { .. }) => Exit::Data,
            _ => Exit::Usage,
        };
        Self { exit, error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn causes_follow_their_error() {
        let failure = Failure::usage(anyhow!("no space").context("the lock could not be made"));
        assert_eq!(failure.to_string(), "the lock could not be made\n  because: no space");
        assert_eq!(failure.exit.code(), 2);
    }

    #[test]
    fn a_wrong_name_is_usage_and_wrong_data_are_data() {
        let unknown = DataError::Unknown { name: "mnits".into(), nearest: None, known: "mnist".into() };
        assert_eq!(Failure::from(unknown).exit.code(), 2);
        let missing = DataError::Missing { name: "mnist".into(), looked: vec![], cure: String::new() };
        assert_eq!(Failure::from(missing).exit.code(), 3);
    }
}

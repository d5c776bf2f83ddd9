//! The words that rows share.

use serde::{Deserialize, Serialize};

/// How a task or a run ended, or that it has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every step was taken.
    Done,
    /// The loss or a weight stopped being finite: a finding, not an error.
    Diverged,
    /// An error ended it.
    Failed,
    /// Begun and not ended; also what a killed run leaves behind.
    #[default]
    Running,
}

impl Status {
    /// Whether a run of this status has its result, so that nothing is left to do.
    #[must_use]
    pub fn has_result(self) -> bool {
        matches!(self, Self::Done | Self::Diverged)
    }
}

/// When within a task something was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before its first step.
    Start,
    /// After its last.
    End,
}

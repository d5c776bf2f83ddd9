//! Which checkpoints are written, and which of them stay.

use std::time::Duration;

/// Which checkpoints stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None: an interrupted run starts anew.
    None,
    /// The newest, and the one before it in case the newest is damaged.
    Last,
    /// One before every task and one after the last.
    All,
}

/// Which checkpoints are written and stay.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Which stay.
    pub keep: Keep,
    /// The longest that a run computes within a task without one: what a kill can cost.
    pub every: Duration,
}

impl From<Keep> for Policy {
    fn from(keep: Keep) -> Self {
        Self { keep, every: EVERY }
    }
}

/// Time between two checkpoints within a task, unless said otherwise.
pub const EVERY: Duration = Duration::from_mins(5);

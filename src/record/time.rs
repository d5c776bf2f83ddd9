//! `times.csv`: how long each task took. The one file whose bytes differ between two runs of one plan.

use serde::{Deserialize, Serialize};

use super::{Row, TaskRow};

/// Wall-clock time of one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeRow {
    /// Name of the run's folder.
    pub run: String,
    /// Task, from 0.
    pub task: usize,
    /// Seconds from the first probe before the task to the last evaluation after it, over all attempts.
    pub seconds: f64,
    /// Steps of the task divided by `seconds`: optimiser steps, or environment steps for agents.
    pub steps_per_second: f64,
}

impl Row for TimeRow {
    const FILE: &'static str = "times.csv";
    const FORMERLY: Option<&'static str> = Some(TaskRow::FILE);
}

//! `steps.csv`: every step, where `--log-steps` asks for it.

use serde::{Deserialize, Serialize};

use super::Row;

/// One optimiser step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Name of the run's folder.
    pub run: String,
    /// Task, from 0.
    pub task: usize,
    /// Step within the task, from 0.
    pub step: usize,
    /// Batch loss before the update. The one f32 column: training computes it as one, and its shortest
    /// digits halve this largest of the files.
    pub loss: f32,
    /// Batch accuracy before the update.
    pub accuracy: f64,
}

impl Row for StepRow {
    const FILE: &'static str = "steps.csv";
}

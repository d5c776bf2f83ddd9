//! `retention.csv`: the accuracy matrix.

use serde::{Deserialize, Serialize};

use super::Row;

/// Entry `A[i][j]` of the accuracy matrix: after task i, on task j's test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionRow {
    /// Name of the run's folder.
    pub run: String,
    /// i: the last task trained on.
    pub trained_through: usize,
    /// j: the task whose test set is evaluated.
    pub evaluated: usize,
    /// Share of its test examples answered right, by the run's own head.
    pub accuracy: f64,
    /// Mean loss, in nats.
    pub loss: f64,
    /// The same where the answer is taken among the classes of all tasks up to i; empty where every task
    /// has all classes.
    #[serde(default)]
    pub class_incremental_accuracy: Option<f64>,
    /// The same where the answer is taken among the classes of task j; empty likewise.
    #[serde(default)]
    pub task_incremental_accuracy: Option<f64>,
}

impl Row for RetentionRow {
    const FILE: &'static str = "retention.csv";
}

//! `retention.csv`: the accuracy matrix.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Row;

/// Readers allocate one row per task number, so numbers from this on are rejected as corrupt. No stream has
/// so many tasks with a matrix: each is evaluated on all before it.
const MOST_TASKS: usize = 1 << 16;

/// Entry `A[i][j]` of the accuracy matrix: after task i, on task j's test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetentionRow {
    /// Name of the run's folder.
    pub run: String,
    /// i: the last task trained on.
    #[serde(deserialize_with = "task")]
    pub trained_through: usize,
    /// j: the task whose test set is evaluated.
    #[serde(deserialize_with = "task")]
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

fn task<'a, D: Deserializer<'a>>(from: D) -> Result<usize, D::Error> {
    let task = usize::deserialize(from)?;
    if task < MOST_TASKS { Ok(task) } else { Err(D::Error::custom(format!("no stream has a task {task}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read;

    #[test]
    fn a_task_that_no_stream_reaches_is_damage_and_no_reason_for_gigabytes() {
        let folder = tempfile::tempdir().unwrap();
        for cells in ["99999999999,0", "0,65536", "-1,0"] {
            let text = format!("run,trained_through,evaluated,accuracy,loss\nr,{cells},0.5,1.0\n");
            std::fs::write(folder.path().join(RetentionRow::FILE), text).unwrap();
            let error = read::<RetentionRow>(folder.path()).unwrap_err().to_string();
            assert!(error.contains("retention.csv is not what"), "{error}");
        }
    }
}

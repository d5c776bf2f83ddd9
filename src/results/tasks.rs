//! What a run's tasks.csv comes to.

use std::path::Path;

use super::mean::Mean;
use super::{Downsampled, each_row};
use crate::record::{RecordError, TaskRow};

/// Figures over the tasks of a run.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Tasks that have a row.
    pub count: usize,
    /// Online accuracy over tasks.
    pub online: Downsampled,
    /// Figures by the name of their metric.
    pub figures: Vec<(&'static str, f64)>,
}

/// Reads the tasks of the run in `folder`.
pub fn read(folder: &Path) -> Result<Tasks, RecordError> {
    let mut tasks = Tasks::default();
    let [mut online, mut test, mut gap, mut train] = [Mean::default(); 4];
    let [mut first, mut last, mut last_test] = [None; 3];
    each_row(folder, |row: TaskRow| {
        tasks.count += 1;
        tasks.online.add(row.task, row.online_accuracy.unwrap_or(f64::NAN));
        online.add(row.online_accuracy);
        test.add(row.test_accuracy);
        gap.add(row.plasticity_gap);
        train.add(row.train_accuracy);
        if row.task == 0 {
            first = row.online_accuracy;
        }
        (last, last_test) = (row.online_accuracy, row.test_accuracy);
    })?;
    let figures = [
        ("total_online_accuracy", online.value()),
        ("first_task_accuracy", first),
        ("last_task_accuracy", last),
        ("task_end_accuracy", train.value()),
        ("plasticity_gap", gap.value()),
        ("test_accuracy", test.value()),
        ("last_test_accuracy", last_test),
    ];
    let known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
    tasks.figures = known.filter(|(_, value)| value.is_finite()).collect();
    Ok(tasks)
}

//! What a run's tasks.csv comes to.

use std::path::Path;

use super::mean::Mean;
use super::{Downsampled, each_row};
use crate::record::{RecordError, TaskRow};
use crate::spec::{Plan, Work};

/// Figures over the scored tasks of a run.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Tasks that have a row.
    pub count: usize,
    /// Those of them that count in the benchmark's score.
    pub scored: usize,
    /// The first row that is not of the task after the row before it.
    pub broken_at: Option<usize>,
    /// Online accuracy over all tasks, scored or not.
    pub online: Downsampled,
    /// Mean return of an agent's evaluations at the ends of tasks.
    pub evaluation_return: Option<f64>,
    /// Figures by the name of their metric.
    pub figures: Vec<(&'static str, f64)>,
}

/// Reads the tasks of the run of `plan` in `folder`.
pub fn read(folder: &Path, plan: &Plan) -> Result<Tasks, RecordError> {
    let mut tasks = Tasks::default();
    let [mut online, mut test, mut gap, mut train, mut returns, mut loss_gap, mut evaluated] =
        [Mean::default(); 7];
    let [mut first, mut last, mut last_test] = [None; 3];
    each_row(folder, |row: TaskRow| {
        if row.task != tasks.count && tasks.broken_at.is_none() {
            tasks.broken_at = Some(tasks.count);
        }
        tasks.count += 1;
        tasks.online.add(row.task, row.online_accuracy.unwrap_or(f64::NAN));
        if !is_scored(&row, plan) {
            return;
        }
        if tasks.scored == 0 {
            first = row.online_accuracy;
        }
        tasks.scored += 1;
        online.add(row.online_accuracy);
        test.add(row.test_accuracy);
        gap.add(row.plasticity_gap);
        loss_gap.add(row.loss_gap);
        train.add(row.train_accuracy);
        returns.add(row.online_return);
        evaluated.add(row.evaluation_return);
        (last, last_test) = (row.online_accuracy, row.test_accuracy);
    })?;
    tasks.online.end();
    tasks.evaluation_return = evaluated.value();
    let figures = [
        ("total_online_accuracy", online.value()),
        ("first_task_accuracy", first),
        ("last_task_accuracy", last),
        ("task_end_accuracy", train.value()),
        ("plasticity_gap", gap.value()),
        ("loss_gap", loss_gap.value()),
        ("test_accuracy", test.value()),
        ("last_test_accuracy", last_test),
        ("online_return", returns.value()),
    ];
    let known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
    tasks.figures = known.filter(|(_, value)| value.is_finite()).collect();
    Ok(tasks)
}

/// Whether a task counts in the benchmark's score. Folders of format 1 do not say; of the families of that
/// format, easy-hard alone has tasks that do not count: those of one class, the odd ones.
fn is_scored(row: &TaskRow, plan: &Plan) -> bool {
    row.scored.unwrap_or_else(|| match &plan.work {
        Work::Supervised { stream, .. } => stream.family.name != "easy-hard" || row.task.is_multiple_of(2),
        Work::Control(_) | Work::Diagnostic(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Row;
    use crate::spec::test_plans::plan;

    fn write(folder: &Path, accuracies: &[(usize, f64)]) {
        let mut writer = csv::Writer::from_path(folder.join(TaskRow::FILE)).unwrap();
        for &(task, accuracy) in accuracies {
            writer
                .serialize(TaskRow { task, online_accuracy: Some(accuracy), ..TaskRow::default() })
                .unwrap();
        }
    }

    #[test]
    fn tasks_that_do_not_score_are_drawn_and_in_no_figure() {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = plan("relu", 0);
        plan.stream_mut().family.name = "easy-hard".into();
        write(folder.path(), &[(0, 0.25), (1, 1.0), (2, 0.5), (3, 1.0)]);
        let tasks = read(folder.path(), &plan).unwrap();
        assert_eq!((tasks.count, tasks.scored), (4, 2));
        let figures =
            [("total_online_accuracy", 0.375), ("first_task_accuracy", 0.25), ("last_task_accuracy", 0.5)];
        assert_eq!(tasks.figures, figures);
        assert_eq!(tasks.online.points().count(), 4);
        // What the row says goes before what the family is known for.
        let row = TaskRow { scored: Some(true), online_accuracy: Some(0.75), ..TaskRow::default() };
        csv::Writer::from_path(folder.path().join(TaskRow::FILE)).unwrap().serialize(row).unwrap();
        assert_eq!(read(folder.path(), &plan).unwrap().figures[0], ("total_online_accuracy", 0.75));
    }

    #[test]
    fn a_task_out_of_its_place_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for (rows, broken_at) in
            [(&[0, 1, 2][..], None), (&[0, 2], Some(1)), (&[1, 2], Some(0)), (&[0, 1, 1, 2], Some(2))]
        {
            let rows: Vec<(usize, f64)> = rows.iter().map(|&task| (task, 0.5)).collect();
            write(folder.path(), &rows);
            assert_eq!(read(folder.path(), &plan("relu", 0)).unwrap().broken_at, broken_at);
        }
    }
}

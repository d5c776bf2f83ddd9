//! The accuracy matrices of a run and the figures over them (docs/definitions.md, section 4).

use std::path::Path;

use super::each_row;
use super::mean::Mean;
use crate::record::{RecordError, RetentionRow};

/// `A[i][j]`: accuracy on task j after task i; rows of growing length.
pub type Matrix = Vec<Vec<Option<f64>>>;

/// The accuracy matrix of a run by each way of choosing a class. Empty where the run has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retention {
    /// By the run's own head.
    pub own: Matrix,
    /// Among the classes of all tasks up to i.
    pub class_incremental: Matrix,
    /// Among the classes of task j alone.
    pub task_incremental: Matrix,
    /// Whether an entry was there twice.
    pub doubled: bool,
}

impl Retention {
    /// Reads the matrices of the run in `folder`.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let mut read = Self::default();
        each_row(folder, |row: RetentionRow| {
            let place = (row.trained_through, row.evaluated);
            read.doubled |= at(&read.own, place.0, place.1).is_some();
            put(&mut read.own, place, row.accuracy);
            if let Some(accuracy) = row.class_incremental_accuracy {
                put(&mut read.class_incremental, place, accuracy);
            }
            if let Some(accuracy) = row.task_incremental_accuracy {
                put(&mut read.task_incremental, place, accuracy);
            }
        })?;
        Ok(read)
    }

    /// The first entry (i, j) that a run of so many tasks has and this one lacks. A run without any has no
    /// matrix and lacks none.
    #[must_use]
    pub fn lacking(&self, tasks: usize) -> Option<(usize, usize)> {
        if self.own.is_empty() {
            return None;
        }
        let known = |i: usize, j: usize| self.own.get(i).is_some_and(|row| row.len() > j && row[j].is_some());
        (0..tasks).flat_map(|i| (0..=i).map(move |j| (i, j))).find(|&(i, j)| !known(i, j))
    }

    /// Figures by the name of their metric.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let figures = [
            ("average_accuracy", average_accuracy(&self.own)),
            ("forgetting", forgetting(&self.own)),
            ("backward_transfer", backward_transfer(&self.own)),
            ("one_step_backward_transfer", one_step_backward_transfer(&self.own)),
            ("class_incremental_accuracy", average_accuracy(&self.class_incremental)),
            ("class_incremental_forgetting", forgetting(&self.class_incremental)),
            ("class_incremental_backward_transfer", backward_transfer(&self.class_incremental)),
            (
                "class_incremental_one_step_backward_transfer",
                one_step_backward_transfer(&self.class_incremental),
            ),
            ("task_incremental_accuracy", average_accuracy(&self.task_incremental)),
            ("task_incremental_forgetting", forgetting(&self.task_incremental)),
            ("task_incremental_backward_transfer", backward_transfer(&self.task_incremental)),
            (
                "task_incremental_one_step_backward_transfer",
                one_step_backward_transfer(&self.task_incremental),
            ),
        ];
        figures.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

fn put(matrix: &mut Matrix, (i, j): (usize, usize), accuracy: f64) {
    if matrix.len() <= i {
        matrix.resize(i + 1, Vec::new());
    }
    if matrix[i].len() <= j {
        matrix[i].resize(j + 1, None);
    }
    matrix[i][j] = accuracy.is_finite().then_some(accuracy);
}

fn at(matrix: &[Vec<Option<f64>>], i: usize, j: usize) -> Option<f64> {
    *matrix.get(i)?.get(j)?
}

/// `mean_j A[K][j]`
#[must_use]
pub fn average_accuracy(matrix: &[Vec<Option<f64>>]) -> Option<f64> {
    let k = matrix.len().checked_sub(1)?;
    mean((0..=k).map(|j| at(matrix, k, j)))
}

/// `1/(K-1) Σ_{j<K} (A[K][j] - A[j][j])`
#[must_use]
pub fn backward_transfer(matrix: &[Vec<Option<f64>>]) -> Option<f64> {
    let k = matrix.len().checked_sub(1)?;
    mean((0..k).map(|j| Some(at(matrix, k, j)? - at(matrix, j, j)?)))
}

/// `1/(K-1) Σ_{j<K} (A[j+1][j] - A[j][j])`: what the next task alone does to each.
#[must_use]
pub fn one_step_backward_transfer(matrix: &[Vec<Option<f64>>]) -> Option<f64> {
    let k = matrix.len().checked_sub(1)?;
    mean((0..k).map(|j| Some(at(matrix, j + 1, j)? - at(matrix, j, j)?)))
}

/// `1/(K-1) Σ_{j<K} max_{i<K} (A[i][j] - A[K][j])`
#[must_use]
pub fn forgetting(matrix: &[Vec<Option<f64>>]) -> Option<f64> {
    let k = matrix.len().checked_sub(1)?;
    let best = |j| (0..k).filter_map(|i| at(matrix, i, j)).reduce(f64::max);
    mean((0..k).map(|j| Some(best(j)? - at(matrix, k, j)?)))
}

/// `None` where any value is: a mean over the tasks that happen to be there would say something else.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    Mean::of(values.collect::<Option<Vec<f64>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Row;

    fn matrix() -> Matrix {
        vec![vec![Some(0.9)], vec![Some(0.7), Some(0.8)], vec![Some(0.6), Some(0.85), Some(0.95)]]
    }

    #[test]
    fn figures_follow_their_definitions() {
        let close =
            |ours: Option<f64>, known: f64| assert!((ours.unwrap() - known).abs() < 1e-12, "{ours:?}");
        close(average_accuracy(&matrix()), 0.8);
        close(backward_transfer(&matrix()), -0.125);
        close(one_step_backward_transfer(&matrix()), -0.075);
        close(forgetting(&matrix()), (0.3 - 0.05) / 2.0);
        assert_eq!(forgetting(&[]), None);
        let torn = [vec![Some(0.9)], vec![None, Some(0.5)]];
        assert_eq!(average_accuracy(&torn), None);
    }

    #[test]
    fn an_entry_that_is_not_there_or_there_twice_is_found() {
        let whole = Retention { own: matrix(), ..Retention::default() };
        assert_eq!(whole.lacking(3), None);
        assert_eq!(whole.lacking(4), Some((3, 0)));
        assert_eq!(Retention::default().lacking(3), None);
        let folder = tempfile::tempdir().unwrap();
        let row = "r,0,0,0.5,1,0.25,0.75\n";
        let header = "run,trained_through,evaluated,accuracy,loss,class_incremental_accuracy,\
                      task_incremental_accuracy\n";
        let write = |rows: &str| std::fs::write(folder.path().join(RetentionRow::FILE), rows).unwrap();
        write(&format!("{header}{row}"));
        let once = Retention::read(folder.path()).unwrap();
        assert_eq!((&once.own, once.doubled), (&vec![vec![Some(0.5)]], false));
        assert_eq!(once.class_incremental, [[Some(0.25)]]);
        assert_eq!(once.task_incremental, [[Some(0.75)]]);
        write(&format!("{header}{row}{row}"));
        assert!(Retention::read(folder.path()).unwrap().doubled);
    }
}

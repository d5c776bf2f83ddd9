//! The accuracy matrix and what is read off it (definitions: metrics over a task).

use std::path::Path;

use super::each_row;
use super::mean::Mean;
use crate::record::{RecordError, RetentionRow};

/// `A[i][j]`: accuracy on task j after task i.
type Matrix = Vec<Vec<Option<f64>>>;

/// The accuracy matrix of a run, twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retention {
    /// By the run's own head; rows of growing length.
    pub matrix: Matrix,
    /// By the choice among task j's classes alone; empty where the run's head makes that choice already.
    pub within: Matrix,
}

impl Retention {
    /// Reads the matrix of the run in `folder`, empty where it has none.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let mut read = Self::default();
        each_row(folder, |row: RetentionRow| {
            let at = (row.trained_through, row.evaluated);
            put(&mut read.matrix, at, row.accuracy);
            if let Some(accuracy) = row.task_incremental_accuracy {
                put(&mut read.within, at, accuracy);
            }
        })?;
        if read.within == read.matrix {
            read.within.clear();
        }
        Ok(read)
    }

    /// Figures by the name of their metric.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        let figures = [
            ("average_accuracy", average_accuracy(&self.matrix)),
            ("forgetting", forgetting(&self.matrix)),
            ("backward_transfer", backward_transfer(&self.matrix)),
            ("average_accuracy_within", average_accuracy(&self.within)),
            ("forgetting_within", forgetting(&self.within)),
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

    #[test]
    fn figures_follow_their_definitions() {
        let matrix =
            vec![vec![Some(0.9)], vec![Some(0.7), Some(0.8)], vec![Some(0.6), Some(0.85), Some(0.95)]];
        let close =
            |ours: Option<f64>, known: f64| assert!((ours.unwrap() - known).abs() < 1e-12, "{ours:?}");
        close(average_accuracy(&matrix), 0.8);
        close(backward_transfer(&matrix), -0.125);
        close(forgetting(&matrix), (0.3 - 0.05) / 2.0);
        assert_eq!(forgetting(&[]), None);
        let torn = [vec![Some(0.9)], vec![None, Some(0.5)]];
        assert_eq!(average_accuracy(&torn), None);
    }
}

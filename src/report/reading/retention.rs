//! The accuracy matrix and what is read off it (definitions: metrics over a task).

use std::path::Path;

use super::each_row;
use crate::record::{RecordError, RetentionRow};

/// `A[i][j]`: accuracy on task j after task i.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retention {
    /// Rows of growing length.
    pub matrix: Vec<Vec<Option<f64>>>,
}

impl Retention {
    /// Reads the matrix of the run in `folder`, empty where it has none.
    pub fn read(folder: &Path) -> Result<Self, RecordError> {
        let mut matrix: Vec<Vec<Option<f64>>> = Vec::new();
        each_row(folder, |row: RetentionRow| {
            if matrix.len() <= row.trained_through {
                matrix.resize(row.trained_through + 1, Vec::new());
            }
            let line = &mut matrix[row.trained_through];
            if line.len() <= row.evaluated {
                line.resize(row.evaluated + 1, None);
            }
            line[row.evaluated] = row.accuracy.is_finite().then_some(row.accuracy);
        })?;
        Ok(Self { matrix })
    }

    fn at(&self, i: usize, j: usize) -> Option<f64> {
        *self.matrix.get(i)?.get(j)?
    }

    /// `mean_j A[K][j]`
    #[must_use]
    pub fn average_accuracy(&self) -> Option<f64> {
        let k = self.matrix.len().checked_sub(1)?;
        mean((0..=k).map(|j| self.at(k, j)))
    }

    /// `1/(K-1) Σ_{j<K} (A[K][j] - A[j][j])`
    #[must_use]
    pub fn backward_transfer(&self) -> Option<f64> {
        let k = self.matrix.len().checked_sub(1)?;
        mean((0..k).map(|j| Some(self.at(k, j)? - self.at(j, j)?)))
    }

    /// `1/(K-1) Σ_{j<K} max_{i<K} (A[i][j] - A[K][j])`
    #[must_use]
    pub fn forgetting(&self) -> Option<f64> {
        let k = self.matrix.len().checked_sub(1)?;
        let best = |j| (0..k).filter_map(|i| self.at(i, j)).reduce(f64::max);
        mean((0..k).map(|j| Some(best(j)? - self.at(k, j)?)))
    }
}

/// `None` where any value is: a mean over the tasks that happen to be there would say something else.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    crate::report::statistics::mean(&values.collect::<Option<Vec<f64>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_their_definitions() {
        let matrix =
            vec![vec![Some(0.9)], vec![Some(0.7), Some(0.8)], vec![Some(0.6), Some(0.85), Some(0.95)]];
        let retention = Retention { matrix };
        let close =
            |ours: Option<f64>, known: f64| assert!((ours.unwrap() - known).abs() < 1e-12, "{ours:?}");
        close(retention.average_accuracy(), 0.8);
        close(retention.backward_transfer(), -0.125);
        close(retention.forgetting(), (0.3 - 0.05) / 2.0);
        assert_eq!(Retention::default().forgetting(), None);
        let torn = Retention { matrix: vec![vec![Some(0.9)], vec![None, Some(0.5)]] };
        assert_eq!(torn.average_accuracy(), None);
    }
}

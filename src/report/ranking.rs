//! Which variants of a benchmark come first. All seeds count: a run that diverged is one of the worst value
//! of the metric, so a variant does not win by its survivors.

use super::metric::{Metric, headline};
use crate::results::{Cell, Mean, Results};

/// Mean of a variant's metric on a scale on which more is better; `None` where no run has it and none
/// diverged.
#[must_use]
pub fn score(cell: &Cell, metric: &Metric) -> Option<f64> {
    Mean::of(all_seeds(cell, metric)).map(|mean| metric.signed(mean))
}

/// A metric's values of a variant: of the finished runs, and the worst for each that diverged.
#[must_use]
pub fn all_seeds(cell: &Cell, metric: &Metric) -> Vec<f64> {
    let mut values: Vec<f64> = cell.metric(metric.name).into_values().collect();
    values.extend(std::iter::repeat_n(metric.worst, cell.tally().diverged));
    values
}

/// The best variant of a benchmark by its headline, among those that have a finished run.
#[must_use]
pub fn best(results: &Results, benchmark: usize) -> Option<&Cell> {
    let name = headline(results, benchmark).name;
    best_first(results, benchmark).into_iter().find(|cell| !cell.metric(name).is_empty())
}

/// A benchmark's variants, the best first; of equal ones the first that was met.
#[must_use]
pub fn best_first(results: &Results, benchmark: usize) -> Vec<&Cell> {
    let metric = headline(results, benchmark);
    let score = |cell| score(cell, metric).unwrap_or(f64::NEG_INFINITY);
    let mut cells: Vec<(f64, &Cell)> = results.of(benchmark).map(|cell| (score(cell), cell)).collect();
    cells.sort_by(|a, b| b.0.total_cmp(&a.0));
    cells.into_iter().map(|(_, cell)| cell).collect()
}

/// Variants that are shown of a benchmark.
#[derive(Debug)]
pub struct Shown<'a> {
    /// In the order in which they were met; of more than can be shown the best, the best first.
    pub cells: Vec<&'a Cell>,
    /// How many more there are.
    pub left_out: usize,
}

impl<'a> Shown<'a> {
    /// At most `most` variants.
    #[must_use]
    pub fn of(results: &'a Results, benchmark: usize, most: usize) -> Self {
        let count = results.of(benchmark).count();
        if count <= most {
            return Self { cells: results.of(benchmark).collect(), left_out: 0 };
        }
        let mut cells = best_first(results, benchmark);
        cells.truncate(most);
        Self { cells, left_out: count - most }
    }

    /// What a reader has to know of those that are left out; empty where none is.
    #[must_use]
    pub fn note(&self) -> String {
        if self.left_out == 0 {
            return String::new();
        }
        let shown = self.cells.len();
        format!("The best {shown} of {} variants; all of them are in tables.csv.", shown + self.left_out)
    }
}

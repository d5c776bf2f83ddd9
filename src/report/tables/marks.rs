//! Which figures of a column are best, and which cannot be told from it.

use super::{Cell, Mark};
use crate::report::metric::Metric;
use crate::report::ranking::all_seeds;
use crate::report::statistics::{Bootstrap, Estimate, Interval};
use crate::results;

/// A variant's figure in one column.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figure {
    /// Of the finished runs: what is shown.
    pub shown: Option<Estimate>,
    /// Of all seeds, those that diverged counting as the worst value: what is ranked.
    pub ranked: Option<Estimate>,
    /// Seeds that the variant has.
    pub seeds: usize,
}

impl Figure {
    /// A metric of a variant on its benchmark.
    pub fn of(cell: &results::Cell, metric: &Metric) -> Self {
        let values = cell.metric(metric.name).into_values().collect();
        Self::over(&[values], &[all_seeds(cell, metric)], cell.tally().runs())
    }

    /// The same over several benchmarks, whose seeds are resampled apart.
    pub fn over(finished: &[Vec<f64>], all: &[Vec<f64>], seeds: usize) -> Self {
        let shown = Bootstrap::TABLES.estimate(finished);
        let ranked = if finished == all {
            shown
        } else if all.iter().flatten().all(|value| value.is_finite()) {
            Bootstrap::TABLES.estimate(all)
        } else {
            None
        };
        Self { shown, ranked, seeds }
    }
}

/// The cells of a column.
pub fn column(figures: &[Figure], metric: &Metric, of: fn(Estimate) -> Interval) -> Vec<Cell> {
    let ranked: Vec<Option<Interval>> =
        figures.iter().map(|figure| figure.shown.and(figure.ranked).map(of)).collect();
    let best = ranked.iter().flatten().copied();
    let best = best.max_by(|a, b| metric.signed(a.value).total_cmp(&metric.signed(b.value)));
    let several = figures.iter().filter(|figure| figure.shown.is_some()).count() > 1;
    let mark = |ranked: Option<Interval>| match (ranked, best) {
        (Some(ours), Some(best)) if several && ours.value == best.value => Mark::Best,
        (Some(ours), Some(best)) if several && ours.low <= best.high && best.low <= ours.high => Mark::Tie,
        _ => Mark::Plain,
    };
    let cell = |(figure, ranked): (&Figure, Option<Interval>)| {
        figure.shown.map_or(Cell::Empty, |estimate| Cell::Figure {
            interval: of(estimate),
            mark: mark(ranked),
            n: estimate.n,
            seeds: figure.seeds,
        })
    };
    figures.iter().zip(ranked).map(cell).collect()
}

/// What tells how to read the figures of `rows`, which are `what`.
pub fn notes(what: &str, metric: &Metric, rows: &[Vec<Cell>]) -> Vec<String> {
    let has = |of: fn(&Cell) -> bool| rows.iter().flatten().any(of);
    let mut notes = vec![format!(
        "{what} over seeds with its 95 % interval (percentile bootstrap, {} resamples, seed {}).",
        Bootstrap::TABLES.resamples,
        Bootstrap::TABLES.seed
    )];
    if has(|cell| matches!(cell, Cell::Figure { mark: Mark::Best, .. })) {
        notes.push("Bold is best; ~ marks those whose interval overlaps the best one's.".into());
    }
    if has(|cell| matches!(cell, Cell::Figure { n, seeds, .. } if n < seeds)) {
        notes.push(format!(
            "n=…: the figure is of so many of the seeds; the others diverged, failed, have not ended, are \
             damaged or lack it. Which is best, and which cannot be told from it, is decided over all seeds: \
             a run that diverged counts as the worst value that there is ({}).",
            if metric.worst.is_finite() {
                format!("{} {}", metric.title, metric.worst)
            } else {
                format!("{}: worse than any", metric.title)
            }
        ));
    }
    notes
}

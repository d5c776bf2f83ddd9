//! Every variant of a benchmark against its best: P(X > Y), and the mean difference over shared seeds.

use std::collections::BTreeMap;

use super::{Cell, Mark, Rank, Table};
use crate::report::metric::{Metric, headline};
use crate::report::ranking::{Shown, best};
use crate::report::statistics::{Bootstrap, Interval, paired_differences, probability_of_improvement};
use crate::results::{self, Results};

/// Variants of a table at most.
const ROWS: usize = 100;

/// The table of a benchmark; `None` where there is nothing to compare.
#[must_use]
pub fn table(results: &Results, benchmark: usize) -> Option<Table> {
    let metric = headline(results, benchmark);
    let best = best(results, benchmark)?;
    let theirs = best.metric(metric.name);
    let shown = Shown::of(results, benchmark, ROWS);
    let rows: Vec<Vec<Cell>> = shown
        .cells
        .iter()
        .filter(|cell| cell.variant != best.variant)
        .map(|cell| {
            let ours = cell.metric(metric.name);
            let (x, y) = (ordered(cell, metric, &ours), ordered(best, metric, &theirs));
            let chance = probability_of_improvement(std::slice::from_ref(&x), &[y], Bootstrap::TABLES);
            let difference = paired_differences(&ours, &theirs, Bootstrap::TABLES);
            let plain = |interval: Option<Interval>, n| {
                interval.map_or(Cell::Empty, |interval| Cell::Figure {
                    interval,
                    mark: Mark::Plain,
                    n,
                    seeds: cell.tally().runs(),
                })
            };
            let shared = difference.map_or(0, |difference| difference.n);
            vec![
                Cell::Text(results.variants[cell.variant].clone()),
                plain(chance, x.len()),
                plain(difference.map(|difference| difference.mean), shared),
                Cell::Count(shared),
            ]
        })
        .collect();
    let label = &results.variants[best.variant];
    let mut notes = vec![
        format!(
            "Against {label}, which has the best {} over all its seeds. P(better): the chance that a seed of \
             the variant is better than one of {label}; a tie counts one half, and a run that diverged loses \
             against every one that did not.",
            metric.title
        ),
        "The difference is over the seeds that both have finished, by which what seeds share cancels.".into(),
    ];
    notes.extend(Some(shown.note()).filter(|note| !note.is_empty()));
    let header = ["variant", "P(better)", "difference over shared seeds", "shared seeds"];
    let title = format!("{}: against {label}", results.benchmarks[benchmark]);
    (!rows.is_empty()).then(|| Table {
        title,
        benchmark: Some(benchmark),
        rank: Rank::Comparison,
        notes,
        metrics: Vec::new(),
        header: header.map(str::to_owned).to_vec(),
        rows,
        brief: Vec::new(),
    })
}

/// The values on a scale on which more is better, with a loss against everything for each diverged run:
/// P(better) asks for the order alone.
fn ordered(cell: &results::Cell, metric: &Metric, values: &BTreeMap<u64, f64>) -> Vec<f64> {
    let mut ordered: Vec<f64> = values.values().map(|&value| metric.signed(value)).collect();
    ordered.extend(std::iter::repeat_n(f64::NEG_INFINITY, cell.tally().diverged));
    ordered
}

//! Variants × benchmarks in interquartile means of the headline, and all benchmarks together.

use super::marks::{Figure, column, notes};
use super::{Cell, Rank, Table};
use crate::report::metric::{METRICS, Metric, headline};
use crate::report::ranking::{all_seeds, score};
use crate::results::{Mean, Results};

/// Variants of a table at most.
const ROWS: usize = 100;

/// A table for each headline that several benchmarks share.
#[must_use]
pub fn tables(results: &Results) -> Vec<Table> {
    let headlines: Vec<&Metric> = (0..results.benchmarks.len()).map(|b| headline(results, b)).collect();
    let sharing = |metric: &Metric| -> Vec<usize> {
        (0..headlines.len()).filter(|&benchmark| headlines[benchmark] == metric).collect()
    };
    METRICS
        .iter()
        .map(|metric| (metric, sharing(metric)))
        .filter(|(_, benchmarks)| benchmarks.len() > 1)
        .map(|(metric, benchmarks)| table(results, metric, &benchmarks))
        .collect()
}

fn table(results: &Results, metric: &'static Metric, benchmarks: &[usize]) -> Table {
    let (variants, left_out) = variants(results, metric, benchmarks);
    let mut header = vec!["variant".to_owned()];
    header.extend(benchmarks.iter().map(|&benchmark| heading(results, benchmark, benchmarks).to_owned()));
    let mut rows: Vec<Vec<Cell>> =
        variants.iter().map(|&variant| vec![Cell::Text(results.variants[variant].clone())]).collect();
    let mut add = |figures: &[Figure]| {
        let cells = column(figures, metric, |estimate| estimate.iqm);
        rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    };
    for &benchmark in benchmarks {
        let figure = |&variant: &usize| {
            results.cell(benchmark, variant).map(|cell| Figure::of(cell, metric)).unwrap_or_default()
        };
        add(&variants.iter().map(figure).collect::<Vec<_>>());
    }
    // Over a part of the benchmarks a mean would compare what is not comparable.
    let together = |&variant: &usize| {
        let cells: Option<Vec<_>> = benchmarks.iter().map(|&b| results.cell(b, variant)).collect();
        let Some(cells) = cells else { return Figure::default() };
        let values = |cell: &&crate::results::Cell| cell.metric(metric.name).into_values().collect();
        let finished: Vec<Vec<f64>> = cells.iter().map(values).collect();
        if finished.iter().any(Vec::is_empty) {
            return Figure::default();
        }
        let all: Vec<Vec<f64>> = cells.iter().map(|cell| all_seeds(cell, metric)).collect();
        Figure::over(&finished, &all, cells.iter().map(|cell| cell.tally().runs()).sum())
    };
    let figures: Vec<Figure> = variants.iter().map(together).collect();
    if figures.iter().any(|figure| figure.shown.is_some()) {
        header.push("all benchmarks".to_owned());
        add(&figures);
    }
    let tallies: Vec<(usize, usize)> = variants
        .iter()
        .map(|&variant| {
            let cells = benchmarks.iter().filter_map(|&benchmark| results.cell(benchmark, variant));
            let tallies = cells.map(crate::results::Cell::tally);
            tallies.fold((0, 0), |(diverged, runs), tally| (diverged + tally.diverged, runs + tally.runs()))
        })
        .collect();
    if tallies.iter().any(|(diverged, _)| *diverged > 0) {
        header.push("diverged".to_owned());
        for (row, (diverged, runs)) in rows.iter_mut().zip(tallies) {
            row.push(Cell::Text(format!("{diverged} of {runs}")));
        }
    }
    let what = format!("{}: interquartile mean", metric.title);
    let mut notes = notes(&what, metric, &rows);
    if left_out > 0 {
        let all = left_out + variants.len();
        notes.push(format!("The best {} of {all} variants; all of them are in tables.csv.", variants.len()));
    }
    Table {
        title: format!("All benchmarks: {}", metric.title),
        benchmark: None,
        rank: Rank::Headline,
        notes,
        metrics: vec![metric],
        brief: (0..header.len()).collect(),
        header,
        rows,
    }
}

/// What a benchmark's column is called: where all are of one spec, by what tells them apart alone.
fn heading<'a>(results: &'a Results, benchmark: usize, all: &[usize]) -> &'a str {
    let spec = |benchmark: usize| results.of(benchmark).next().map(|cell| cell.plan().name.as_str());
    let label = &results.benchmarks[benchmark];
    match spec(benchmark) {
        Some(name) if all.iter().all(|&other| spec(other) == Some(name)) => {
            let own = label.strip_prefix(name).map_or("", str::trim_start);
            if own.is_empty() { label } else { own }
        }
        _ => label,
    }
}

/// The variants in their order, or the best of more than can be shown; and how many
/// are left out.
fn variants(results: &Results, metric: &Metric, benchmarks: &[usize]) -> (Vec<usize>, usize) {
    let count = results.variants.len();
    let mut variants: Vec<usize> = (0..count)
        .filter(|&variant| benchmarks.iter().any(|&benchmark| results.cell(benchmark, variant).is_some()))
        .collect();
    let left_out = variants.len().saturating_sub(ROWS);
    if left_out > 0 {
        let mean = |variant: usize| {
            let cells = benchmarks.iter().filter_map(|&benchmark| results.cell(benchmark, variant));
            Mean::of(cells.filter_map(|cell| score(cell, metric))).unwrap_or(f64::NEG_INFINITY)
        };
        let mut scored: Vec<(f64, usize)> = variants.into_iter().map(|v| (mean(v), v)).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        variants = scored.into_iter().take(ROWS).map(|(_, variant)| variant).collect();
    }
    (variants, left_out)
}

//! One table a benchmark: a row a variant, a column a metric.

use super::marks::{Figure, column, notes};
use super::{Cell, Rank, Table};
use crate::report::metric::{METRICS, Metric, headline, named};
use crate::report::ranking::Shown;
use crate::report::statistics::{Estimate, Interval};
use crate::results::{self, Results, Tally};

/// Variants of a table at most.
const ROWS: usize = 100;

/// The table of a benchmark.
#[must_use]
pub fn table(results: &Results, benchmark: usize) -> Table {
    let metric = headline(results, benchmark);
    let shown = Shown::of(results, benchmark, ROWS);
    let mut table = Builder::new(results, &shown.cells);
    table.add(metric, metric.title, |estimate| estimate.mean);
    table.brief = (0..table.header.len()).collect();
    table.add(metric, "interquartile mean", |estimate| estimate.iqm);
    table.add(metric, "median", |estimate| estimate.median);
    for other in METRICS.iter().filter(|other| *other != metric) {
        table.add(other, other.title, |estimate| estimate.mean);
    }
    // Beside an agent's score its plain return, and how far its values are off.
    let beside = ["evaluation_return", "q_bias"].into_iter().filter_map(named).map(|metric| metric.title);
    let column = |title: &str| table.header.iter().position(|head| head == title);
    let beside: Vec<usize> = beside.filter_map(column).filter(|index| !table.brief.contains(index)).collect();
    table.brief.extend(beside);
    let mut notes = notes("Mean", metric, &table.rows);
    notes.extend(Some(shown.note()).filter(|note| !note.is_empty()));
    notes.extend(scored(&shown.cells));
    if !table.same.is_empty() {
        let same: Vec<String> = table.same.iter().map(|(title, as_)| format!("{title} = {as_}")).collect();
        notes.push(format!("The same for every variant, and shown once: {}.", same.join("; ")));
    }
    if table.header.iter().any(|head| head == "forgetting") {
        notes.push(
            "A variant that has learned little has little to forget: read forgetting beside accuracy.".into(),
        );
    }
    Table {
        title: results.benchmarks[benchmark].clone(),
        benchmark: Some(benchmark),
        rank: Rank::Headline,
        notes,
        metrics: table.metrics,
        header: table.header,
        rows: table.rows,
        brief: table.brief,
    }
}

/// How many of the tasks count, where not all do.
fn scored(cells: &[&results::Cell]) -> Option<String> {
    let run = cells.iter().flat_map(|cell| cell.done()).find(|run| run.scored < run.tasks)?;
    Some(format!(
        "Figures are of the scored tasks, {} of {}: column `scored` of tasks.csv names them.",
        run.scored, run.tasks
    ))
}

struct Builder<'a> {
    cells: &'a [&'a results::Cell],
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
    metrics: Vec<&'static Metric>,
    brief: Vec<usize>,
    /// Columns that are as another throughout, with its heading.
    same: Vec<(String, String)>,
    /// Where the columns of figures begin.
    first: usize,
    /// What each of these is an estimate of.
    kinds: Vec<&'static str>,
}

/// What a metric is of, whichever classes the answer is taken among and whatever the estimate: columns of
/// one kind can be the same throughout, others are so by chance.
fn kind(metric: &Metric) -> &'static str {
    let whole = metric.name;
    let name = whole.strip_prefix("class_incremental_").or(whole.strip_prefix("task_incremental_"));
    match name.unwrap_or(whole) {
        "accuracy" => "average_accuracy",
        name => name,
    }
}

impl<'a> Builder<'a> {
    /// With the counts of the runs; those that all variants have none of are left out.
    fn new(results: &Results, cells: &'a [&'a results::Cell]) -> Self {
        type Count = (&'static str, fn(Tally) -> usize);
        let counts: [Count; 5] = [
            ("seeds", Tally::runs),
            ("diverged", |tally| tally.diverged),
            ("failed", |tally| tally.failed),
            ("unfinished", |tally| tally.unfinished),
            ("damaged", |tally| tally.damaged),
        ];
        let shown: Vec<Count> = counts
            .into_iter()
            .filter(|(name, of)| {
                ["seeds", "diverged", "failed"].contains(name) || cells.iter().any(|c| of(c.tally()) > 0)
            })
            .collect();
        let mut header = vec!["variant".to_owned()];
        header.extend(shown.iter().map(|(name, _)| (*name).to_owned()));
        let row = |cell: &&results::Cell| {
            let mut row = vec![Cell::Text(results.variants[cell.variant].clone())];
            row.extend(shown.iter().map(|(_, of)| Cell::Count(of(cell.tally()))));
            row
        };
        let rows = cells.iter().map(row).collect();
        let first = header.len();
        Self {
            cells,
            header,
            rows,
            metrics: Vec::new(),
            brief: Vec::new(),
            same: Vec::new(),
            first,
            kinds: Vec::new(),
        }
    }

    /// Adds a column, unless no run has the metric or another column of its kind has the same cells.
    fn add(&mut self, metric: &'static Metric, title: &str, of: fn(Estimate) -> Interval) {
        let figures: Vec<Figure> = self.cells.iter().map(|cell| Figure::of(cell, metric)).collect();
        if figures.iter().all(|figure| figure.shown.is_none()) {
            return;
        }
        let cells = column(&figures, metric, of);
        let is_same = |&index: &usize| {
            self.kinds[index - self.first] == kind(metric)
                && self.rows.iter().zip(&cells).all(|(row, cell)| row[index] == *cell)
        };
        if !self.metrics.contains(&metric) {
            self.metrics.push(metric);
        }
        if let Some(index) = (self.first..self.header.len()).find(is_same) {
            self.same.push((title.to_owned(), self.header[index].clone()));
            return;
        }
        self.header.push(title.to_owned());
        self.kinds.push(kind(metric));
        self.rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
    }
}

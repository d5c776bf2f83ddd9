//! Ours beside what others published.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::metric::METRICS;
use super::reading::{Cell as Group, Results};
use super::statistics::{Bootstrap, Estimate, Interval};
use super::tables::{Cell, Mark, Table};
use crate::spec::{Length, Value};

/// A published figure: a line of benchmarks/published.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct Published {
    /// Paper and table or figure.
    pub source: String,
    /// Name of the suite's spec for the protocol.
    pub benchmark: String,
    /// As in [`METRICS`].
    pub metric: String,
    /// Activation.
    pub activation: String,
    /// Method, or `none`.
    pub method: String,
    /// The figure.
    pub mean: f64,
    /// What the source gives as its spread, where it gives one.
    pub plus_minus: Option<f64>,
    /// Its seeds.
    pub seeds: Option<usize>,
    /// Tasks of its stream, where they are known.
    #[serde(default)]
    pub tasks: Option<usize>,
    /// Optimiser steps of each.
    #[serde(default)]
    pub steps: Option<usize>,
    /// Why another measurement may differ.
    pub note: String,
}

/// Reads the figures in `path`.
pub fn read(path: &Path) -> anyhow::Result<Vec<Published>> {
    let told = || format!("the published figures in {} could not be read", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(told)?;
    reader.deserialize().collect::<Result<_, _>>().with_context(told)
}

/// One row for every figure and every variant of ours that it is comparable with.
#[must_use]
pub fn table(results: &Results, published: &[Published]) -> Table {
    let header = [
        "benchmark",
        "variant",
        "metric",
        "source",
        "published",
        "ours",
        "seeds",
        "difference",
        "",
        "why it may differ",
    ];
    let mut rows = Vec::new();
    for theirs in published {
        for cell in results.cells.iter().filter(|cell| is_comparable(cell, theirs)) {
            let Some(metric) = METRICS.iter().find(|metric| metric.name == theirs.metric) else { continue };
            let values = cell.metric(metric.name).into_values().collect();
            let estimate = Bootstrap::TABLES.estimate(&[values]);
            let partial = cell.tally().is_partial();
            let ours = |interval| Cell::Figure { interval, mark: Mark::Plain, partial };
            let spread = theirs.plus_minus.map_or_else(String::new, |spread| format!(" ± {spread}"));
            rows.push(vec![
                Cell::Text(results.benchmarks[cell.benchmark].clone()),
                Cell::Text(results.variants[cell.variant].clone()),
                Cell::Text(metric.title.to_owned()),
                Cell::Text(theirs.source.clone()),
                Cell::Text(format!("{}{spread}", theirs.mean)),
                estimate.map_or(Cell::Empty, |e| ours(e.mean)),
                Cell::Count(estimate.map_or(0, |e| e.n)),
                Cell::Text(
                    estimate.map_or_else(String::new, |e| format!("{:+.4}", e.mean.value - theirs.mean)),
                ),
                Cell::Text(verdict(estimate, theirs).to_owned()),
                Cell::Text(reasons(cell, estimate, theirs)),
            ]);
        }
    }
    let notes = vec![
        "✓: the published figure, give or take its own ±, lies within our 95 % interval; ✗: outside; –: \
         too few of our seeds for an interval."
            .into(),
        "Figures of other protocols are not set beside ours: benchmark, activation and method have to be \
         the same, and rationals unconstrained."
            .into(),
    ];
    let header = header.map(str::to_owned).to_vec();
    Table { title: "Beside published figures".into(), notes, header, rows }
}

/// `random_labels_mnist` and `random-labels-mnist` are one.
fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    plain(a) == plain(b)
}

fn is_comparable(cell: &Group, theirs: &Published) -> bool {
    let plan = cell.plan();
    let free = match plan.activation.get("constraint") {
        Some(Value::Choice(constraint)) => constraint.name == "none",
        _ => true,
    };
    same(&plan.name, &theirs.benchmark)
        && same(&plan.activation.name, &theirs.activation)
        && same(&plan.method.name, &theirs.method)
        && free
}

fn verdict(estimate: Option<Estimate>, theirs: &Published) -> &'static str {
    let Some(Estimate { n: 2.., mean: Interval { low, high, .. }, .. }) = estimate else { return "–" };
    let spread = theirs.plus_minus.unwrap_or(0.0);
    if low <= theirs.mean + spread && theirs.mean - spread <= high { "✓" } else { "✗" }
}

fn reasons(cell: &Group, estimate: Option<Estimate>, theirs: &Published) -> String {
    let stream = &cell.plan().stream;
    let mut reasons = Vec::new();
    if let Some(tasks) = theirs.tasks.filter(|tasks| *tasks != stream.tasks) {
        reasons.push(format!("ours has {} tasks, theirs {tasks}", stream.tasks));
    }
    if let (Some(steps), Length::Steps(ours)) = (theirs.steps, stream.length)
        && steps != ours
    {
        reasons.push(format!("ours takes {ours} steps a task, theirs {steps}"));
    }
    if let (Some(seeds), Some(estimate)) = (theirs.seeds, estimate)
        && estimate.n < seeds
    {
        reasons.push(format!("{} seeds against {seeds}", estimate.n));
    }
    if !theirs.note.is_empty() {
        reasons.push(theirs.note.clone());
    }
    reasons.join("; ")
}

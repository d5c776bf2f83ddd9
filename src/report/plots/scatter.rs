//! Plasticity against what might explain it, a point a run.

use super::{Chart, LINES, Panel, Series, Style, slug};
use crate::report::ranking::Shown;
use crate::report::statistics::{pearson, spearman};
use crate::results::{Results, Run};

/// Probe and axis label.
const AGAINST: [(&str, &str); 3] = [
    ("srank", "srank"),
    ("dormant_units_0.025", "dormant share"),
    ("output_scale_rms", "output scale (RMS)"),
];

/// Online accuracy of the last task (not its loss since the first: a network that never learned anything
/// has nothing to lose) against rank, dormancy and output scale.
pub fn plasticity(results: &Results, benchmark: usize) -> Option<Chart> {
    let panels = AGAINST.iter().filter_map(|(probe, label)| {
        panel(results, benchmark, label, "last task's online accuracy", |run| {
            Some((run.last_probe(probe)?, *run.metrics.get("last_task_accuracy")?))
        })
        .map(Panel::log_x_if_wide)
    });
    let panels: Vec<Panel> = panels.collect();
    let name = &results.benchmarks[benchmark];
    (!panels.is_empty()).then(|| Chart {
        file: format!("plasticity-{}", slug(name)),
        title: format!("Plasticity against rank, dormancy and output scale: {name}"),
        caption: "A point a finished run: online accuracy of the last task against the \
                  probe at the end of the last task (srank: last layer; others: mean over all units). ρ is Spearman's rank \
                  correlation over all runs shown, r Pearson's; runs of one variant are not independent of \
                  each other, so neither is a test."
            .into(),
        benchmark: Some(benchmark),
        minor: false,
        ends: false,
        panels,
    })
}

/// Forgetting against the last task's accuracy: what retention costs in plasticity.
pub fn forgetting(results: &Results, benchmark: usize) -> Option<Chart> {
    let kinds = [
        ("forgetting", "forgetting"),
        ("class_incremental_forgetting", "class-incremental forgetting"),
        ("task_incremental_forgetting", "task-incremental forgetting"),
    ];
    let panels = kinds.into_iter().filter_map(|(metric, label)| {
        panel(results, benchmark, "last task's online accuracy", label, |run| {
            Some((*run.metrics.get("last_task_accuracy")?, *run.metrics.get(metric)?))
        })
        .map(Panel::log_x_if_wide)
    });
    let panels: Vec<Panel> = panels.collect();
    let name = &results.benchmarks[benchmark];
    (!panels.is_empty()).then(|| Chart {
        file: format!("trade-off-{}", slug(name)),
        title: format!("Forgetting against plasticity: {name}"),
        caption:
            "A point a finished run. To the right: still learns; downwards: still remembers. A run that \
                  has learned little has little to forget. Forgetting is by the run's own head; \
                  class-incremental among the classes of all tasks so far, task-incremental among those of \
                  the evaluated task."
                .into(),
        benchmark: Some(benchmark),
        minor: false,
        ends: false,
        panels,
    })
}

/// Pairs of finite figures, a point a finished run, with their correlations as the title; `None` without any.
pub(super) fn panel(
    results: &Results,
    benchmark: usize,
    x: &str,
    y: &str,
    of: impl Fn(&Run) -> Option<(f64, f64)>,
) -> Option<Panel> {
    let mut all = Vec::new();
    let series: Vec<Series> = Shown::of(results, benchmark, LINES)
        .cells
        .into_iter()
        .filter_map(|cell| {
            let points: Vec<(f64, f64)> =
                cell.done().filter_map(&of).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            all.extend_from_slice(&points);
            let label = &results.variants[cell.variant];
            (!points.is_empty()).then(|| Series::dots(label, Style::of(cell.variant), points))
        })
        .collect();
    let title = match (spearman(&all), pearson(&all)) {
        (Some(rho), Some(r)) => format!("ρ = {rho:.2}, r = {r:.2}, n = {}", all.len()),
        _ => format!("n = {}", all.len()),
    };
    (!series.is_empty()).then(|| Panel::new(&title, x, y, series))
}

//! Online accuracy over tasks.

use super::{Chart, LINES, Panel, Style, band, slug};
use crate::report::ranking::Shown;
use crate::results::Results;

/// A line a variant, with the 95 % band over seeds.
pub fn chart(results: &Results, benchmark: usize) -> Option<Chart> {
    let shown = Shown::of(results, benchmark, LINES);
    let lines: Vec<_> = shown
        .cells
        .iter()
        .filter_map(|cell| {
            let runs = cell.done().map(|run| Some(run.online.points()));
            band(&results.variants[cell.variant], Style::of(cell.variant), runs)
        })
        .collect();
    let name = &results.benchmarks[benchmark];
    (!lines.is_empty()).then(|| Chart {
        file: format!("online-accuracy-{}", slug(name)),
        title: format!("Online accuracy over tasks: {name}"),
        caption: "Mean over the finished runs' seeds with its 95 % bootstrap band. A line that falls is \
                  plasticity being lost. "
            .to_owned()
            + &shown.note(),
        benchmark: Some(benchmark),
        minor: false,
        ends: true,
        panels: vec![Panel::new("", "task", "online accuracy", lines)],
    })
}

//! Online accuracy over tasks.

use super::{Chart, LINES, Panel, Style, band, multiples, slug};
use crate::report::ranking::Shown;
use crate::results::Results;

/// A line a variant, with the 95 % band over seeds; many lines once more by constraint.
pub fn charts(results: &Results, benchmark: usize) -> Vec<Chart> {
    let shown = Shown::of(results, benchmark, LINES);
    let (mut lines, mut groups) = (Vec::new(), Vec::new());
    for cell in &shown.cells {
        let runs = cell.done().map(|run| Some(run.online.points()));
        if let Some(line) = band(&results.variants[cell.variant], Style::of(cell.variant), runs) {
            let run = cell.done().next().expect("a line is of finished runs");
            lines.push(line);
            groups.push(multiples::group(&run.plan));
        }
    }
    if lines.is_empty() {
        return Vec::new();
    }
    let name = &results.benchmarks[benchmark];
    let chart = Chart {
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
    };
    let small = multiples::by_constraint(&chart, &groups);
    std::iter::once(chart).chain(small).collect()
}

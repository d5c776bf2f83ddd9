//! Accuracy matrices: what is left of each task after each other.

use super::{Chart, Content, Panel, slug};
use crate::report::reading::{Cell, Results};

/// Larger matrices are a grey carpet; their figures are in the tables.
const MOST: usize = 100;

/// One chart for all variants that have a matrix.
pub fn charts(results: &Results, benchmark: usize) -> Option<Chart> {
    let panels: Vec<Panel> = results.of(benchmark).filter_map(|cell| panel(results, cell)).collect();
    let name = &results.benchmarks[benchmark];
    (!panels.is_empty()).then(|| Chart {
        file: format!("accuracy-matrix-{}", slug(name)),
        title: format!("Accuracy matrix: {name}"),
        caption: "Accuracy in percent on a task's test set after training through another; mean over seeds, \
                  the darker the higher."
            .into(),
        benchmark,
        minor: false,
        panels,
    })
}

fn panel(results: &Results, cell: &Cell) -> Option<Panel> {
    let matrices: Vec<_> = cell.done().map(|run| &run.retention.matrix).filter(|m| !m.is_empty()).collect();
    let rows = matrices.iter().map(|matrix| matrix.len()).max()?;
    if rows > MOST {
        return None;
    }
    let mean = |i: usize, j: usize| {
        let found: Vec<f64> = matrices.iter().filter_map(|matrix| *matrix.get(i)?.get(j)?).collect();
        crate::report::statistics::mean(&found)
    };
    let values = (0..rows).map(|i| (0..rows).map(|j| mean(i, j)).collect()).collect();
    let mut panel =
        Panel::new(&results.variants[cell.variant], "evaluated on task", "trained through", Vec::new());
    panel.content = Content::Matrix(values);
    Some(panel)
}

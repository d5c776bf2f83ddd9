//! Accuracy matrices: what is left of each task after each other.

use super::{Chart, Content, LINES, Panel, slug};
use crate::report::ranking::Shown;
use crate::results::{Cell, Mean, Results, Retention};

/// Larger matrices are a grey carpet; their figures are in the tables.
const MOST: usize = 100;

/// A chart of all variants that have a matrix for each way of choosing a class: by the run's own head, and
/// class- and task-incremental where these differ from it.
pub fn charts(results: &Results, benchmark: usize) -> Vec<Chart> {
    let own = "Accuracy in percent on a task's test set after training through another; mean over seeds, the \
               darker the higher.";
    let seen = "The same where the answer is taken among the classes of all tasks so far.";
    let within = "The same where the answer is taken among the classes of the evaluated task alone: what is \
                  still told apart when the task is known.";
    let charts = [
        ("accuracy-matrix", "Accuracy matrix", own, (|kept| &kept.own) as Of),
        (
            "accuracy-matrix-class-incremental",
            "Class-incremental accuracy matrix",
            seen,
            (|kept| &kept.class_incremental) as Of,
        ),
        (
            "accuracy-matrix-task-incremental",
            "Task-incremental accuracy matrix",
            within,
            (|kept| &kept.task_incremental) as Of,
        ),
    ];
    let name = &results.benchmarks[benchmark];
    let chart = |(file, title, caption, of): (&str, &str, &str, Of)| {
        let shown = Shown::of(results, benchmark, LINES).cells;
        let panels: Vec<Panel> = shown.into_iter().filter_map(|cell| panel(results, cell, of)).collect();
        (!panels.is_empty()).then(|| Chart {
            file: format!("{file}-{}", slug(name)),
            title: format!("{title}: {name}"),
            caption: caption.to_owned(),
            benchmark: Some(benchmark),
            minor: false,
            ends: false,
            panels,
        })
    };
    let mut drawn: Vec<Chart> = Vec::new();
    for chart in charts.into_iter().filter_map(chart) {
        // The head may make one of the other choices itself.
        if drawn.iter().all(|other| other.panels != chart.panels) {
            drawn.push(chart);
        }
    }
    drawn
}

type Of = fn(&Retention) -> &[Vec<Option<f64>>];

fn panel(results: &Results, cell: &Cell, of: Of) -> Option<Panel> {
    let matrices: Vec<_> = cell.done().map(|run| of(&run.retention)).filter(|m| !m.is_empty()).collect();
    let rows = matrices.iter().map(|matrix| matrix.len()).max()?;
    if rows > MOST {
        return None;
    }
    let mean = |i: usize, j: usize| {
        let found = matrices.iter().filter_map(|matrix| *matrix.get(i)?.get(j)?);
        Mean::of(found)
    };
    let values = (0..rows).map(|i| (0..rows).map(|j| mean(i, j)).collect()).collect();
    let mut panel =
        Panel::new(&results.variants[cell.variant], "evaluated on task", "trained through", Vec::new());
    panel.content = Content::Matrix(values);
    Some(panel)
}

//! Learned activations: the curves themselves, and their tails over tasks.

use std::collections::BTreeSet;

use super::{Chart, LINES, Panel, Series, Style, band, slug};
use crate::report::ranking::Shown;
use crate::results::{Cell, Results};

/// Half the width of the drawn curves: beyond the [-3, 3] of the fits, where tails show.
const REACH: f64 = 6.0;
const POINTS: i32 = 120;

/// A chart a variant with trained curves: the run of its lowest finished seed, a panel a layer.
pub fn charts(results: &Results, benchmark: usize) -> Vec<Chart> {
    Shown::of(results, benchmark, LINES).cells.into_iter().filter_map(|cell| chart(results, cell)).collect()
}

fn chart(results: &Results, cell: &Cell) -> Option<Chart> {
    let run = cell.done().find(|run| !run.shapes.is_empty())?;
    let tasks = run.plan.tasks().max(1) as f64;
    let panel = |(layer, learned): (&String, &crate::results::Shapes)| {
        let curve = |(marker, snapshot): (usize, &crate::results::Snapshot)| {
            let xs = (-POINTS..=POINTS).map(|i| REACH * f64::from(i) / f64::from(POINTS));
            let points = xs.map(|x| (x, snapshot.value(x))).filter(|(_, y)| y.is_finite()).collect();
            let label = match snapshot.after {
                0 => "start".to_owned(),
                1 => "after 1 task".to_owned(),
                n => format!("after {n} tasks"),
            };
            let dash = Style::of(usize::from(snapshot.after == 0)).dash;
            let colour = Style::moment(snapshot.after as f64 / tasks);
            Series::line(&label, Style { colour, dash, marker }, points)
        };
        Panel::new(layer, "x", "y(x)", learned.snapshots.iter().enumerate().map(curve).collect())
    };
    let (name, label) = (&results.benchmarks[cell.benchmark], &results.variants[cell.variant]);
    Some(Chart {
        file: format!("shapes-{}-{}", slug(label), slug(name)),
        title: format!("Learned activation: {label}, {name}"),
        caption: format!(
            "Seed {}, the first set of each layer's coefficients, dashed at the start, from orange to \
             blue over the tasks.",
            run.plan.seed
        ),
        benchmark: Some(cell.benchmark),
        minor: false,
        ends: false,
        panels: run.shapes.iter().map(panel).collect(),
    })
}

/// Slope of the tails over tasks, a panel a layer.
pub fn tails(results: &Results, benchmark: usize) -> Option<Chart> {
    let shown = Shown::of(results, benchmark, LINES);
    let runs = shown.cells.iter().flat_map(|cell| cell.done());
    let layers: BTreeSet<&str> = runs.flat_map(|run| run.shapes.keys().map(String::as_str)).collect();
    let panel = |layer: &str| {
        let lines: Vec<Series> = shown
            .cells
            .iter()
            .filter_map(|cell| {
                let runs = cell.done().map(|run| Some(run.shapes.get(layer)?.tail_slope.points()));
                band(&results.variants[cell.variant], Style::of(cell.variant), runs)
            })
            .collect();
        (!lines.is_empty()).then(|| Panel::new(layer, "task", "tail slope", lines).log_y_if_wide())
    };
    let panels: Vec<Panel> = layers.into_iter().filter_map(panel).collect();
    let name = &results.benchmarks[benchmark];
    (!panels.is_empty()).then(|| Chart {
        file: format!("tails-{}", slug(name)),
        title: format!("Tail slopes of learned activations: {name}"),
        caption:
            "lim |y(x)/x| at the end of each task, the steepest set of a layer; mean over seeds with its \
                  95 % band. This is how an unconstrained rational scales its output."
                .into(),
        benchmark: Some(benchmark),
        minor: false,
        ends: false,
        panels,
    })
}

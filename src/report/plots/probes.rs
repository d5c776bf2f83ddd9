//! Probes over tasks, a panel a layer.

use std::collections::BTreeSet;

use super::{Chart, LINES, Panel, Series, Style, band, slug};
use crate::report::ranking::Shown;
use crate::results::Results;

/// The probes that the page opens with: rank, dormancy, and what the constraints bound.
const MAJOR: [&str; 5] =
    ["srank", "dormant_units_0.025", "output_scale_rms", "output_scale_steepest", "output_scale_tail_slope"];

/// A chart a probe, the major ones first.
pub fn charts(results: &Results, benchmark: usize) -> Vec<Chart> {
    let shown = Shown::of(results, benchmark, LINES);
    let runs = || shown.cells.iter().flat_map(|cell| cell.done());
    let found: BTreeSet<&str> = runs().flat_map(|run| run.probes.series.keys().map(String::as_str)).collect();
    let major = MAJOR.into_iter().filter(|probe| found.contains(probe));
    let minor = found.iter().copied().filter(|probe| !MAJOR.contains(probe));
    major.chain(minor).filter_map(|probe| chart(results, benchmark, &shown, probe)).collect()
}

fn chart(results: &Results, benchmark: usize, shown: &Shown<'_>, probe: &str) -> Option<Chart> {
    let runs = shown.cells.iter().flat_map(|cell| cell.done());
    let layers: BTreeSet<&str> = runs
        .filter_map(|run| run.probes.series.get(probe))
        .flat_map(|l| l.keys().map(String::as_str))
        .collect();
    let panel = |layer: &str| {
        let lines: Vec<Series> = shown
            .cells
            .iter()
            .filter_map(|cell| {
                let runs = cell.done().map(|run| Some(run.probes.series.get(probe)?.get(layer)?.points()));
                band(&results.variants[cell.variant], Style::of(cell.variant), runs)
            })
            .collect();
        (!lines.is_empty()).then(|| Panel::new(layer, "task", probe, lines).log_y_if_wide())
    };
    let panels: Vec<Panel> = layers.into_iter().filter_map(panel).collect();
    let name = &results.benchmarks[benchmark];
    (!panels.is_empty()).then(|| Chart {
        file: format!("probe-{}-{}", slug(probe), slug(name)),
        title: format!("{probe} at the end of each task: {name}"),
        caption: "Mean over the finished runs' seeds with its 95 % bootstrap band, layer by layer. Axes are \
                  logarithmic where values span more than two decades. "
            .to_owned()
            + &shown.note(),
        benchmark: Some(benchmark),
        minor: !MAJOR.contains(&probe),
        ends: false,
        panels,
    })
}

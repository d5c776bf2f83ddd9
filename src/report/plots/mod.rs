//! Plots, drawn once for SVG and once for PNG from the same description.
//!
//! Colours are those of Okabe & Ito (2008) that stand out on white, for readers who see fewer colours;
//! dashes and markers, filled and hollow, tell the series apart without any.

mod accuracy;
mod chart;
mod control;
mod draw;
mod ends;
mod grid;
mod groups;
mod matrix;
mod multiples;
mod panel;
mod pen;
mod probes;
mod profiles;
mod scatter;
mod search;
mod shapes;
mod style;

pub use chart::{Chart, Content, Panel, Series};
pub use draw::{grouped_svg, png, svg};
pub use style::Style;

use super::statistics::Bootstrap;
use crate::results::Results;

/// Every plot that the results have data for, those that are looked at first before the others.
#[must_use]
pub fn charts(results: &Results) -> Vec<Chart> {
    let mut charts = profiles::all(results);
    for benchmark in 0..results.benchmarks.len() {
        let own = results.searches.iter().filter(|search| search.benchmark == benchmark);
        charts.extend(own.filter_map(|one| search::chart(results, one)));
        charts.extend(control::returns(results, benchmark));
        charts.extend(accuracy::charts(results, benchmark));
        charts.extend(control::bias(results, benchmark));
        charts.extend(scatter::plasticity(results, benchmark));
        charts.extend(scatter::forgetting(results, benchmark));
        charts.extend(shapes::charts(results, benchmark));
        charts.extend(shapes::tails(results, benchmark));
        charts.extend(matrix::charts(results, benchmark));
        charts.extend(profiles::chart(results, benchmark));
        charts.extend(probes::charts(results, benchmark));
    }
    // Names that differ in signs alone would share a file.
    for index in 1..charts.len() {
        let (before, rest) = charts.split_at_mut(index);
        let chart: &mut Chart = &mut rest[0];
        while before.iter().any(|other| other.file == chart.file) {
            chart.file.push_str("-2");
        }
    }
    charts
}

/// Variants that a chart shows at most: of more, lines cannot be told apart.
pub const LINES: usize = 30;

/// Mean and band over the points (x, y) of the finished runs of a cell, x by x.
fn band<P: Iterator<Item = (f64, f64)>>(
    label: &str,
    style: Style,
    runs: impl Iterator<Item = Option<P>>,
) -> Option<Series> {
    let mut columns: Vec<(f64, Vec<f64>)> = Vec::new();
    for points in runs.flatten() {
        for (x, y) in points {
            match columns.iter_mut().find(|(known, _)| *known == x) {
                Some((_, values)) => values.push(y),
                None => columns.push((x, vec![y])),
            }
        }
    }
    columns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let intervals = columns.iter().filter_map(|(x, values)| Some((*x, Bootstrap::BANDS.mean(values)?)));
    let intervals: Vec<_> = intervals.collect();
    let several = columns.iter().any(|(_, values)| values.len() > 1);
    let mut series = Series::line(label, style, intervals.iter().map(|(x, i)| (*x, i.value)).collect());
    series.n = columns.iter().map(|(_, values)| values.len()).collect();
    if several {
        series.band = intervals.iter().map(|(x, i)| (*x, i.low, i.high)).collect();
    }
    (!series.points.is_empty()).then_some(series)
}

/// A benchmark's or a probe's name as part of a file's name.
pub(super) fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    text.chars().map(plain).collect()
}

//! The best of n settings over n.

use super::{Chart, LINES, Panel, Series, Style, slug};
use crate::report::metric::{Better, named};
use crate::report::search::scores;
use crate::report::statistics::best_of;
use crate::report::tables::unsigned;
use crate::results::{Results, Search};

/// A line a variant, with the band that one search of n settings may end in.
pub fn chart(results: &Results, search: &Search) -> Option<Chart> {
    let metric = named(&search.metric)?;
    let mut curves: Vec<(usize, &str, Vec<f64>)> = (search.variants.iter().enumerate())
        .map(|(index, (label, settings))| (index, label.as_str(), scores(settings, metric)))
        .filter(|(.., scores)| !scores.is_empty())
        .collect();
    let count = curves.len();
    if count > LINES {
        let most = |scores: &[f64]| scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        curves.sort_by(|a, b| most(&b.2).total_cmp(&most(&a.2)));
        curves.truncate(LINES);
    }
    let lines: Vec<Series> = (curves.iter())
        .map(|(index, label, scores)| {
            let points: Vec<_> =
                (1..=scores.len()).map(|n| (n as f64, unsigned(best_of(scores, n), metric))).collect();
            let mut line =
                Series::line(label, Style::of(*index), points.iter().map(|(n, i)| (*n, i.value)).collect());
            line.band = points.iter().map(|(n, i)| (*n, i.low, i.high)).collect();
            line
        })
        .collect();
    let name = &results.benchmarks[search.benchmark];
    let left_out =
        if count > LINES { format!(" The best {LINES} of {count} variants.") } else { String::new() };
    let size = if metric.better == Better::NearerZero { "size of " } else { "" };
    (!lines.is_empty()).then(|| Chart {
        file: format!("best-of-n-{}", slug(name)),
        title: format!("The best of n settings: {name}"),
        caption: format!(
            "{size}{} on the tuning seeds of the best of n settings, drawn with replacement from those that were \
             tried: mean, and the band between the 2.5th and 97.5th percentile of what one search of n finds. A \
             variant tuned with fewer settings than another is to be read at its own n.{left_out}",
            metric.title
        ),
        benchmark: Some(search.benchmark),
        minor: false,
        ends: false,
        panels: vec![
            Panel::new("", "n, settings tried", &format!("{size}{}", metric.title), lines).log_x_if_wide(),
        ],
    })
}

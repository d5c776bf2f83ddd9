//! Performance profiles.

use super::{Chart, Panel, Series, Style, slug};
use crate::report::metric::HEADLINE;
use crate::report::statistics::{Bootstrap, profile_bands};
use crate::results::Results;

const STEPS: u32 = 200;

/// Share of runs above every online accuracy. A run that diverged is one at no accuracy at all.
pub fn chart(results: &Results, benchmark: usize) -> Option<Chart> {
    let scores = |cell: &crate::results::Cell| {
        let mut scores: Vec<f64> = cell.metric(HEADLINE.name).into_values().collect();
        let diverged = cell.tally().diverged;
        scores.extend(std::iter::repeat_n(f64::NEG_INFINITY, diverged));
        scores
    };
    let thresholds: Vec<f64> = (0..=STEPS).map(|i| f64::from(i) / f64::from(STEPS)).collect();
    let lines: Vec<Series> = results
        .of(benchmark)
        .map(|cell| (cell.variant, scores(cell)))
        .filter(|(_, scores)| !scores.is_empty())
        .map(|(variant, scores)| {
            let several = scores.len() > 1;
            let shares = profile_bands(&[scores], &thresholds, Bootstrap::BANDS);
            let shares: Vec<_> = thresholds.iter().copied().zip(shares).collect();
            let points = shares.iter().map(|(at, share)| (*at, share.value)).collect();
            let mut line = Series::line(&results.variants[variant], Style::of(variant), points);
            // Where it falls: before and after, the lines of all variants are one.
            let begin = shares.iter().rposition(|(_, share)| share.value >= shares[0].1.value).unwrap_or(0);
            let end = shares.iter().position(|(_, share)| share.value <= 0.0).unwrap_or(shares.len() - 1);
            line.marked = (begin < end).then(|| begin..end + 1);
            if several {
                line.band = shares.iter().map(|(at, share)| (*at, share.low, share.high)).collect();
            }
            line
        })
        .collect();
    let name = &results.benchmarks[benchmark];
    (!lines.is_empty()).then(|| Chart {
        file: format!("profile-{}", slug(name)),
        title: format!("Performance profile: {name}"),
        caption: "Share of runs whose total online accuracy exceeds the value below; diverged runs exceed \
                  none. 95 % bootstrap bands."
            .into(),
        benchmark,
        minor: true,
        panels: vec![Panel::new("", "total online accuracy", "share of runs above", lines)],
    })
}

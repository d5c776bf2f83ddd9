//! Performance profiles: how many runs exceed a score, for every score.

use super::{Chart, LINES, Panel, Series, Style, slug};
use crate::report::metric::{METRICS, Metric, headline};
use crate::report::ranking::Shown;
use crate::report::statistics::{Bootstrap, profile_bands};
use crate::results::{Cell, Results};

const STEPS: u32 = 200;

/// The profile of a benchmark by its headline.
pub fn chart(results: &Results, benchmark: usize) -> Option<Chart> {
    let metric = headline(results, benchmark);
    let shown = Shown::of(results, benchmark, LINES);
    let scores = |cell: &&Cell| (cell.variant, vec![scores(cell, metric)]);
    let lines = lines(results, &shown.cells.iter().map(scores).collect::<Vec<_>>());
    let name = &results.benchmarks[benchmark];
    (!lines.is_empty()).then(|| Chart {
        file: format!("profile-{}", slug(name)),
        title: format!("Performance profile: {name}"),
        caption: format!(
            "Share of runs whose {} exceeds the value below; diverged runs exceed none. 95 % bootstrap \
             bands. {}",
            metric.title,
            shown.note()
        ),
        benchmark: Some(benchmark),
        minor: true,
        ends: false,
        panels: vec![Panel::new("", metric.title, "share of runs above", lines)],
    })
}

/// The profile over all benchmarks of one scale, for the variants that have runs on each of them.
pub fn all(results: &Results) -> Vec<Chart> {
    let scaled = METRICS.iter().filter(|metric| metric.worst == 0.0);
    scaled.filter_map(|metric| over_benchmarks(results, metric)).collect()
}

fn over_benchmarks(results: &Results, metric: &'static Metric) -> Option<Chart> {
    let benchmarks: Vec<usize> =
        (0..results.benchmarks.len()).filter(|&b| headline(results, b) == metric).collect();
    if benchmarks.len() < 2 {
        return None;
    }
    let strata = |variant: usize| -> Option<(usize, Vec<Vec<f64>>)> {
        let of = |&benchmark: &usize| {
            let scores = scores(results.cell(benchmark, variant)?, metric);
            (!scores.is_empty()).then_some(scores)
        };
        Some((variant, benchmarks.iter().map(of).collect::<Option<_>>()?))
    };
    let variants: Vec<_> = (0..results.variants.len()).filter_map(strata).take(LINES + 1).collect();
    let lines = lines(results, &variants);
    (!lines.is_empty() && variants.len() <= LINES).then(|| Chart {
        file: format!("profile-all-{}", metric.name),
        title: format!("Performance profile over all benchmarks: {}", metric.title),
        caption: format!(
            "Share of runs whose {} exceeds the value below, mean over {} benchmarks; diverged runs exceed \
             none. 95 % bootstrap bands, seeds drawn anew within each benchmark.",
            metric.title,
            benchmarks.len()
        ),
        benchmark: None,
        minor: false,
        ends: false,
        panels: vec![Panel::new("", metric.title, "share of runs above", lines)],
    })
}

/// A run that diverged is one of no score at all.
fn scores(cell: &Cell, metric: &Metric) -> Vec<f64> {
    let mut scores: Vec<f64> = cell.metric(metric.name).into_values().collect();
    scores.extend(std::iter::repeat_n(f64::NEG_INFINITY, cell.tally().diverged));
    scores
}

/// A line a variant: over [0, 1] where all scores lie in it, else between the least and the greatest.
fn lines(results: &Results, variants: &[(usize, Vec<Vec<f64>>)]) -> Vec<Series> {
    let all = variants.iter().flat_map(|(_, strata)| strata.iter().flatten().copied());
    let finite = all.filter(|score| score.is_finite());
    let (low, high) = finite.fold((0.0_f64, 1.0_f64), |(l, h), score| (l.min(score), h.max(score)));
    let at = |i: u32| low + (high - low) * f64::from(i) / f64::from(STEPS);
    let thresholds: Vec<f64> = (0..=STEPS).map(at).collect();
    let line = |(variant, strata): &(usize, Vec<Vec<f64>>)| {
        if strata.iter().all(Vec::is_empty) {
            return None;
        }
        let several = strata.iter().any(|scores| scores.len() > 1);
        let shares = profile_bands(strata, &thresholds, Bootstrap::BANDS);
        let shares: Vec<_> = thresholds.iter().copied().zip(shares).collect();
        let points = shares.iter().map(|(at, share)| (*at, share.value)).collect();
        let mut line = Series::line(&results.variants[*variant], Style::of(*variant), points);
        // Where it falls: before and after, the lines of all variants are one.
        let begin = shares.iter().rposition(|(_, share)| share.value >= shares[0].1.value).unwrap_or(0);
        let end = shares.iter().position(|(_, share)| share.value <= 0.0).unwrap_or(shares.len() - 1);
        line.marked = (begin < end).then(|| begin..end + 1);
        if several {
            line.band = shares.iter().map(|(at, share)| (*at, share.low, share.high)).collect();
        }
        Some(line)
    };
    variants.iter().filter_map(line).collect()
}

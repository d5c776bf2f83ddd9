//! The sentence that a benchmark opens with: what is best, what it beats, by how much, over how many seeds.

use std::collections::BTreeMap;

use super::metric::{Metric, headline};
use super::ranking::{best, best_first};
use super::statistics::{Bootstrap, Interval, paired_differences};
use crate::record::Status;
use crate::results::{Cell, Results};
use crate::words::one_in_words;

/// Comparisons that are spelled out.
const SPELLED: usize = 2;
/// Variants that are named one by one.
const NAMED: usize = 4;
/// Once in so many times or more often is no evidence: 5 %.
const SURE: u32 = 20;
/// The variant that others are usually held against.
const BASELINE: &str = "relu";
/// Of a sweep of thousands, so many of the best are compared.
const COMPARED: usize = 100;

/// The sentences about a benchmark; without a finished run, that there is none.
#[must_use]
pub fn lead(results: &Results, benchmark: usize) -> String {
    let metric = headline(results, benchmark);
    let Some(best) = best(results, benchmark) else {
        return "No run of this benchmark has finished.".into();
    };
    let ours = best.metric(metric.name);
    let label = |variant: usize| results.variants[variant].as_str();
    let all = best_first(results, benchmark);
    let values = ours.values().copied().collect();
    let figure = Bootstrap::TABLES.estimate(&[values]).map(|estimate| estimate.mean);
    let mut sentences = vec![format!(
        "{} has the best {}{}: {} over {}.",
        label(best.variant),
        metric.title,
        if all.len() > 1 { format!(" of {} variants", all.len()) } else { String::new() },
        figure.map_or_else(String::new, in_words),
        one_in_words(ours.len(), "seed")
    )];
    let (mut beaten, mut level, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let (mut unknown, mut last) = (Vec::new(), Vec::new());
    let seeds_of_best = by_seed(best, metric);
    for cell in all.iter().take(COMPARED).filter(|cell| cell.variant != best.variant) {
        let variant = cell.variant;
        let (Some(ours), Some(theirs)) = (&seeds_of_best, by_seed(cell, metric)) else {
            last.push(label(variant));
            continue;
        };
        let difference = paired_differences(ours, &theirs, Bootstrap::TABLES);
        match difference.map(|estimate| (estimate.mean, estimate.n)) {
            // One seed has no interval, so nothing is known of chance.
            Some((interval, 1)) => alone.push((variant, interval, 1)),
            Some((interval, n)) if metric.signed(interval.low).min(metric.signed(interval.high)) > 0.0 => {
                beaten.push((variant, interval, n));
            }
            Some((interval, n)) => level.push((variant, interval, n)),
            None => unknown.push(label(variant)),
        }
    }
    if !beaten.is_empty() {
        // The nearest of those that it beats, and the usual baseline.
        let mut spelled: Vec<_> = beaten.iter().take(1).collect();
        spelled.extend(beaten.iter().skip(1).find(|(variant, ..)| label(*variant) == BASELINE));
        let spelled: Vec<String> = spelled
            .into_iter()
            .take(SPELLED)
            .map(|(variant, interval, n)| {
                format!(
                    "{} by {} over {}",
                    label(*variant),
                    in_words(*interval),
                    one_in_words(*n, "shared seed")
                )
            })
            .collect();
        let more = beaten.len() - spelled.len();
        let more = if more > 0 { format!(", and {}", one_in_words(more, "other")) } else { String::new() };
        sentences.push(format!("It beats {}{more}.", spelled.join(", and ")));
        sentences.extend(beaten.iter().map(|(.., n)| *n).min().and_then(caution));
    }
    if !level.is_empty() {
        let names: Vec<&str> = level.iter().map(|(variant, ..)| label(*variant)).collect();
        sentences.push(format!("It cannot be told from {}.", listed(&names)));
    }
    if let Some((variant, interval, _)) = alone.first() {
        sentences.push(format!(
            "Its difference to {} is {} over one shared seed, which says nothing of chance.",
            label(*variant),
            in_words(*interval)
        ));
    }
    if !last.is_empty() {
        sentences.push(format!("It ranks before {}, of which runs diverged.", listed(&last)));
    }
    if !unknown.is_empty() {
        sentences.push(format!("It shares no seed with {}.", listed(&unknown)));
    }
    let diverged: usize = results.of(benchmark).map(|cell| cell.tally().diverged).sum();
    if diverged > 0 {
        let runs: usize = results.of(benchmark).map(|cell| cell.tally().runs()).sum();
        let as_ = if metric.worst.is_finite() {
            format!("{} {}", metric.title, metric.worst)
        } else {
            "the worst".into()
        };
        let count = if diverged == 1 { "counts" } else { "count" };
        sentences.push(format!("{diverged} of {runs} runs diverged and {count} as {as_} here."));
    }
    sentences.join(" ")
}

/// A metric by seed, diverged ones at the worst value; `None` where that is infinite.
fn by_seed(cell: &Cell, metric: &Metric) -> Option<BTreeMap<u64, f64>> {
    let mut values = cell.metric(metric.name);
    for (&seed, run) in &cell.runs {
        if run.status.status == Status::Diverged {
            values.insert(seed, Some(metric.worst).filter(|worst| worst.is_finite())?);
        }
    }
    Some(values)
}

/// `0.381 [0.352, 0.410]`, or the number alone where there is no interval.
fn in_words(interval: Interval) -> String {
    let Interval { value, low, high } = interval;
    let digits = if value.abs().max(high.abs()) < 10.0 { 3 } else { 1 };
    if low == high {
        format!("{value:.digits$}")
    } else {
        format!("{value:.digits$} [{low:.digits$}, {high:.digits$}]")
    }
}

/// What an interval of few seeds is worth: by the sign test, which asks for no more than independent seeds, all of `n`
/// differences have one sign in one of 2^(n-1) cases by chance alone.
fn caution(n: usize) -> Option<String> {
    let once_in = 1_u32.checked_shl(u32::try_from(n).ok()?.checked_sub(1)?)?;
    (once_in <= SURE).then(|| {
        format!("{n} seeds are few: differences of one sign throughout come about once in {once_in} times by chance.")
    })
}

fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{shown} and {}", one_in_words(more, "other")) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one() {
        assert_eq!(listed(&["a", "b", "c", "d", "e"]), "a, b, c, d and one other");
        assert_eq!(
            [one_in_words(1, "shared seed"), one_in_words(2, "shared seed"), one_in_words(2, "other")],
            ["one shared seed", "2 shared seeds", "2 others"]
        );
    }
}

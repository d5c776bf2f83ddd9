//! One variant against another.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::bootstrap::Estimate;
use super::interval::{Interval, interval};
use super::multisets::{multisets, weighted_interval};
use super::resampling::Bootstrap;
use crate::random::Stream;

/// P(X > Y) + P(X = Y)/2 for a seed of `x` and a seed of `y` drawn from the same benchmark, mean over
/// benchmarks (the Mann–Whitney statistic over the number of pairs). `x` and `y` hold the values of each
/// benchmark in the same order; benchmarks that either lacks are left out.
#[must_use]
pub fn probability_of_improvement(x: &[Vec<f64>], y: &[Vec<f64>], bootstrap: Bootstrap) -> Option<Interval> {
    let pairs: Vec<Pair> = x.iter().zip(y).filter_map(|(x, y)| Pair::new(x, y)).collect();
    if pairs.is_empty() {
        return None;
    }
    let all = |pairs: &[Pair]| pairs.iter().map(Pair::probability).sum::<f64>() / pairs.len() as f64;
    let value = all(&pairs);
    let sizes: Vec<usize> = pairs.iter().flat_map(|pair| pair.rungs.each_ref().map(Vec::len)).collect();
    if let Some(multisets) = multisets(bootstrap, &sizes) {
        let mut pairs = pairs;
        let mut figure = |counts: &[u32]| {
            let mut left = counts;
            for pair in &mut pairs {
                left = pair.take(left);
            }
            all(&pairs)
        };
        let drawn = multisets.counts.iter().zip(&multisets.times);
        let mut drawn: Vec<(f64, u32)> = drawn.map(|(counts, &times)| (figure(counts), times)).collect();
        return Some(weighted_interval(value, &mut drawn));
    }
    let draws = sizes.iter().sum();
    let mut drawn: Vec<f64> = bootstrap.resampled(draws, &pairs, |pairs, stream| {
        for pair in pairs.iter_mut() {
            pair.draw(stream);
        }
        all(pairs)
    });
    Some(interval(value, &mut drawn))
}

/// The differences x - y over the seeds that both have, by which the variation that seeds share cancels.
#[must_use]
pub fn paired_differences(
    x: &BTreeMap<u64, f64>,
    y: &BTreeMap<u64, f64>,
    bootstrap: Bootstrap,
) -> Option<Estimate> {
    let differences: Vec<f64> = x.iter().filter_map(|(seed, x)| Some(x - y.get(seed)?)).collect();
    bootstrap.estimate(&[differences])
}

/// Two samples on one ladder of values, and how often each value has been drawn on either side.
#[derive(Clone)]
struct Pair {
    /// Rung of each value of x and of y.
    rungs: [Vec<usize>; 2],
    counts: [Vec<f64>; 2],
}

impl Pair {
    fn new(x: &[f64], y: &[f64]) -> Option<Self> {
        if x.is_empty() || y.is_empty() {
            return None;
        }
        let mut ladder: Vec<f64> = x.iter().chain(y).copied().collect();
        ladder.sort_unstable_by(f64::total_cmp);
        // Not by bits: 0 and -0 are a tie.
        ladder.dedup_by(|a, b| a == b);
        let rung = |value: &f64| {
            ladder
                .binary_search_by(|step| step.partial_cmp(value).unwrap_or(Ordering::Less))
                .expect("every value is on the ladder")
        };
        let rungs = [x, y].map(|side| side.iter().map(rung).collect::<Vec<_>>());
        let counts = rungs.each_ref().map(|side| {
            let mut counts = vec![0.0; ladder.len()];
            for &rung in side {
                counts[rung] += 1.0;
            }
            counts
        });
        Some(Self { rungs, counts })
    }

    fn draw(&mut self, stream: &mut Stream) {
        for (rungs, counts) in self.rungs.iter().zip(&mut self.counts) {
            counts.fill(0.0);
            let n = rungs.len() as u64;
            (0..n).for_each(|_| counts[rungs[stream.below(n) as usize]] += 1.0);
        }
    }

    /// Takes the first of `counts`, how often each value of x and then of y is drawn; gives the rest.
    fn take<'a>(&mut self, mut drawn: &'a [u32]) -> &'a [u32] {
        for (rungs, counts) in self.rungs.iter().zip(&mut self.counts) {
            let (own, rest) = drawn.split_at(rungs.len());
            counts.fill(0.0);
            rungs.iter().zip(own).for_each(|(&rung, &times)| counts[rung] += f64::from(times));
            drawn = rest;
        }
        drawn
    }

    fn probability(&self) -> f64 {
        let (mut below, mut wins) = (0.0, 0.0);
        for (x, y) in self.counts[0].iter().zip(&self.counts[1]) {
            wins += x * (below + 0.5 * y);
            below += y;
        }
        wins / (self.rungs[0].len() * self.rungs[1].len()) as f64
    }
}

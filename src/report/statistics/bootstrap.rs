//! The stratified percentile bootstrap: seeds are drawn with replacement within each benchmark.

use super::aggregate::{self, middle_cut, quarter_cut};
use crate::random::Stream;

/// A figure and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Of the values as they are.
    pub value: f64,
    /// 2.5th percentile over the resamples.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Interval {
    /// The difference to a number that is taken as exact.
    #[must_use]
    pub fn less(self, known: f64) -> Self {
        Self { value: self.value - known, low: self.low - known, high: self.high - known }
    }
}

/// What is known of one set of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Number of values.
    pub n: usize,
    /// Mean.
    pub mean: Interval,
    /// Median.
    pub median: Interval,
    /// Interquartile mean.
    pub iqm: Interval,
}

/// How resampling is done. The generator starts anew for every estimate, so that a figure depends on its
/// own values alone and not on what else is in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of the generator `Stream::new(seed, "bootstrap", 0)`.
    pub seed: u64,
}

impl Bootstrap {
    /// What tables are made with.
    pub const TABLES: Self = Self { resamples: 50_000, seed: 0 };
    /// For the bands of plots, of which there are thousands and which nobody reads digits off.
    pub const BANDS: Self = Self { resamples: 1_000, seed: 0 };

    /// The generator.
    #[must_use]
    pub fn stream(self) -> Stream {
        Stream::new(self.seed, "bootstrap", 0)
    }

    /// Estimates over the pooled values of all `strata`; `None` where there is no value. Values must be
    /// finite: a diverged run is counted, not averaged.
    #[must_use]
    pub fn estimate(self, strata: &[Vec<f64>]) -> Option<Estimate> {
        let mut resampler = Resampler::new(strata)?;
        let mut stream = self.stream();
        let cuts = [0, quarter_cut(resampler.sorted.len()), middle_cut(resampler.sorted.len())];
        let values = cuts.map(|cut| resampler.trimmed_mean(cut));
        let mut drawn = cuts.map(|_| Vec::with_capacity(self.resamples));
        for _ in 0..self.resamples {
            resampler.draw(&mut stream);
            for (cut, drawn) in cuts.into_iter().zip(&mut drawn) {
                drawn.push(resampler.trimmed_mean(cut));
            }
        }
        let [mean, iqm, median] = [0, 1, 2].map(|which| interval(values[which], &mut drawn[which]));
        Some(Estimate { n: resampler.sorted.len(), mean, median, iqm })
    }

    /// Mean and its interval alone, for bands.
    #[must_use]
    pub fn mean(self, values: &[f64]) -> Option<Interval> {
        let value = aggregate::mean(values)?;
        let mut stream = self.stream();
        let n = values.len() as u64;
        let mut drawn: Vec<f64> = (0..self.resamples)
            .map(|_| (0..n).map(|_| values[stream.below(n) as usize]).sum::<f64>() / n as f64)
            .collect();
        Some(interval(value, &mut drawn))
    }
}

/// The 95 % percentile interval of `drawn` around `value`.
pub(super) fn interval(value: f64, drawn: &mut [f64]) -> Interval {
    let low = aggregate::percentile(drawn, 0.025).unwrap_or(value);
    let high = aggregate::percentile(drawn, 0.975).unwrap_or(value);
    Interval { value, low, high }
}

/// Pooled values in order, and how often the current resample has each: trimmed means of a resample then
/// need no sorting, which is what makes 50,000 of them cheap.
struct Resampler {
    sorted: Vec<f64>,
    counts: Vec<u32>,
    /// Positions in `sorted` of each stratum's values.
    strata: Vec<Vec<usize>>,
}

impl Resampler {
    fn new(strata: &[Vec<f64>]) -> Option<Self> {
        let mut pooled: Vec<(f64, usize)> = Vec::new();
        for (stratum, values) in strata.iter().enumerate() {
            pooled.extend(values.iter().map(|&value| (value, stratum)));
        }
        pooled.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut positions = vec![Vec::new(); strata.len()];
        for (position, (_, stratum)) in pooled.iter().enumerate() {
            positions[*stratum].push(position);
        }
        let sorted: Vec<f64> = pooled.into_iter().map(|(value, _)| value).collect();
        let counts = vec![1; sorted.len()];
        (!sorted.is_empty()).then_some(Self { sorted, counts, strata: positions })
    }

    fn draw(&mut self, stream: &mut Stream) {
        self.counts.fill(0);
        for positions in &self.strata {
            let n = positions.len() as u64;
            (0..n).for_each(|_| self.counts[positions[stream.below(n) as usize]] += 1);
        }
    }

    fn trimmed_mean(&self, cut: usize) -> f64 {
        let (first, end) = (cut, self.sorted.len() - cut);
        let (mut rank, mut sum) = (0, 0.0);
        for (value, &count) in self.sorted.iter().zip(&self.counts) {
            let next = rank + count as usize;
            let kept = next.min(end).saturating_sub(rank.max(first));
            sum += value * kept as f64;
            rank = next;
        }
        sum / (end - first) as f64
    }
}

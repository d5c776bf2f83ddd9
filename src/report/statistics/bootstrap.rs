//! The stratified percentile bootstrap: seeds are drawn with replacement within each benchmark.

use std::cell::RefCell;
use std::num::NonZero;
use std::ops::Range;
use std::thread;

use super::aggregate::{self, middle_cut, quarter_cut};
use super::interval::{Interval, interval};
use super::multisets::{Multisets, multisets, weighted_interval};
use super::resampling::Bootstrap;
use crate::random::Stream;

/// Resamples that one thread draws in one go.
const BLOCK: usize = 500;
/// Fewer draws than this are not worth a thread.
const SMALL: usize = 1 << 20;
/// Draws that are kept for the next band of as many values.
const KEPT: usize = 1 << 22;

/// Which of `n` values each resample draws.
struct Draws {
    by: Bootstrap,
    n: usize,
    positions: Vec<u32>,
}

thread_local! {
    /// The generator starts anew for every estimate, so bands over as many seeds draw the same.
    static DRAWS: RefCell<Option<Draws>> = const { RefCell::new(None) };
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

impl Bootstrap {
    /// Estimates over the pooled values of all `strata`; `None` where there is no value. Values must be
    /// finite: a diverged run is counted, not averaged.
    #[must_use]
    pub fn estimate(self, strata: &[Vec<f64>]) -> Option<Estimate> {
        let resampler = Resampler::new(strata)?;
        let n = resampler.sorted.len();
        let cuts = [0, quarter_cut(n), middle_cut(n)];
        let values = resampler.trimmed_means(cuts);
        let sizes: Vec<usize> = resampler.strata.iter().map(Vec::len).collect();
        let [mean, iqm, median] = match multisets(self, &sizes) {
            Some(multisets) => few(&multisets, resampler, values, cuts),
            None => self.many(&resampler, values, cuts),
        };
        Some(Estimate { n, mean, median, iqm })
    }

    /// Intervals from resamples that are drawn one by one.
    fn many(self, resampler: &Resampler, values: Cut<f64>, cuts: Cut<usize>) -> Cut<Interval> {
        let drawn = self.resampled(resampler.sorted.len(), resampler, |resampler, stream| {
            resampler.draw(stream);
            resampler.trimmed_means(cuts)
        });
        [0, 1, 2].map(|which| {
            let mut drawn: Vec<f64> = drawn.iter().map(|means| means[which]).collect();
            interval(values[which], &mut drawn)
        })
    }

    /// Mean and its interval alone, for bands.
    #[must_use]
    pub fn mean(self, values: &[f64]) -> Option<Interval> {
        let value = aggregate::mean(values)?;
        let n = values.len();
        let mut drawn: Vec<f64> = if n * self.resamples <= KEPT {
            self.with_draws(n, |positions| {
                let sum = |drawn: &[u32]| drawn.iter().map(|&at| values[at as usize]).sum::<f64>();
                positions.chunks_exact(n).map(|drawn| sum(drawn) / n as f64).collect()
            })
        } else {
            self.resampled(n, &(), |(), stream| {
                (0..n).map(|_| values[stream.below(n as u64) as usize]).sum::<f64>() / n as f64
            })
        };
        Some(interval(value, &mut drawn))
    }

    /// Calls `take` with the positions of the values that every resample of `n` draws.
    fn with_draws<T>(self, n: usize, take: impl FnOnce(&[u32]) -> T) -> T {
        DRAWS.with_borrow_mut(|kept| match kept {
            Some(draws) if (draws.by, draws.n) == (self, n) => take(&draws.positions),
            _ => {
                let mut stream = self.stream();
                let draw = || stream.below(n as u64) as u32;
                let positions = std::iter::repeat_with(draw).take(n * self.resamples).collect();
                take(&kept.insert(Draws { by: self, n, positions }).positions)
            }
        })
    }

    /// A figure of every resample, each of which draws `draws` times. `state` is copied to every thread.
    ///
    /// A block of resamples begins where those before it end in the one stream, so the figures are the same
    /// whatever the number of threads.
    pub(super) fn resampled<S: Clone + Sync, T: Send>(
        self,
        draws: usize,
        state: &S,
        figure: impl Fn(&mut S, &mut Stream) -> T + Sync,
    ) -> Vec<T> {
        let blocks = self.resamples.div_ceil(BLOCK);
        let some = |blocks: Range<usize>| -> Vec<T> {
            let mut state = state.clone();
            let mut figures = Vec::new();
            for block in blocks {
                let (first, end) = (block * BLOCK, ((block + 1) * BLOCK).min(self.resamples));
                let mut stream = self.stream();
                // A draw takes two words of 32 bits.
                stream.seek(2 * (first * draws) as u64);
                figures.extend((first..end).map(|_| figure(&mut state, &mut stream)));
            }
            figures
        };
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = if draws * self.resamples < SMALL { 1 } else { cores.min(blocks) };
        if threads <= 1 {
            return some(0..blocks);
        }
        thread::scope(|scope| {
            let some = &some;
            let share = |at: usize| at * blocks / threads;
            let handles: Vec<_> =
                (0..threads).map(|at| scope.spawn(move || some(share(at)..share(at + 1)))).collect();
            let ended = |handle: thread::ScopedJoinHandle<'_, Vec<T>>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            handles.into_iter().flat_map(ended).collect()
        })
    }
}

/// The same for each of the mean, the interquartile mean and the median.
type Cut<T> = [T; 3];

/// Intervals from the different resamples, where these are few.
fn few(multisets: &Multisets, mut resampler: Resampler, values: Cut<f64>, cuts: Cut<usize>) -> Cut<Interval> {
    let mut drawn: Cut<Vec<(f64, u32)>> = [const { Vec::new() }; 3];
    for (counts, &times) in multisets.counts.iter().zip(&multisets.times) {
        resampler.take(counts);
        let means = resampler.trimmed_means(cuts);
        drawn.iter_mut().zip(means).for_each(|(drawn, mean)| drawn.push((mean, times)));
    }
    [0, 1, 2].map(|which| weighted_interval(values[which], &mut drawn[which]))
}

/// Pooled values in order, and how often the current resample has each: trimmed means of a resample then
/// need no sorting, which is what makes 50,000 of them cheap.
#[derive(Clone)]
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

    /// Makes the resample that has the values so often, stratum after stratum.
    fn take(&mut self, counts: &[u32]) {
        for (&position, &count) in self.strata.iter().flatten().zip(counts) {
            self.counts[position] = count;
        }
    }

    /// Means of the resample without the lowest and the highest `cuts` of its values.
    fn trimmed_means<const N: usize>(&self, cuts: [usize; N]) -> [f64; N] {
        let n = self.sorted.len();
        let (mut rank, mut sums) = (0, [0.0; N]);
        for (value, &count) in self.sorted.iter().zip(&self.counts) {
            let next = rank + count as usize;
            for (sum, cut) in sums.iter_mut().zip(cuts) {
                *sum += value * next.min(n - cut).saturating_sub(rank.max(cut)) as f64;
            }
            rank = next;
        }
        let mut means = sums;
        means.iter_mut().zip(cuts).for_each(|(mean, cut)| *mean /= (n - 2 * cut) as f64);
        means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_different_resamples_give_what_all_of_them_give() {
        for strata in [
            vec![vec![0.3]],
            vec![vec![0.5, 0.25, 0.75]],
            vec![vec![0.1, 0.9, 0.1, 0.4, 0.3]],
            vec![vec![0.2, 0.1, 0.7], vec![3.0, 1.0], vec![0.15]],
        ] {
            let bootstrap = Bootstrap { resamples: 5_003, seed: 4 };
            let resampler = Resampler::new(&strata).unwrap();
            let n = resampler.sorted.len();
            let cuts = [0, quarter_cut(n), middle_cut(n)];
            let sizes: Vec<usize> = strata.iter().map(Vec::len).collect();
            let different = multisets(bootstrap, &sizes).unwrap();
            let values = resampler.trimmed_means(cuts);
            let many = bootstrap.many(&resampler, values, cuts);
            assert_eq!(few(&different, resampler, values, cuts), many, "{strata:?}");
        }
    }

    /// The blocks of the stream that threads share, and the draws that bands keep, against one stream from
    /// its beginning.
    #[test]
    fn threads_and_kept_draws_give_what_one_stream_gives() {
        let values: Vec<f64> = (0..300).map(|i| f64::from(i * i)).collect();
        let bootstrap = Bootstrap { resamples: 5_003, seed: 4 };
        assert!(bootstrap.resamples * values.len() > SMALL && bootstrap.resamples * values.len() < KEPT);
        for n in [300, 299, 300] {
            let values = &values[..n];
            let mut stream = bootstrap.stream();
            let mut draw = || values[stream.below(n as u64) as usize];
            let mut means: Vec<f64> =
                (0..5_003).map(|_| (0..n).map(|_| draw()).sum::<f64>() / n as f64).collect();
            let one = interval(aggregate::mean(values).unwrap(), &mut means);
            assert_eq!(bootstrap.mean(values), Some(one));
            let streamed = bootstrap.resampled(n, &(), |(), stream| {
                (0..n).map(|_| values[stream.below(n as u64) as usize]).sum::<f64>() / n as f64
            });
            assert_eq!(interval(one.value, &mut streamed.clone()), one);
            let estimate = bootstrap.estimate(&[values.to_vec()]).unwrap().mean;
            let apart = [estimate.low - one.low, estimate.high - one.high, estimate.value - one.value];
            assert!(apart.iter().all(|x| x.abs() < 1e-9), "{estimate:?} {one:?}");
        }
    }
}

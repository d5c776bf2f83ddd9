//! Performance profiles: how many runs exceed a score, for every score.

use super::interval::{Interval, interval};
use super::resampling::Bootstrap;

/// [`profile`] with its pointwise 95 % intervals, seeds drawn anew within each benchmark. `thresholds`
/// ascend.
#[must_use]
pub fn profile_bands(strata: &[Vec<f64>], thresholds: &[f64], bootstrap: Bootstrap) -> Vec<Interval> {
    // How many thresholds each run is above: a resample is then a count, and no comparison.
    let above = |value: &f64| thresholds.partition_point(|threshold| threshold < value);
    let rungs: Vec<Vec<usize>> =
        strata.iter().filter(|v| !v.is_empty()).map(|v| v.iter().map(above).collect()).collect();
    let benchmarks = rungs.len();
    let mut stream = bootstrap.stream();
    let mut drawn = vec![Vec::with_capacity(bootstrap.resamples); thresholds.len()];
    for _ in 0..bootstrap.resamples {
        let mut shares = vec![0.0; thresholds.len() + 1];
        for rungs in &rungs {
            let n = rungs.len() as u64;
            let weight = 1.0 / (rungs.len() * benchmarks) as f64;
            (0..n).for_each(|_| shares[rungs[stream.below(n) as usize]] += weight);
        }
        let mut share = 0.0;
        for (index, drawn) in drawn.iter_mut().enumerate().rev() {
            share += shares[index + 1];
            drawn.push(share);
        }
    }
    let values = profile(strata, thresholds);
    values.into_iter().zip(&mut drawn).map(|(value, drawn)| interval(value, drawn)).collect()
}

/// Share of runs above each of `thresholds`, mean over the benchmarks of the shares in each (run-score
/// distributions of Agarwal et al. 2021). Empty benchmarks are left out.
#[must_use]
pub fn profile(strata: &[Vec<f64>], thresholds: &[f64]) -> Vec<f64> {
    let strata: Vec<_> = strata.iter().filter(|values| !values.is_empty()).collect();
    let share = |values: &[f64], threshold: f64| {
        values.iter().filter(|&&value| value > threshold).count() as f64 / values.len() as f64
    };
    let mean =
        |&threshold: &f64| strata.iter().map(|v| share(v, threshold)).sum::<f64>() / strata.len() as f64;
    thresholds.iter().map(mean).collect()
}

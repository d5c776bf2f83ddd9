//! Performance profiles: how many runs exceed a score, for every score.

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

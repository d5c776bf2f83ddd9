//! Trimmed means: sort, drop k values at each end, average. k = 0 is the mean, n/4 (rounded down, as in
//! `scipy.stats.trim_mean(values, 0.25)`) the interquartile mean, (n-1)/2 the median.

/// Arithmetic mean; `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Linear interpolation between the order statistics (numpy's default); `share` in [0, 1]. Sorts `values`
/// no further than it has to.
#[must_use]
pub fn percentile(values: &mut [f64], share: f64) -> Option<f64> {
    let rank = share * values.len().checked_sub(1)? as f64;
    let below = rank.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * (rank - below as f64))
}

/// How many values the interquartile mean drops at each end of `n`.
pub(super) fn quarter_cut(n: usize) -> usize {
    n / 4
}

/// How many values the median drops at each end of `n`.
pub(super) fn middle_cut(n: usize) -> usize {
    n.saturating_sub(1) / 2
}

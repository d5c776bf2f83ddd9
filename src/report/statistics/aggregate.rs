//! Point estimates. All are means of sorted values of which as many are cut off at either end: none for
//! the mean, a quarter for the interquartile mean, all but the middle for the median.

/// Arithmetic mean; `None` of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The middle value, or the mean of the middle two.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    trimmed(values, middle_cut(values.len()))
}

/// Mean without the lowest and the highest quarter of the values (rounded down to whole values, as
/// `scipy.stats.trim_mean(values, 0.25)` does).
#[must_use]
pub fn interquartile_mean(values: &[f64]) -> Option<f64> {
    trimmed(values, quarter_cut(values.len()))
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

fn trimmed(values: &[f64], cut: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    mean(&sorted[cut..sorted.len() - cut])
}

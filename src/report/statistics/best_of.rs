//! The best of n settings, if these had been drawn from the N that were tried.
//!
//! The bootstrap draws n of the N scores with replacement and takes the largest. Its distribution needs no
//! draws: with the scores in order, s₁ ≤ … ≤ `s_N`, the largest of n is at most sᵢ with probability (i/N)ⁿ. The
//! mean over it is the expected validation performance of Dodge et al. 2019 (arXiv 1909.03004), which lies
//! below the unbiased estimate (Tang et al. 2020) and below the best of all N at n = N.

use super::Interval;

/// Mean, 2.5th and 97.5th percentile of the best of `n` of `scores`, of which more is better.
///
/// # Panics
/// If there is no score, one is not a number, or `n` is 0.
#[must_use]
pub fn best_of(scores: &[f64], n: usize) -> Interval {
    assert!(n > 0 && !scores.is_empty() && scores.iter().all(|score| !score.is_nan()));
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let at_most = |i: usize| libm::pow(i as f64 / count, n as f64);
    let value = (1..=sorted.len()).map(|i| sorted[i - 1] * (at_most(i) - at_most(i - 1))).sum();
    let percentile = |share: f64| {
        let first = (1..=sorted.len()).find(|&i| at_most(i) >= share);
        sorted[first.unwrap_or(sorted.len()) - 1]
    };
    Interval { value, low: percentile(0.025), high: percentile(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `tests/reference/best_of.py`: numpy's formula, checked there against a million draws.
    #[test]
    fn the_curve_is_that_of_numpy() {
        let text = include_str!("../../../tests/reference/best_of.csv");
        let mut rows = 0;
        for line in text.lines().skip(2) {
            let cells: Vec<&str> = line.split(',').collect();
            let scores: Vec<f64> = cells[0].split(' ').map(|x| x.parse().unwrap()).collect();
            let ours = best_of(&scores, cells[1].parse().unwrap());
            let theirs: Vec<f64> = cells[2..].iter().map(|x| x.parse().unwrap()).collect();
            for (ours, theirs) in [ours.value, ours.low, ours.high].into_iter().zip(theirs) {
                assert!((ours - theirs).abs() < 1e-12, "{line}: {ours}");
            }
            rows += 1;
        }
        assert_eq!(rows, 16);
    }

    #[test]
    fn one_is_the_mean_and_more_is_never_worse() {
        let scores = [0.3, -1.0, 0.5, 0.5];
        assert!((best_of(&scores, 1).value - 0.075).abs() < 1e-15);
        let curve: Vec<f64> = (1..=50).map(|n| best_of(&scores, n).value).collect();
        assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]) && curve[49] <= 0.5, "{curve:?}");
        assert_eq!(best_of(&[2.0], 3), Interval { value: 2.0, low: 2.0, high: 2.0 });
    }
}

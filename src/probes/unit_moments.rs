//! Moments of each unit over the samples, in f64.

use crate::kernels::element::vectorized;

/// One entry a unit.
pub(super) struct UnitMoments {
    /// E φ
    pub(super) mean: Vec<f64>,
    /// E |φ|
    pub(super) mean_abs: Vec<f64>,
    /// E φ²
    pub(super) mean_square: Vec<f64>,
    /// max |φ|
    pub(super) max_abs: Vec<f64>,
    /// Standard deviation over the samples (divided by n).
    pub(super) deviation: Vec<f64>,
    /// Rows that these were taken over.
    pub(super) samples: usize,
}

impl UnitMoments {
    /// Of finite `features` (samples, units), row-major, at least one.
    ///
    /// Two passes: E φ² - (E φ)² would lose the deviation of a unit that sits far from 0 and hardly
    /// moves, which is the very unit that `constant_units` is after. The mean of a unit that never moves
    /// is exact (up to 2^29 equal f32 add up in an f64 without rounding), so its deviation is exactly 0.
    pub(super) fn new(features: &[f32], units: usize) -> Self {
        let samples = features.len() / units;
        let zeros = || vec![0.0f64; units];
        let (mut mean, mut mean_abs, mut mean_square) = (zeros(), zeros(), zeros());
        let (mut max_abs, mut deviation) = (zeros(), zeros());
        vectorized(
            #[inline(always)]
            || {
                let (mean, mean_abs) = (&mut mean[..units], &mut mean_abs[..units]);
                let (mean_square, max_abs) = (&mut mean_square[..units], &mut max_abs[..units]);
                for row in features.chunks_exact(units) {
                    for j in 0..units {
                        let x = f64::from(row[j]);
                        mean[j] += x;
                        mean_abs[j] += x.abs();
                        mean_square[j] += x * x;
                        max_abs[j] = max_abs[j].max(x.abs());
                    }
                }
            },
        );
        let n = samples as f64;
        for sums in [&mut mean, &mut mean_abs, &mut mean_square] {
            for sum in sums.iter_mut() {
                *sum /= n;
            }
        }
        vectorized(
            #[inline(always)]
            || {
                let (mean, deviation) = (&mean[..units], &mut deviation[..units]);
                for row in features.chunks_exact(units) {
                    for j in 0..units {
                        let x = f64::from(row[j]) - mean[j];
                        deviation[j] += x * x;
                    }
                }
            },
        );
        for sum in &mut deviation {
            *sum = (*sum / n).sqrt();
        }
        Self { mean, mean_abs, mean_square, max_abs, deviation, samples }
    }

    /// Number of units.
    pub(super) fn units(&self) -> usize {
        self.mean.len()
    }
}

/// Share of the units whose `score` is at most `threshold` times the mean score of the layer.
///
/// A layer whose scores are all 0 has no active unit to compare with: every unit counts, as each score
/// is then (not more than) nothing.
pub(super) fn share_below(scores: &[f64], threshold: f64) -> f64 {
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let below = scores.iter().filter(|&&score| score <= threshold * mean).count();
    below as f64 / scores.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_two_units() {
        // Unit 0: 1, -3, 5, 1; unit 1: 0, 0, 0, 2.
        let columns = UnitMoments::new(&[1.0, 0.0, -3.0, 0.0, 5.0, 0.0, 1.0, 2.0], 2);
        assert_eq!(columns.mean, [1.0, 0.5]);
        assert_eq!(columns.mean_abs, [2.5, 0.5]);
        assert_eq!(columns.mean_square, [9.0, 1.0]);
        assert_eq!(columns.max_abs, [5.0, 2.0]);
        assert_eq!(columns.deviation, [8f64.sqrt(), 0.75f64.sqrt()]);
        assert_eq!((columns.samples, columns.units()), (4, 2));
    }

    #[test]
    fn a_unit_that_never_moves_has_a_deviation_of_exactly_zero() {
        for value in [0.1f32, -1234.567, 3e38, 1e-45] {
            assert_eq!(UnitMoments::new(&[value; 1999], 1).deviation, [0.0], "{value}");
        }
    }

    #[test]
    fn a_small_movement_far_from_zero_is_not_lost() {
        // Neighbouring f32; E φ² - (E φ)² is off by per cents here, even in f64.
        let deviation = UnitMoments::new(&[16_777_213.0, 16_777_213.0, 16_777_214.0], 1).deviation[0];
        assert!((deviation - 2f64.sqrt() / 3.0).abs() < 1e-8, "{deviation}");
    }

    #[test]
    fn the_mean_is_compared_with_not_the_sum() {
        // Mean 0.73: 0.025 · 0.73 = 0.01825. Against the sum (7.3 · 0.025 = 0.18) three would count.
        let scores = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.018];
        assert_eq!(share_below(&scores, 0.025), 0.1);
        assert_eq!(share_below(&scores, 0.15), 0.3);
        assert_eq!(share_below(&[0.0; 4], 0.025), 1.0);
    }
}

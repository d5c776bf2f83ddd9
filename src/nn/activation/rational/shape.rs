//! From trained coefficients to the curve that is drawn, and back for gradients.

use std::sync::Arc;

use super::constraint::Constraint;
use super::form::{Form, MAX_LEN};
use super::ratio::Ratio;
use crate::nn::activation::Curve;

/// A form under a constraint: y(x; θ) = g·R(x; e(θ)), or c·tanh(R/c).
#[derive(Clone, Debug)]
pub struct Shape {
    /// Version and degrees.
    pub form: Form,
    /// What maps the trained coefficients θ to effective ones.
    pub constraint: Arc<dyn Constraint>,
}

/// One set of coefficients on its way to the passes.
#[derive(Clone, Copy, Debug)]
pub struct EffectiveCoefficients {
    /// What R is drawn with: effective coefficients, the numerator times noise and gain.
    pub theta: [f64; MAX_LEN],
    /// g
    pub gain: f64,
    /// ∂g by the effective (noisy) coefficients.
    pub gain_gradient: [f64; MAX_LEN],
    /// Factors on the numerator (version D in training), else 1.
    pub noise: [f64; MAX_LEN],
}

impl Shape {
    /// The coefficients to draw with. `noise` multiplies the numerator's effective coefficients before
    /// the gain is taken of them.
    #[must_use]
    pub fn lower(&self, raw: &[f64], noise: Option<&[f64]>) -> EffectiveCoefficients {
        let len = self.form.len();
        let mut low = EffectiveCoefficients {
            theta: [0.0; MAX_LEN],
            gain: 1.0,
            gain_gradient: [0.0; MAX_LEN],
            noise: [1.0; MAX_LEN],
        };
        low.theta[..len].copy_from_slice(&raw[..len]);
        self.constraint.effective(self.form, &mut low.theta[..len]);
        if let Some(noise) = noise {
            low.noise[..noise.len()].copy_from_slice(noise);
            low.theta.iter_mut().zip(noise).for_each(|(a, factor)| *a *= factor);
        }
        low.gain = self.constraint.gain(self.form, &low.theta[..len], &mut low.gain_gradient[..len]);
        // y = g·R is R with every aᵢ times g: gains cost the passes nothing.
        low.theta[..=self.form.m].iter_mut().for_each(|a| *a *= low.gain);
        low
    }

    /// Gradient by [`EffectiveCoefficients::theta`] → gradient by `raw`, in place.
    ///
    /// With ã = g·a, ∂L/∂a = g·∂L/∂ã + ∂g/∂a·Σⱼ aⱼ·∂L/∂ãⱼ, and b gets the same second term.
    pub fn pull_back(&self, raw: &[f64], low: &EffectiveCoefficients, gradient: &mut [f64]) {
        let (m, len) = (self.form.m, self.form.len());
        if low.gain_gradient[..len].iter().any(|&g| g != 0.0) && low.gain != 0.0 {
            let pairs = low.theta[..=m].iter().zip(&gradient[..=m]);
            let by_gain = pairs.map(|(a, d)| a * d).sum::<f64>() / low.gain;
            gradient[..=m].iter_mut().for_each(|d| *d *= low.gain);
            gradient.iter_mut().zip(&low.gain_gradient).for_each(|(d, g)| *d += by_gain * g);
        } else {
            gradient[..=m].iter_mut().for_each(|d| *d *= low.gain);
        }
        gradient.iter_mut().zip(&low.noise).for_each(|(d, factor)| *d *= factor);
        self.constraint.pull_back(self.form, raw, gradient);
    }

    /// y(x) in evaluation mode for lowered coefficients.
    #[must_use]
    pub fn value(&self, ratio: &Ratio, x: f64) -> f64 {
        let r = ratio.value(x);
        self.constraint.ceiling().map_or(r, |c| c * libm::tanh(r / c))
    }

    /// What the curve of one set looks like: y's tail, sup|y'| and min Q on [-r, r], by 2,001 points and a
    /// search between the neighbours of the highest of them. A peak between two points that are no higher
    /// than their neighbours is still missed.
    #[must_use]
    pub fn describe(&self, raw: &[f64]) -> Curve {
        let low = self.lower(raw, None);
        let ratio = Ratio::new(self.form, &low.theta);
        let ceiling = self.constraint.ceiling();
        let range = self.constraint.range();
        let steepness = |x: f64| {
            let flatter = ceiling.map_or(1.0, |c| {
                let t = libm::tanh(ratio.value(x) / c);
                (1.0 - t) * (1.0 + t)
            });
            (ratio.slope(x) * flatter).abs()
        };
        Curve {
            // c·tanh is bounded: nothing is left of it beside x.
            tail_slope: if ceiling.is_some() { 0.0 } else { ratio.tail_slope() },
            steepest: highest(range, steepness),
            least_denominator: -highest(range, |x| -ratio.denominator(x)),
        }
    }
}

/// The largest value of `f` on [-range, range]: of 2,001 points, and of golden-section searches (Kiefer 1953)
/// about the highest four that are no lower than their neighbours. NaN where `f` is NaN at a point.
fn highest(range: f64, f: impl Fn(f64) -> f64) -> f64 {
    const HALF: i32 = 1000;
    const PEAKS: usize = 4;
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let x = |i: i32| range * f64::from(i) / f64::from(HALF);
    let values: Vec<f64> = (-HALF..=HALF).map(|i| f(x(i))).collect();
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let at = |i: i32| values.get((i + HALF) as usize).copied().unwrap_or(f64::NEG_INFINITY);
    let mut peaks: Vec<i32> = (-HALF..=HALF).filter(|&i| at(i) >= at(i - 1) && at(i) >= at(i + 1)).collect();
    peaks.sort_by(|&i, &j| at(j).total_cmp(&at(i)));
    let mut most = at(peaks[0]);
    for &peak in peaks.iter().take(PEAKS) {
        let (mut left, mut right) = (x((peak - 1).max(-HALF)), x((peak + 1).min(HALF)));
        // Each step keeps 0.618 of the interval: 1e-8 of it is left.
        for _ in 0..40 {
            let step = GOLDEN * (right - left);
            let (inner, outer) = (right - step, left + step);
            let (low, high) = (f(inner), f(outer));
            most = most.max(low).max(high);
            if low > high { right = outer } else { left = inner }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::highest;

    /// 1/(1 + ((x - c)/w)²) with c between two points of the grid and w less than their distance: the points
    /// see 0.07 and 0.03 of its height of 1.
    #[test]
    fn a_peak_between_two_points_is_found() {
        let spike = |x: f64| 1.0 / (1.0 + ((x - 1.2345) / 0.001).powi(2));
        assert!((highest(10.0, spike) - 1.0).abs() < 1e-9);
        assert_eq!(highest(10.0, |_| 3.0), 3.0);
        assert!((highest(1.0, |x| x) - 1.0).abs() < 1e-12);
        assert!(highest(1.0, |x| if x > 0.5 { f64::NAN } else { 0.0 }).is_nan());
    }
}

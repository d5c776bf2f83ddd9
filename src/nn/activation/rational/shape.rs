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
pub struct Lowered {
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
    pub fn lower(&self, raw: &[f64], noise: Option<&[f64]>) -> Lowered {
        let len = self.form.len();
        let mut low = Lowered {
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

    /// Gradient by [`Lowered::theta`] → gradient by `raw`, in place.
    ///
    /// With ã = g·a, ∂L/∂a = g·∂L/∂ã + ∂g/∂a·Σⱼ aⱼ·∂L/∂ãⱼ, and b gets the same second term.
    pub fn pull_back(&self, raw: &[f64], low: &Lowered, gradient: &mut [f64]) {
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

    /// What the curve of one set looks like: y's tail, sup|y'| and min Q over 2,001 points of [-r, r].
    #[must_use]
    pub fn describe(&self, raw: &[f64]) -> Curve {
        const HALF: i32 = 1000;
        let low = self.lower(raw, None);
        let ratio = Ratio::new(self.form, &low.theta);
        let ceiling = self.constraint.ceiling();
        let mut curve = Curve {
            // c·tanh is bounded: nothing is left of it beside x.
            tail_slope: if ceiling.is_some() { 0.0 } else { ratio.tail_slope() },
            steepest: 0.0,
            least_denominator: f64::INFINITY,
        };
        for i in -HALF..=HALF {
            let x = self.constraint.range() * f64::from(i) / f64::from(HALF);
            let flatter = ceiling.map_or(1.0, |c| {
                let t = libm::tanh(ratio.value(x) / c);
                (1.0 - t) * (1.0 + t)
            });
            let slope = (ratio.slope(x) * flatter).abs();
            if slope > curve.steepest || slope.is_nan() {
                curve.steepest = slope;
            }
            curve.least_denominator = curve.least_denominator.min(ratio.denominator(x));
        }
        curve
    }
}

//! The squashed normal policy of SAC: a = tanh(u), u = μ + σε (Haarnoja et al. 2018, arXiv 1801.01290,
//! appendix C; 1812.05905).
//!
//! log π(a) = Σ [−ε²/2 − log σ − ½ ln 2π − log(1 − tanh² u)]. The last term is computed from u as
//! 2(ln 2 − u − softplus(−2u)), which is exact where 1 − a² is 0 in floating point, and u itself is kept:
//! an action is never turned back by atanh.

use super::Sample;
use crate::kernels::element::vectorized;
use crate::kernels::real::Real;

/// How an output becomes log σ within [min, max].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogStd {
    /// Cut off at the ends; no gradient beyond them.
    Clip,
    /// min + (max − min)/2 · (1 + tanh x).
    Squash,
}

/// The head: an actor's row of outputs is μ, then what becomes log σ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TanhGaussian {
    /// How.
    pub log_std: LogStd,
    /// [min, max] of log σ.
    pub range: (f64, f64),
}

/// ½ ln 2π
const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;

/// log(1 − tanh² u) = 2(ln 2 − u − softplus(−2u)), written with |u|, in which it is even.
#[inline(always)]
pub fn log_density_of_tanh<T: Real>(u: T) -> T {
    let size = u.abs();
    let (two, ln2) = (T::of(2.0), T::of(std::f64::consts::LN_2));
    two * (ln2 - size - (-(two * size)).exp().ln_1p())
}

impl TanhGaussian {
    /// log σ from an output.
    #[inline(always)]
    fn log_sigma<T: Real>(self, x: T) -> T {
        let (min, max) = (T::of(self.range.0), T::of(self.range.1));
        match self.log_std {
            // Not `max`, which would turn NaN into a bound and hide a diverged network.
            LogStd::Clip if x < min => min,
            LogStd::Clip if x > max => max,
            LogStd::Clip => x,
            LogStd::Squash => min + T::of((self.range.1 - self.range.0) / 2.0) * (T::ONE + x.tanh()),
        }
    }

    /// Its derivative.
    #[inline(always)]
    fn slope<T: Real>(self, x: T) -> T {
        match self.log_std {
            LogStd::Clip if x < T::of(self.range.0) || x > T::of(self.range.1) => T::ZERO,
            LogStd::Clip => T::ONE,
            LogStd::Squash => {
                let t = x.tanh();
                T::of((self.range.1 - self.range.0) / 2.0) * (T::ONE - t) * (T::ONE + t)
            }
        }
    }

    /// Saves σ of every action.
    pub(super) fn sample<T: Real>(self, outputs: &[T], noise: &[T], actions: usize) -> Sample<T> {
        let rows = outputs.len() / (2 * actions);
        let mut sample = Sample {
            actions: vec![T::ZERO; rows * actions],
            log_probs: vec![T::ZERO; rows],
            saved: vec![T::ZERO; rows * actions],
        };
        let mut terms = vec![T::ZERO; rows * actions];
        let (means, raw) = split(outputs, actions);
        vectorized(
            #[inline(always)]
            || {
                let outs = sample.actions.iter_mut().zip(&mut sample.saved).zip(&mut terms);
                for (((action, saved), term), ((&mean, &x), &e)) in
                    outs.zip(means.iter().zip(&raw).zip(noise))
                {
                    let log_sigma = self.log_sigma(x);
                    let sigma = log_sigma.exp();
                    let u = sigma.mul_add(e, mean);
                    *action = u.tanh();
                    *saved = sigma;
                    let normal = T::of(-0.5) * e * e - log_sigma - T::of(HALF_LN_2PI);
                    *term = normal - log_density_of_tanh(u);
                }
            },
        );
        for (sum, terms) in sample.log_probs.iter_mut().zip(terms.chunks_exact(actions)) {
            *sum = terms.iter().copied().sum();
        }
        sample
    }

    /// ∂a/∂u = 1 − a², ∂ log π/∂u = 2a, ∂u/∂ log σ = σε, ∂ log π/∂ log σ beside it = −1.
    pub(super) fn backward<T: Real>(
        self,
        sample: &Sample<T>,
        outputs: &[T],
        noise: &[T],
        d_actions: &[T],
        d_log_prob: T,
    ) -> Vec<T> {
        let actions = sample.actions.len() / sample.log_probs.len();
        let (_, raw) = split(outputs, actions);
        let (mut d_mean, mut d_raw) = (vec![T::ZERO; raw.len()], vec![T::ZERO; raw.len()]);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..raw.len() {
                    let a = sample.actions[i];
                    let through = d_actions[i] * (T::ONE - a) * (T::ONE + a) + d_log_prob * T::of(2.0) * a;
                    d_mean[i] = through;
                    d_raw[i] = (through * sample.saved[i] * noise[i] - d_log_prob) * self.slope(raw[i]);
                }
            },
        );
        let rows = d_mean.chunks_exact(actions).zip(d_raw.chunks_exact(actions));
        rows.flat_map(|(mean, raw)| mean.iter().chain(raw).copied()).collect()
    }
}

/// Rows of (means, raw) taken apart.
fn split<T: Real>(outputs: &[T], actions: usize) -> (Vec<T>, Vec<T>) {
    let half = |from: usize| {
        let rows = outputs.chunks_exact(2 * actions);
        rows.flat_map(|row| row[from..from + actions].iter().copied()).collect()
    };
    (half(0), half(actions))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: TanhGaussian = TanhGaussian { log_std: LogStd::Clip, range: (-10.0, 2.0) };
    const SQUASH: TanhGaussian = TanhGaussian { log_std: LogStd::Squash, range: (-5.0, 2.0) };

    /// log(1 − tanh²u) by decimal with 60 digits; 1 − tanh²(20) is 1.7e-17, which no f32 or f64 beside 1
    /// can show.
    #[test]
    fn the_density_is_right_where_the_action_is_one() {
        for (u, exact) in [
            (0.0, 0.0),
            (0.5, -0.240_229_013_916_555_05),
            (3.0, -4.618_657_009_155_57),
            (20.0, -38.613_705_638_880_11),
            (-20.0, -38.613_705_638_880_11),
            (90.0, -178.613_705_638_880_1),
        ] {
            assert!((log_density_of_tanh::<f64>(u) - exact).abs() <= 1e-13 * (1.0 + exact.abs()), "{u}");
            let narrow = f64::from(log_density_of_tanh::<f32>(u as f32));
            assert!((narrow - exact).abs() <= 3e-7 * (1.0 + exact.abs()), "{u}: {narrow}");
        }
        // The whole density at |u| = 20 with σ = 1 and ε = 0: −½ ln 2π + 38.6137.
        for mean in [20.0f32, -20.0] {
            let sample = CLIP.sample(&[mean, 0.0], &[0.0], 1);
            assert_eq!(sample.actions, [mean.signum()]);
            assert!((f64::from(sample.log_probs[0]) - 37.694_767_105_675_44).abs() < 1e-5);
        }
    }

    /// ∫ π da = 1 with the density of every action by its u: by the trapezoid rule over u.
    #[test]
    fn the_density_integrates_to_one() {
        let (mean, log_sigma) = (0.7, -0.4f64);
        let (step, mut sum) = (1e-3, 0.0);
        for i in -9000..=9000 {
            let u = f64::from(i) * step;
            let e = (u - mean) / log_sigma.exp();
            let sample = CLIP.sample(&[mean, log_sigma], &[e], 1);
            let jacobian = 1.0 - sample.actions[0] * sample.actions[0];
            sum += sample.log_probs[0].exp() * jacobian * step;
        }
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }

    /// L = Σ c·a + d Σ log π against central differences, both ways of log σ.
    #[test]
    fn gradients_are_those_of_differences() {
        let outputs = [0.3, -1.2, 0.1, -0.6, 2.0, 0.4, 1.1, -3.0];
        let (noise, weights) = ([0.5, -1.3, 0.2, 0.9], [1.0, -2.0, 0.5, 0.7]);
        for policy in [CLIP, SQUASH] {
            let loss = |outputs: &[f64]| {
                let sample = policy.sample(outputs, &noise, 2);
                let by_action: f64 = sample.actions.iter().zip(weights).map(|(a, c)| a * c).sum();
                by_action + 0.3 * sample.log_probs.iter().sum::<f64>()
            };
            let sample = policy.sample(&outputs, &noise, 2);
            let gradient = policy.backward(&sample, &outputs, &noise, &weights, 0.3);
            for i in 0..outputs.len() {
                let at = |delta: f64| {
                    let mut moved = outputs;
                    moved[i] += delta;
                    loss(&moved)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((gradient[i] - expected).abs() < 1e-8, "{policy:?} {i}: {} {expected}", gradient[i]);
            }
        }
    }

    #[test]
    fn beyond_its_ends_a_clipped_log_sigma_stands_still() {
        let outputs = [0.0f64, 3.0];
        let sample = CLIP.sample(&outputs, &[1.0], 1);
        assert!((sample.saved[0] - 2.0f64.exp()).abs() < 1e-12);
        assert_eq!(CLIP.backward(&sample, &outputs, &[1.0], &[1.0], 1.0)[1], 0.0);
        let sample = SQUASH.sample(&[0.0f64, 40.0], &[1.0], 1);
        assert!((sample.saved[0] - 2.0f64.exp()).abs() < 1e-12);
    }

    #[test]
    fn an_output_that_is_no_number_stays_none() {
        let sample = CLIP.sample(&[f32::NAN, f32::NAN], &[0.0], 1);
        assert!(sample.actions[0].is_nan() && sample.log_probs[0].is_nan());
    }
}

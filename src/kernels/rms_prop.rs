//! `RMSprop`'s step on one parameter (Tieleman & Hinton 2012; torch.optim.RMSprop, not centred): in place and in one
//! pass.

use super::element::{flushed, vectorized};

/// Parameters below this get no smaller, if they were below [`SMALL`] before.
const LEAST: f32 = 1e-30;
/// Far below what moves an output.
const SMALL: f32 = 1e-20;

/// `RMSprop`'s numbers.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp {
    /// Step size.
    pub learning_rate: f64,
    /// α: decay of the mean of squared gradients.
    pub alpha: f64,
    /// Added to the root of that mean.
    pub epsilon: f64,
    /// Decay of the sum of scaled gradients.
    pub momentum: f64,
    /// Coupled weight decay.
    pub weight_decay: f64,
}

impl RmsProp {
    /// One step on parameter `p` with gradient `g`, momentum buffer `b` and mean of squares `v`, which start
    /// at 0.
    pub fn step(&self, p: &mut [f32], g: &[f32], b: &mut [f32], v: &mut [f32]) {
        let (rate, momentum, decay) =
            (self.learning_rate as f32, self.momentum as f32, self.weight_decay as f32);
        let (alpha, rest, epsilon) = (self.alpha as f32, (1.0 - self.alpha) as f32, self.epsilon as f32);
        // With a usual ε no update changes by this. With a tiny one v is the divisor and must not be flushed.
        let least = if self.epsilon > 1e-15 { f32::MIN_POSITIVE } else { 0.0 };
        let n = p.len();
        let (g, b, v) = (&g[..n], &mut b[..n], &mut v[..n]);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..n {
                    let d = decay.mul_add(p[i], flushed(g[i], f32::MIN_POSITIVE));
                    let square = flushed((rest * d).mul_add(d, alpha * v[i]), least);
                    v[i] = square;
                    let scaled = d / (square.sqrt() + epsilon);
                    let buffer = flushed(momentum.mul_add(b[i], scaled), f32::MIN_POSITIVE);
                    let value = (-rate).mul_add(buffer, p[i]);
                    // What a penalty has shrunk to nothing rests, until a step would make it grow again: see Adam's.
                    let rests = p[i].abs() < SMALL && value.abs() < LEAST && value.abs() <= p[i].abs();
                    b[i] = if rests { 0.0 } else { buffer };
                    p[i] = flushed(if rests { p[i] } else { value }, f32::MIN_POSITIVE);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step is 10⁴ times a parameter that a penalty alone moves, once v has gone.
    #[test]
    fn a_penalty_alone_brings_a_parameter_back() {
        let rule =
            RmsProp { learning_rate: 0.01, alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.01 };
        let (mut p, mut b, mut v) = ([0.05f32], [0.0f32], [1e-2f32]);
        let (mut least, mut back) = (f32::MAX, false);
        for _ in 0..20_000 {
            rule.step(&mut p, &[0.0], &mut b, &mut v);
            least = least.min(p[0].abs());
            back |= least < 1e-20 && p[0].abs() > 1e-9;
        }
        assert!((1e-31..1e-20).contains(&least) && back, "{least:e} {p:?}");
    }

    /// By hand: v = 0.1·4, d = 2/(√0.4 + ε); then v = 0.9·0.4 + 0.1 and b = 0.5·b + 1/√v.
    #[test]
    fn two_steps_by_hand() {
        let rule = RmsProp { learning_rate: 0.1, alpha: 0.9, epsilon: 0.0, momentum: 0.5, weight_decay: 0.0 };
        let (mut p, mut b, mut v) = ([1.0f32], [0.0f32], [0.0f32]);
        rule.step(&mut p, &[2.0], &mut b, &mut v);
        let first = 2.0 / 0.4f32.sqrt();
        assert!((p[0] - (1.0 - 0.1 * first)).abs() < 1e-6 && (v[0] - 0.4).abs() < 1e-7, "{p:?} {v:?}");
        rule.step(&mut p, &[1.0], &mut b, &mut v);
        let second = 0.5 * first + 1.0 / 0.46f32.sqrt();
        assert!((p[0] - (1.0 - 0.1 * first - 0.1 * second)).abs() < 1e-6, "{p:?}");
    }
}

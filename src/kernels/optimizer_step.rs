//! Optimiser steps on one parameter, in place and in one pass: PyTorch's arithmetic, element by
//! element (torch.optim, default `capturable=False`, `amsgrad=False`).

use super::element::{flushed, vectorized};

/// Gradients and moments below this are 0, and parameters that arithmetic would make subnormal.
///
/// A dead unit's gradient stays 0. Its moments then shrink until rounding stops them (0.9 times four of the
/// least subnormals rounds to four again), and arithmetic on subnormal numbers is slow
/// ([`super::element::flush`]). Networks that lose plasticity have many of them. The square of a gradient
/// becomes subnormal long before the gradient itself and has a bound of its own.
const LEAST: f32 = 1e-30;

/// Adam's numbers for one step of one parameter (Kingma & Ba 2015; `AdamW`: Loshchilov & Hutter 2019).
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first and second moments.
    pub betas: (f64, f64),
    /// Added to √v̂.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Decoupled (`AdamW`: p shrinks by lr·λ) or coupled (Adam: λp joins the gradient).
    pub decoupled: bool,
}

/// What Adam does to every element in one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    step_size: f32,
    inverse_root: f32,
    epsilon: f32,
    betas: (f32, f32),
    rests: (f32, f32),
    coupled: f32,
    shrink: f32,
    least: f32,
    least_root: f32,
}

impl Adam {
    /// Step number `step` (from 1).
    #[must_use]
    pub fn at(&self, step: u64) -> AdamStep {
        let t = step as f64;
        let correction1 = 1.0 - libm::pow(self.betas.0, t);
        let correction2 = 1.0 - libm::pow(self.betas.1, t);
        // With a usual ε these thresholds change no update. With a tiny one v is the divisor and must not be
        // flushed: the root of the least square kept is 3.4e-18.
        let (least, least_root) = if self.epsilon > 1e-15 {
            (LEAST, (f64::from(f32::MIN_POSITIVE) / (1.0 - self.betas.1)).sqrt() as f32)
        } else {
            (0.0, 0.0)
        };
        AdamStep {
            step_size: (self.learning_rate / correction1) as f32,
            inverse_root: (1.0 / correction2.sqrt()) as f32,
            epsilon: self.epsilon as f32,
            betas: (self.betas.0 as f32, self.betas.1 as f32),
            rests: ((1.0 - self.betas.0) as f32, (1.0 - self.betas.1) as f32),
            coupled: if self.decoupled { 0.0 } else { self.weight_decay as f32 },
            shrink: if self.decoupled { (1.0 - self.learning_rate * self.weight_decay) as f32 } else { 1.0 },
            least,
            least_root,
        }
    }
}

impl AdamStep {
    /// step size, 1/√(1 - β₂ᵗ), ε, β₁, β₂, 1 - β₁, 1 - β₂, coupled decay, factor of decoupled decay, and the two
    /// thresholds: what other kernels need to do the same.
    #[must_use]
    pub fn numbers(&self) -> [f32; 11] {
        let Self { step_size, inverse_root, epsilon, betas, rests, coupled, shrink, least, least_root } =
            *self;
        [
            step_size,
            inverse_root,
            epsilon,
            betas.0,
            betas.1,
            rests.0,
            rests.1,
            coupled,
            shrink,
            least,
            least_root,
        ]
    }

    /// On parameters `p` with gradients `g` and moments `m`, `v`.
    pub fn apply(&self, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        let Self { step_size, inverse_root, epsilon, coupled, shrink, least, least_root, .. } = *self;
        let ((beta1, beta2), (rest1, rest2)) = (self.betas, self.rests);
        let n = p.len();
        let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..n {
                    let w = p[i] * shrink;
                    let d = coupled.mul_add(w, flushed(g[i], least));
                    let first = flushed(rest1.mul_add(d, beta1 * m[i]), least);
                    let root = flushed(d, least_root);
                    let second = (rest2 * root).mul_add(root, beta2 * v[i]);
                    let second = flushed(second, f32::MIN_POSITIVE.min(least));
                    m[i] = first;
                    v[i] = second;
                    p[i] = flushed(
                        w - step_size * first / second.sqrt().mul_add(inverse_root, epsilon),
                        f32::MIN_POSITIVE,
                    );
                }
            },
        );
    }
}

/// SGD's numbers (with momentum as PyTorch defines it: b = μb + g, no dampening).
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// Step size.
    pub learning_rate: f64,
    /// μ
    pub momentum: f64,
    /// Nesterov's form: g + μb in place of b.
    pub nesterov: bool,
    /// Coupled weight decay.
    pub weight_decay: f64,
}

impl Sgd {
    /// The same in the places that Adam's have: step size, momentum as β₁, coupled decay, and 1 in place of the factor
    /// of decoupled decay for Nesterov's form.
    #[must_use]
    pub fn numbers(&self) -> [f32; 11] {
        let ahead = if self.nesterov { 1.0 } else { 0.0 };
        let (rate, momentum) = (self.learning_rate as f32, self.momentum as f32);
        [rate, 0.0, 0.0, momentum, 0.0, 0.0, 0.0, self.weight_decay as f32, ahead, 0.0, 0.0]
    }

    /// One step on parameter `p` with gradient `g` and momentum buffer `b`, which starts at 0.
    pub fn step(&self, p: &mut [f32], g: &[f32], b: &mut [f32]) {
        let (rate, momentum, decay) =
            (self.learning_rate as f32, self.momentum as f32, self.weight_decay as f32);
        let ahead = if self.nesterov { 1.0 } else { 0.0 };
        let n = p.len();
        let (g, b) = (&g[..n], &mut b[..n]);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..n {
                    // No ε here: what is flushed is subnormal, nothing more.
                    let d = decay.mul_add(p[i], flushed(g[i], f32::MIN_POSITIVE));
                    let buffer = flushed(momentum.mul_add(b[i], d), f32::MIN_POSITIVE);
                    b[i] = buffer;
                    // Nesterov: d + μ·buffer; plain: buffer.
                    let direction = if ahead > 0.0 { momentum.mul_add(buffer, d) } else { buffer };
                    p[i] = flushed((-rate).mul_add(direction, p[i]), f32::MIN_POSITIVE);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adam(epsilon: f64) -> Adam {
        Adam { learning_rate: 1e-3, betas: (0.9, 0.999), epsilon, weight_decay: 0.0, decoupled: false }
    }

    /// m = 1e-3 · 0.9ᵗ leaves the normal numbers after 769 steps; rounding would keep it from 0 for good.
    #[test]
    fn moments_of_a_dead_unit_end_at_zero() {
        let (mut p, mut m, mut v, mut b) = ([0.5], [1e-3], [1e-36], [1e-3]);
        for step in 1..=5000 {
            adam(1e-8).at(step).apply(&mut p, &[0.0], &mut m, &mut v);
            let sgd = Sgd { learning_rate: 1e-3, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
            sgd.step(&mut [0.5], &[0.0], &mut b);
            assert!(m[0] == 0.0 || m[0].is_normal(), "{step}: {}", m[0]);
        }
        assert_eq!((m, v, b), ([0.0], [0.0], [0.0]));
    }

    /// 1e-3·(1e-19)² is subnormal in every step; the first moment and the parameter go on as they would.
    #[test]
    fn squares_of_small_gradients_end_at_zero() {
        let (mut p, mut m, mut v) = ([0.0], [0.0], [0.0]);
        adam(1e-8).at(1).apply(&mut p, &[1e-19], &mut m, &mut v);
        assert_eq!(v, [0.0]);
        assert!((m[0] - 1e-20).abs() < 1e-26 && (p[0] + 1e-14).abs() < 1e-20, "{} {}", m[0], p[0]);
    }

    /// With a tiny ε the least of second moments is still divided by: no step is longer than lr.
    #[test]
    fn with_a_tiny_epsilon_small_moments_stay() {
        for epsilon in [0.0, 2e-20, 1e-15] {
            let (mut p, mut m, mut v) = ([0.5], [0.0], [0.0]);
            adam(epsilon).at(1).apply(&mut p, &[1e-20], &mut m, &mut v);
            assert!(v[0] > 0.0 && !v[0].is_normal(), "{epsilon}: {}", v[0]);
            // The first step is of length lr·g/(g + ε); v has few bits left here.
            let length = 1e-3 * 1e-20 / (1e-20 + epsilon);
            assert!((f64::from(0.5 - p[0]) - length).abs() < 1e-4, "{epsilon}: {}", p[0]);
        }
    }

    /// A parameter at 0 follows gradients of any size.
    #[test]
    fn sgd_flushes_only_what_is_subnormal() {
        let sgd = Sgd { learning_rate: 1.0, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
        let (mut p, mut b) = ([0.0], [0.0]);
        sgd.step(&mut p, &[1e-34], &mut b);
        assert_eq!((p, b), ([-1e-34], [1e-34]));
        sgd.step(&mut [0.5], &[1e-40], &mut b);
        assert_eq!(b, [0.9 * 1e-34]);
    }
}

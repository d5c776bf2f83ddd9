//! Optimiser steps on one parameter, in place and in one pass: PyTorch's arithmetic, element by
//! element (torch.optim, default `capturable=False`, `amsgrad=False`).

use super::element::{flushed, vectorized};
use super::settling::Settling;

/// A first moment below this is 0, unless the step would make its parameter larger; and what arithmetic would make
/// subnormal is 0.
///
/// A dead unit's gradient stays 0. Its moments then shrink until rounding stops them (0.9 times four of the
/// least subnormals rounds to four again), and arithmetic on subnormal numbers is slow
/// ([`super::element::flush`]). Networks that lose plasticity have many of them. The square of a gradient
/// becomes subnormal long before the gradient itself and has a bound of its own.
///
/// Under a penalty λ a dead unit's parameters shrink to nothing while √v is still large, and wait there. As soon as
/// √v + ε < η·λ/38 (with β₁ = 0.9), Adam is no longer stable: a step goes beyond 0 by more than the parameter had, which
/// grows from step to step until it sends √v up again. That is how such units come back to life, in `PyTorch` too, and
/// why a parameter that rests here must not lose the little that it has.
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
    /// Whether moments are corrected for their start as in the code of continual backprop (its `AdamGnT`), whose step is
    /// η·(1 - β₂ᵗ)·m/(√v + ε): the root and the first moment's correction are computed there and not used. The first
    /// steps are short.
    pub gnt: bool,
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
    /// Both are added to √v̂, the second with the correction of v.
    epsilon: (f32, f32),
    betas: (f32, f32),
    rests: (f32, f32),
    coupled: f32,
    shrink: f32,
    least: f32,
    least_root: f32,
}

impl Adam {
    /// With `PyTorch`'s defaults but for the step size: β 0.9 and 0.999, ε 1e-8, no decay.
    #[must_use]
    pub const fn new(learning_rate: f64) -> Self {
        let betas = (0.9, 0.999);
        Self { learning_rate, betas, epsilon: 1e-8, gnt: false, weight_decay: 0.0, decoupled: false }
    }

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
        let epsilon = self.epsilon as f32;
        let (correction1, root) =
            if self.gnt { (1.0, correction2) } else { (correction1, correction2.sqrt()) };
        AdamStep {
            step_size: (self.learning_rate / correction1) as f32,
            inverse_root: (1.0 / root) as f32,
            epsilon: if self.gnt { (0.0, epsilon) } else { (epsilon, 0.0) },
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
    /// step size, 1/√(1 - β₂ᵗ) or what is in its place, ε, β₁, β₂, 1 - β₁, 1 - β₂, coupled decay, factor of decoupled
    /// decay, and the two thresholds: what other kernels need to do the same.
    #[must_use]
    pub fn numbers(&self) -> [f32; 11] {
        let Self { step_size, inverse_root, betas, rests, coupled, shrink, least, least_root, .. } = *self;
        [
            step_size,
            inverse_root,
            self.epsilon_with(inverse_root),
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

    /// What the first moment is multiplied by: the learning rate over 1 - β₁ᵗ.
    #[must_use]
    pub fn step_size(&self) -> f32 {
        self.step_size
    }

    /// What √v is multiplied by: 1/√(1 - β₂ᵗ).
    #[must_use]
    pub fn inverse_root(&self) -> f32 {
        self.inverse_root
    }

    /// What is added to √v̂ where v is corrected by this inverse root.
    #[inline(always)]
    fn epsilon_with(&self, inverse_root: f32) -> f32 {
        self.epsilon.1.mul_add(inverse_root, self.epsilon.0)
    }

    /// On parameters `p` with gradients `g` and moments `m`, `v`.
    pub fn apply(&self, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        let (step, n) = (*self, p.len());
        let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
        let epsilon = self.epsilon_with(self.inverse_root);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..n {
                    let corrections = (step.step_size, step.inverse_root, epsilon);
                    (p[i], m[i], v[i]) = step.of_one(corrections, p[i], g[i], m[i], v[i]);
                }
            },
        );
    }

    /// The same where elements are at steps of their own: each has a step size and an inverse root, of which those of
    /// this step are the least.
    pub fn apply_each(
        &self,
        (sizes, roots): (&[f32], &[f32]),
        p: &mut [f32],
        g: &[f32],
        m: &mut [f32],
        v: &mut [f32],
    ) {
        let (step, n) = (*self, p.len());
        let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
        let (sizes, roots) = (&sizes[..n], &roots[..n]);
        let greater = |a: f32, b: f32| if a > b { a } else { b };
        vectorized(
            #[inline(always)]
            || {
                for i in 0..n {
                    let root = greater(roots[i], step.inverse_root);
                    let corrections = (greater(sizes[i], step.step_size), root, step.epsilon_with(root));
                    (p[i], m[i], v[i]) = step.of_one(corrections, p[i], g[i], m[i], v[i]);
                }
            },
        );
    }

    /// Value and moments after the step, of one element.
    #[inline(always)]
    fn of_one(
        self,
        (step_size, inverse_root, epsilon): (f32, f32, f32),
        p: f32,
        g: f32,
        m: f32,
        v: f32,
    ) -> (f32, f32, f32) {
        let Self { coupled, shrink, least, least_root, .. } = self;
        let ((beta1, beta2), (rest1, rest2)) = (self.betas, self.rests);
        let w = p * shrink;
        let d = coupled.mul_add(w, g);
        let first = rest1.mul_add(d, beta1 * m);
        let root = flushed(d, least_root);
        let second = flushed((rest2 * root).mul_add(root, beta2 * v), f32::MIN_POSITIVE.min(least));
        let value = w - step_size * first / second.sqrt().mul_add(inverse_root, epsilon);
        // No branch: the loop is vectors.
        let rests = (first.abs() < least) & (value.abs() <= w.abs());
        let value = if rests { w } else { value };
        let first = if rests { 0.0 } else { first };
        (flushed(value, f32::MIN_POSITIVE), first, second)
    }
}

/// Steps of one rule by their number. They differ in two corrections, which are computed once.
#[derive(Clone, Debug)]
pub struct Corrections {
    rule: Adam,
    first: AdamStep,
    /// Step size and inverse root from step 1 on.
    known: Settling<(f32, f32)>,
}

impl Corrections {
    /// Of this rule.
    #[must_use]
    pub fn new(rule: Adam) -> Self {
        let known = Settling::on((rule.learning_rate as f32, 1.0));
        Self { rule, first: rule.at(1), known }
    }

    /// Step number `step` (from 1).
    pub fn at(&mut self, step: u64) -> AdamStep {
        let corrections = |before: u64| {
            let step = self.rule.at(before + 1);
            (step.step_size, step.inverse_root)
        };
        let (step_size, inverse_root) = self.known.at(step.saturating_sub(1), corrections);
        AdamStep { step_size, inverse_root, ..self.first }
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
        Adam { epsilon, ..Adam::new(1e-3) }
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

    /// A parameter that nothing but a penalty moves shrinks to nothing. Once √v has gone it grows again, by itself, as
    /// it does in exact arithmetic: in f64 here, which has room for it.
    #[test]
    fn a_penalty_alone_brings_a_parameter_back() {
        let (rate, penalty, epsilon) = (1e-4, 1e-2, 1e-8);
        let rule = Adam { learning_rate: rate, ..adam(epsilon) };
        let (mut p, mut m, mut v) = ([0.05f32], [0.0f32], [1e-6f32]);
        let (mut exact, mut first, mut second) = (0.05f64, 0.0f64, 1e-6f64);
        let (mut least, mut back, mut exactly_back) = (f32::MAX, None, None);
        for step in 20_001..60_000 {
            let gradient = [penalty as f32 * p[0]];
            rule.at(step).apply(&mut p, &gradient, &mut m, &mut v);
            least = least.min(p[0].abs());
            if least < 1e-20 && p[0].abs() > 1e-9 {
                back = back.or(Some(step));
            }
            let gradient = penalty * exact;
            first = 0.9 * first + 0.1 * gradient;
            second = 0.999 * second + 1e-3 * gradient * gradient;
            exact -= rate * first / (second.sqrt() + epsilon);
            if step > 25_000 && exact.abs() > 1e-9 {
                exactly_back = exactly_back.or(Some(step));
            }
        }
        println!("{least:e} {back:?} {exactly_back:?}");
        let (back, exactly_back) = (back.unwrap() as f64, exactly_back.unwrap() as f64);
        assert!((back - exactly_back).abs() < 0.1 * (exactly_back - 20_000.0), "{back} {exactly_back}");
        // It stays where the step is on the edge of stability.
        assert!((1e-12..1e-4).contains(&p[0].abs()), "{}", p[0]);
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

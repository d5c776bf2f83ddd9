//! Optimiser steps on one parameter, in place and in one pass: PyTorch's arithmetic, element by
//! element (torch.optim, default `capturable=False`, `amsgrad=False`).

use super::element::vectorized;

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

impl Adam {
    /// Step number `step` (from 1) on parameter `p` with gradient `g` and moments `m`, `v`.
    pub fn step(&self, step: u64, p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        let t = step as f64;
        let correction1 = 1.0 - libm::pow(self.betas.0, t);
        let correction2 = 1.0 - libm::pow(self.betas.1, t);
        let step_size = (self.learning_rate / correction1) as f32;
        let inverse_root = (1.0 / correction2.sqrt()) as f32;
        let epsilon = self.epsilon as f32;
        let (beta1, beta2) = (self.betas.0 as f32, self.betas.1 as f32);
        let (rest1, rest2) = ((1.0 - self.betas.0) as f32, (1.0 - self.betas.1) as f32);
        let coupled = if self.decoupled { 0.0 } else { self.weight_decay as f32 };
        let shrink = if self.decoupled { (1.0 - self.learning_rate * self.weight_decay) as f32 } else { 1.0 };
        let n = p.len();
        let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..n {
                    let w = p[i] * shrink;
                    let d = coupled.mul_add(w, g[i]);
                    let first = rest1.mul_add(d, beta1 * m[i]);
                    let second = (rest2 * d).mul_add(d, beta2 * v[i]);
                    m[i] = first;
                    v[i] = second;
                    p[i] = w - step_size * first / second.sqrt().mul_add(inverse_root, epsilon);
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
                    let d = decay.mul_add(p[i], g[i]);
                    let buffer = momentum.mul_add(b[i], d);
                    b[i] = buffer;
                    // Nesterov: d + μ·buffer; plain: buffer.
                    let direction = if ahead > 0.0 { momentum.mul_add(buffer, d) } else { buffer };
                    p[i] = (-rate).mul_add(direction, p[i]);
                }
            },
        );
    }
}

//! Sums over fixed points that two constraints take at every step: the steepest slope on a grid, and
//! the second moment on a standard Gaussian. Both go through the passes of training in f64.

use std::sync::OnceLock;

use super::form::Form;
use super::pass::{self, Curves, Span, Sums, Upstream};
use super::ratio::Ratio;

/// Nodes of the Gauss–Hermite sum.
pub const NODES: usize = 128;

/// Nodes xⱼ and weights wⱼ with Σwⱼf(xⱼ) ≈ E f(z), z ~ N(0, 1), exact for polynomials of degree 255.
#[must_use]
pub fn gauss_hermite() -> &'static ([f64; NODES], [f64; NODES]) {
    static RULE: OnceLock<([f64; NODES], [f64; NODES])> = OnceLock::new();
    RULE.get_or_init(|| {
        // The polynomials orthonormal under N(0, 1): √k·p_k = x·p_{k-1} - √(k-1)·p_{k-2}.
        // Gives p_N(x) and Σ_{k<N} p_k(x)², whose inverse is the Christoffel number: a node's weight.
        let polynomials = |x: f64| {
            let (mut before, mut here, mut squares) = (0.0, 1.0, 0.0);
            for k in 1..=NODES {
                squares += here * here;
                let next = (x * here - ((k - 1) as f64).sqrt() * before) / (k as f64).sqrt();
                (before, here) = (here, next);
            }
            (here, squares)
        };
        let (mut nodes, mut weights) = ([0.0; NODES], [0.0; NODES]);
        // All nodes lie within ±2√N; neighbours are at least π/√N apart, far more than this step.
        let step = 0.05 / (NODES as f64).sqrt();
        let (mut left, mut found) = (0.0, 0);
        while found < NODES / 2 {
            let right = left + step;
            if polynomials(left).0 * polynomials(right).0 < 0.0 {
                let (mut low, mut high) = (left, right);
                for _ in 0..60 {
                    let middle = 0.5 * (low + high);
                    if polynomials(low).0 * polynomials(middle).0 <= 0.0 {
                        high = middle;
                    } else {
                        low = middle;
                    }
                }
                let (upper, lower) = (NODES / 2 + found, NODES / 2 - 1 - found);
                (nodes[upper], nodes[lower]) = (high, -high);
                weights[upper] = 1.0 / polynomials(high).1;
                weights[lower] = weights[upper];
                found += 1;
            }
            left = right;
        }
        (nodes, weights)
    })
}

/// E[R(z)²] for z ~ N(0, 1), and its gradient by the coefficients `theta`.
pub fn second_moment(form: Form, theta: &[f64], gradient: &mut [f64]) -> f64 {
    let (nodes, weights) = gauss_hermite();
    let ratio = Ratio::new(form, theta);
    let source = Curves::shared(&ratio);
    let (mut values, mut slopes) = ([0.0; NODES], [0.0; NODES]);
    pass::forward(&source, Span::whole(NODES), nodes, &mut values);
    // ∂Σwᵢ Rᵢ²/∂θ = Σ 2wᵢRᵢ·∂Rᵢ/∂θ: a backward pass from 2wR.
    let mut moment = 0.0;
    for (value, weight) in values.iter_mut().zip(weights) {
        moment += weight * *value * *value;
        *value *= 2.0 * weight;
    }
    let mut sums = Sums::zero();
    let upstream = Upstream { z: nodes, dy: &values };
    pass::backward(&source, Span::whole(NODES), upstream, &mut slopes, &mut sums);
    let (by_a, by_c) = sums.over_lanes();
    form.flatten(theta, &by_a, &by_c, gradient);
    moment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrature_gives_gaussian_moments() {
        let (nodes, weights) = gauss_hermite();
        let moment = |power: i32| nodes.iter().zip(weights).map(|(x, w)| w * x.powi(power)).sum::<f64>();
        // E z^2k = (2k - 1)!!
        for (power, known) in [(0, 1.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0), (16, 2_027_025.0)] {
            assert!((moment(power) / known - 1.0).abs() < 1e-12, "{power}: {}", moment(power));
        }
        let cosine: f64 = nodes.iter().zip(weights).map(|(x, w)| w * x.cos()).sum();
        assert!((cosine - (-0.5f64).exp()).abs() < 1e-14);
    }
}

//! A rational as kernels/rational.h draws it.

use crate::layout::{MAX_P, SUMS};
use crate::shape::{Activation, Constraint};

/// One layer's curve in one step.
#[derive(Clone, Debug)]
pub struct Curve {
    version: u8,
    /// Degrees.
    pub m: usize,
    pub n: usize,
    /// Effective coefficients; rounded to f32 once they are drawn with.
    pub set: Vec<f64>,
    limit: f32,
    gain: Option<Gain>,
}

/// A factor on R, and its gradient by the effective set.
#[derive(Clone, Debug)]
pub struct Gain {
    pub factor: f64,
    pub by: Vec<f64>,
}

pub fn sign(x: f64) -> f64 {
    if x < 0.0 { -1.0 } else { 1.0 }
}

/// A point far out, divided through by the leading powers where |x| > 1.
struct Far {
    t: f64,
    side: f64,
    p: f64,
    d: f64,
    sigma: f64,
    m: i32,
    n: i32,
}

pub fn power(t: f64, e: i32) -> f64 {
    let (mut base, mut product, mut left) = (t, 1.0, e.unsigned_abs());
    while left > 0 {
        if left & 1 == 1 {
            product *= base;
        }
        base *= base;
        left >>= 1;
    }
    if e < 0 { 1.0 / product } else { product }
}

impl Far {
    fn power(&self, k: i32, e: i32) -> f64 {
        let magnitude = power(self.t, e);
        if self.side < 0.0 && k % 2 == 1 { -magnitude } else { magnitude }
    }
}

fn squash(x: f32) -> f32 {
    let magnitude = if x.abs() > 10.0 { 10.0 } else { x.abs() };
    let u = magnitude * -0.03125;
    let inverses = [40_320.0f32, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0].map(|factorial| 1.0 / factorial);
    let sum = inverses[1..].iter().fold(inverses[0], |sum, &c| sum.mul_add(u, c));
    let mut e = u * sum;
    for _ in 0..6 {
        e = e.mul_add(e, e + e);
    }
    let t = -e / (2.0 + e);
    if x < 0.0 { -t } else { t }
}

fn tanh(x: f64) -> f64 {
    let magnitude = if x.abs() > 20.0 { 20.0 } else { x.abs() };
    let u = magnitude * -0.03125;
    let (mut sum, mut factorial) = (0.0f64, 20_922_789_888_000.0);
    for k in (1..=16).rev() {
        sum = sum.mul_add(u, 1.0 / factorial);
        factorial /= f64::from(k);
    }
    let mut e = u * sum;
    for _ in 0..6 {
        e = e.mul_add(e, e + e);
    }
    let t = -e / (2.0 + e);
    if x < 0.0 { -t } else { t }
}

impl Curve {
    /// The effective set of the trained one, with version D's factors.
    pub fn effective(activation: Activation, constraint: Constraint, raw: &[f32], noise: &[f32]) -> Self {
        let (version, m, n) = activation.rational().expect("a layer with a set has a rational");
        let mut set: Vec<f64> = raw[..activation.set()].iter().map(|&x| f64::from(x)).collect();
        let last = set.len() - 1;
        if let Constraint::TailSlope { bound, epsilon } = constraint {
            set[m] = bound * (set[last].abs() + epsilon) * tanh(set[m]);
        }
        if let Some(epsilon) = constraint.epsilon() {
            set[last] = set[last].abs() + epsilon;
        }
        if version == 3 {
            set[..=m].iter_mut().zip(noise).for_each(|(a, &factor)| *a *= f64::from(factor));
        }
        Self { version, m, n, set, limit: 0.0, gain: None }
    }

    /// The curve that is drawn.
    pub fn drawn(mut self, gain: Option<Gain>) -> Self {
        let (m, n, factor) = (self.m, self.n, gain.as_ref().map_or(1.0, |gain| gain.factor));
        self.set[..=m].iter_mut().for_each(|a| *a *= factor);
        for x in &mut self.set {
            *x = f64::from(*x as f32);
        }
        let largest =
            self.set.iter().fold(
                1.0,
                |largest: f64, x| {
                    if x.abs() <= largest || largest.is_nan() { largest } else { x.abs() }
                },
            );
        let budget = 1e16 / (90.0 * largest);
        let growth = if m <= 5 && n <= 4 { 32.0 } else { 512.0 };
        let (mut limit, mut at, mut reached) = (0.0, 1.0, 1.0);
        while reached <= budget {
            limit = at;
            at *= 2.0;
            reached *= growth;
        }
        Self { limit, gain, ..self }
    }

    pub fn even(&self) -> bool {
        self.version == 0
    }

    pub fn absolute(&self) -> bool {
        (1..=3).contains(&self.version)
    }

    pub fn first_b(&self) -> usize {
        usize::from(self.version != 2)
    }

    pub fn floor(&self) -> f64 {
        if self.version == 2 { 0.1 } else { 1.0 }
    }

    /// Coefficient number k of Q's polynomial.
    pub fn q(&self, k: usize) -> f64 {
        if k < self.first_b() {
            return 0.0;
        }
        let b = self.set[self.m + 1 + k - self.first_b()];
        if self.even() { b.abs() } else { b }
    }

    fn far(&self, x: f64) -> Far {
        let (t, side) = (x.abs(), sign(x));
        let within = if self.even() { t } else { x };
        let p_at = |i: usize| self.set[i];
        let (mut m, mut n) = (0, 0);
        let (p, s, level);
        if t > 1.0 {
            m = (0..=self.m).rfind(|&i| p_at(i) != 0.0).unwrap_or(0);
            n = (0..=self.n).rfind(|&k| self.q(k) != 0.0).unwrap_or(0);
            p = (0..=m).fold(0.0f64, |sum, i| sum.mul_add(1.0 / x, p_at(i)));
            let sum = (0..=n).fold(0.0f64, |sum, k| sum.mul_add(1.0 / within, self.q(k)));
            s = if n % 2 == 1 { sign(within) } else { 1.0 } * sum;
            level = self.floor() / power(t, n as i32);
        } else {
            p = (0..=self.m).rev().fold(0.0f64, |sum, i| sum.mul_add(x, p_at(i)));
            s = (0..=self.n).rev().fold(0.0f64, |sum, k| sum.mul_add(within, self.q(k)));
            level = self.floor();
        }
        let sigma = if self.absolute() { sign(s) } else { 1.0 };
        Far { t, side, p, d: sigma.mul_add(s, level), sigma, m: m as i32, n: n as i32 }
    }

    /// Q(x)
    pub fn denominator(&self, x: f64) -> f64 {
        let at = self.far(x);
        at.d * power(at.t, at.n)
    }

    pub fn far_value(&self, x: f64) -> f64 {
        if !x.is_finite() {
            return f64::NAN;
        }
        let at = self.far(x);
        at.p / at.d * at.power(at.m, at.m - at.n)
    }

    pub fn far_slope(&self, x: f64) -> f64 {
        if !x.is_finite() {
            return f64::NAN;
        }
        let at = self.far(x);
        let mut w = [0.0f64; SUMS];
        for k in 0..=self.n {
            let turned = if self.even() && k % 2 == 1 { at.side } else { 1.0 };
            let q = (at.sigma * turned).mul_add(self.q(k), if k == 0 { self.floor() } else { 0.0 });
            for i in (0..=self.m).filter(|&i| i != k) {
                w[i + k - 1] += (i as f64 - k as f64) * self.set[i] * q;
            }
        }
        if at.t > 1.0 {
            let top = w.iter().rposition(|&w| w != 0.0).unwrap_or(0);
            let sum = w[..=top].iter().fold(0.0f64, |sum, &w| sum.mul_add(1.0 / x, w));
            sum / at.d / at.d * at.power(top as i32, top as i32 - 2 * at.n)
        } else {
            w.iter().rev().fold(0.0f64, |sum, &w| sum.mul_add(x, w)) / at.d / at.d
        }
    }

    pub fn far_gradient(&self, x: f64, weight: f64, by: &mut [f64]) {
        let used = (0..=self.m).chain(MAX_P..=MAX_P + self.n);
        if !x.is_finite() {
            used.for_each(|i| by[i] = f64::NAN);
            return;
        }
        let at = self.far(x);
        let outer = -weight * at.sigma * at.p / at.d / at.d;
        for i in used {
            by[i] += if i < MAX_P {
                weight / at.d * at.power(i as i32, i as i32 - at.n)
            } else {
                let k = (i - MAX_P) as i32;
                outer * at.power(at.m + if self.even() { 0 } else { k }, k + at.m - 2 * at.n)
            };
        }
    }

    pub fn value(&self, constraint: Constraint, x: f32) -> f32 {
        let t = if self.even() { x.abs() } else { x };
        let r = if x.abs() < self.limit {
            let p =
                (0..self.m).rev().fold(self.set[self.m] as f32, |sum, i| sum.mul_add(x, self.set[i] as f32));
            let s = (0..self.n).rev().fold(self.q(self.n) as f32, |sum, k| sum.mul_add(t, self.q(k) as f32));
            p / (self.floor() as f32 + if self.absolute() { s.abs() } else { s })
        } else {
            self.far_value(f64::from(x)) as f32
        };
        match constraint {
            Constraint::OutputBound { bound } => bound as f32 * squash(r * (1.0 / bound as f32)),
            _ => r,
        }
    }

    /// dy·R'(x); adds to the sums.
    pub fn slope(&self, constraint: Constraint, x: f32, y: f32, dy: f32, by: &mut [f64]) -> f32 {
        let mut dy = dy;
        if let Constraint::OutputBound { bound } = constraint {
            let share = y / bound as f32;
            dy = dy * (1.0 - share) * (1.0 + share);
        }
        if x.abs() >= self.limit || x.is_nan() {
            if dy == 0.0 && x.is_finite() {
                return 0.0;
            }
            self.far_gradient(f64::from(x), f64::from(dy), by);
            return (f64::from(dy) * self.far_slope(f64::from(x))) as f32;
        }
        let t = if self.even() { x.abs() } else { x };
        // Horner with derivatives: value and slope of a polynomial.
        let horner = |degree: usize, c: &dyn Fn(usize) -> f32, x: f32| {
            let (mut value, mut slope) = (c(degree).mul_add(x, c(degree - 1)), c(degree));
            for k in (0..degree - 1).rev() {
                slope = slope.mul_add(x, value);
                value = value.mul_add(x, c(k));
            }
            (value, slope)
        };
        let (p, dp) = horner(self.m, &|i| self.set[i] as f32, x);
        let (s, ds) = horner(self.n, &|k| self.q(k) as f32, t);
        let w = 1.0 / (self.floor() as f32 + if self.absolute() { s.abs() } else { s });
        let (r, u) = (p * w, dy * w);
        let mut v = -(u * r);
        if self.absolute() && s < 0.0 {
            v = -v;
        }
        let inner = if self.even() && x < 0.0 { -ds } else { ds };
        by[0] += f64::from(u);
        let mut raised = x;
        for i in 1..=self.m {
            by[i] = f64::from(u).mul_add(f64::from(raised), by[i]);
            raised *= x;
        }
        if self.first_b() == 0 {
            by[MAX_P] += f64::from(v);
        }
        let mut raised = t;
        for k in 1..=self.n {
            by[MAX_P + k] = f64::from(v).mul_add(f64::from(raised), by[MAX_P + k]);
            raised *= t;
        }
        v.mul_add(inner, u * dp)
    }

    /// The gradient by the trained set from the sums.
    pub fn raise(&self, constraint: Constraint, raw: &[f32], noise: &[f32], by: &[f64]) -> Vec<f64> {
        let count = self.set.len();
        let mut gradient: Vec<f64> = (0..count)
            .map(|i| {
                if i > self.m {
                    let by_q = by[MAX_P + i - self.m - 1 + self.first_b()];
                    if self.even() { sign(self.set[i]) * by_q } else { by_q }
                } else {
                    by[i]
                }
            })
            .collect();
        if let Some(gain) = &self.gain {
            let pairs = self.set[..=self.m].iter().zip(&gradient);
            let by_gain = pairs.fold(0.0f64, |sum, (a, g)| a.mul_add(*g, sum));
            let by_gain = if gain.factor == 0.0 { 0.0 } else { by_gain / gain.factor };
            gradient[..=self.m].iter_mut().for_each(|g| *g *= gain.factor);
            gradient.iter_mut().zip(&gain.by).for_each(|(g, by)| *g = by_gain.mul_add(*by, *g));
        }
        if self.version == 3 {
            gradient[..=self.m].iter_mut().zip(noise).for_each(|(g, &factor)| *g *= f64::from(factor));
        }
        let last = f64::from(raw[count - 1]);
        if let Constraint::TailSlope { bound, epsilon } = constraint {
            let (rho, beta) = (tanh(f64::from(raw[self.m])), last.abs() + epsilon);
            let by_lead = gradient[self.m];
            gradient[self.m] = by_lead * bound * beta * (1.0 - rho) * (1.0 + rho);
            gradient[count - 1] += by_lead * bound * rho;
        }
        if constraint.epsilon().is_some() {
            gradient[count - 1] *= sign(last);
        }
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against sums of powers in f64: near and far, every version.
    #[test]
    fn a_curve_is_p_over_q_and_its_slope_is_the_difference_quotient() {
        let raw = [0.3f32, 0.9, -0.4, 0.25, 0.1, 0.5, 0.7, -0.6, 0.35];
        for version in 0..5u8 {
            let activation = Activation::Rational { version, p: 4, q: 3 };
            let curve = Curve::effective(activation, Constraint::None, &raw, &[1.0; MAX_P]).drawn(None);
            let exact = |x: f64| {
                let p: f64 = (0..=4).map(|i| f64::from(raw[i]) * x.powi(i as i32)).sum();
                let term = |k: usize| curve.q(k) * if version == 0 { x.abs() } else { x }.powi(k as i32);
                let s: f64 = (0..=3).map(term).sum();
                p / (curve.floor() + if curve.absolute() { s.abs() } else { s })
            };
            for x in [-3e4f32, -700.0, -2.5, -0.4, 0.3, 1.7, 90.0, 2e5] {
                let wide = f64::from(x);
                let near = |ours: f32, exact: f64, bound: f64| {
                    (f64::from(ours) - exact).abs() <= bound * exact.abs().max(0.1)
                };
                assert!(near(curve.value(Constraint::None, x), exact(wide), 1e-5), "{version} {x}");
                let h = wide.abs() * 1e-5;
                let quotient = (exact(wide + h) - exact(wide - h)) / (2.0 * h);
                let slope = curve.slope(Constraint::None, x, 0.0, 1.0, &mut [0.0; SUMS]);
                assert!(near(slope, quotient, 1e-4), "{version} {x}: {slope} {quotient}");
            }
            assert_eq!(curve.limit, 512.0);
        }
        assert!(
            (tanh(0.7) - 0.7f64.tanh()).abs() < 1e-15
                && (f64::from(squash(0.7)) - 0.7f64.tanh()).abs() < 1e-7
        );
    }
}

//! One curve in f64: value, slope and gradients wherever they are numbers.

#![allow(clippy::cast_possible_wrap, reason = "powers are at most 17")]

use super::form::{Form, MAX_A, MAX_C, Version, sign};

/// One curve R with given coefficients, evaluated in f64.
///
/// For |x| > 1 everything is divided through by its leading power: with v = 1/x and m, n the highest
/// powers whose coefficients are not 0, P = xᵐ·p(v) and Q = |x|ⁿ·d(v), so that only the quotient
/// |x|ᵐ⁻ⁿ can leave the range of f64, and does so only where R itself does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Version and degrees.
    pub form: Form,
    /// P's coefficients, zeros above degree m.
    pub a: [f64; MAX_A],
    /// Coefficients of the polynomial in Q: |bₖ| in version A, else bₖ; zeros elsewhere.
    pub c: [f64; MAX_C],
}

/// P and Q at one x, both divided by the powers that `Ratio` names where |x| > 1.
struct Point {
    x: f64,
    /// |x|
    t: f64,
    /// sgn(x)
    side: f64,
    /// The degrees taken out of p and d: both 0 for |x| ≤ 1.
    m: i32,
    n: i32,
    p: f64,
    d: f64,
    /// dQ/dS: the sign of the polynomial under | |.
    sigma: f64,
}

impl Point {
    /// sgn(x)ᵏ·|x|ʲ with k = `sign_power`, j = `power`.
    fn power(&self, sign_power: usize, power: i32) -> f64 {
        let magnitude = integer_power(self.t, power);
        if self.side < 0.0 && sign_power % 2 == 1 { -magnitude } else { magnitude }
    }
}

/// tᵉ by repeated squaring (`powi` leaves its rounding to the platform).
pub(super) fn integer_power(t: f64, exponent: i32) -> f64 {
    let (mut base, mut left, mut product) = (t, exponent.unsigned_abs(), 1.0);
    while left > 0 {
        if left & 1 == 1 {
            product *= base;
        }
        base *= base;
        left >>= 1;
    }
    if exponent < 0 { 1.0 / product } else { product }
}

/// Σ coefficientsᵢ xⁱ
fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, &c| sum.mul_add(x, c))
}

/// Σ coefficientsᵢ v^(degree-i)
fn reversed(coefficients: &[f64], v: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, &c| sum.mul_add(v, c))
}

/// Highest power whose coefficient is not 0.
fn degree(coefficients: &[f64]) -> usize {
    coefficients.iter().rposition(|&c| c != 0.0).unwrap_or(0)
}

impl Ratio {
    /// The curve of `theta` = [a₀…aₘ, b…bₙ].
    #[must_use]
    pub fn new(form: Form, theta: &[f64]) -> Self {
        let mut ratio = Self { form, a: [0.0; MAX_A], c: [0.0; MAX_C] };
        ratio.a[..=form.m].copy_from_slice(&theta[..=form.m]);
        let first = form.version.first_b();
        for (c, &b) in ratio.c[first..=form.n].iter_mut().zip(&theta[form.m + 1..form.len()]) {
            *c = if form.version.even() { b.abs() } else { b };
        }
        ratio
    }

    fn point(&self, x: f64) -> Point {
        let version = self.form.version;
        let (t, side) = (x.abs(), sign(x));
        let within = if version.even() { t } else { x };
        let (mut m, mut n) = (0, 0);
        // S > 0 or < 0, and Q, are the same for the scaled polynomial up to sgn(x)ⁿ.
        let (p, s, floor) = if t > 1.0 {
            (m, n) = (degree(&self.a), degree(&self.c));
            let turned = if n % 2 == 1 { sign(within) } else { 1.0 };
            let s = turned * reversed(&self.c[..=n], 1.0 / within);
            (reversed(&self.a[..=m], 1.0 / x), s, version.floor() / integer_power(t, n as i32))
        } else {
            (horner(&self.a, x), horner(&self.c, within), version.floor())
        };
        let sigma = if version.absolute() { sign(s) } else { 1.0 };
        Point { x, t, side, m: m as i32, n: n as i32, p, d: sigma.mul_add(s, floor), sigma }
    }

    /// R(x)
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        if !x.is_finite() {
            return f64::NAN;
        }
        let at = self.point(x);
        at.p / at.d * at.power(at.m.unsigned_abs() as usize, at.m - at.n)
    }

    /// Q(x)
    #[must_use]
    pub fn denominator(&self, x: f64) -> f64 {
        let at = self.point(x);
        at.d * integer_power(at.t, at.n)
    }

    /// P'Q - PQ' as a polynomial, which R' = (P'Q - PQ')/Q² needs on the side of x and of S where
    /// `at` stands. Multiplied out, the leading terms of a ratio with m = n cancel exactly; subtracted
    /// as numbers they would leave rounding in their place far out.
    fn wronskian(&self, at: &Point) -> [f64; MAX_A + MAX_C] {
        let mut w = [0.0; MAX_A + MAX_C];
        for k in 0..=self.form.n {
            let turned = if self.form.version.even() && k % 2 == 1 { at.side } else { 1.0 };
            let floor = if k == 0 { self.form.version.floor() } else { 0.0 };
            let q = (at.sigma * turned).mul_add(self.c[k], floor);
            for i in 0..=self.form.m {
                if i != k {
                    w[i + k - 1] += (i as f64 - k as f64) * self.a[i] * q;
                }
            }
        }
        w
    }

    /// R'(x)
    #[must_use]
    pub fn slope(&self, x: f64) -> f64 {
        if !x.is_finite() {
            return f64::NAN;
        }
        let at = self.point(x);
        let w = self.wronskian(&at);
        if at.t > 1.0 {
            let top = degree(&w);
            reversed(&w[..=top], 1.0 / at.x) / at.d / at.d * at.power(top, top as i32 - 2 * at.n)
        } else {
            horner(&w, at.x) / at.d / at.d
        }
    }

    /// Adds weight·∂R(x)/∂aᵢ to `by_a` and weight·∂R(x)/∂cₖ to `by_c`:
    /// ∂R/∂aᵢ = xⁱ/Q, ∂R/∂cₖ = -(P/Q²)·dQ/dS·xᵏ (|x|ᵏ in version A).
    pub fn add_gradient(&self, x: f64, weight: f64, by_a: &mut [f64], by_c: &mut [f64]) {
        if !x.is_finite() {
            by_a.iter_mut().chain(by_c).for_each(|g| *g = f64::NAN);
            return;
        }
        let at = self.point(x);
        for (i, g) in by_a[..=self.form.m].iter_mut().enumerate() {
            *g += weight / at.d * at.power(i, i as i32 - at.n);
        }
        let outer = -weight * at.sigma * at.p / at.d / at.d;
        for (k, g) in by_c[..=self.form.n].iter_mut().enumerate() {
            let turns = at.m.unsigned_abs() as usize + if self.form.version.even() { 0 } else { k };
            *g += outer * at.power(turns, k as i32 + at.m - 2 * at.n);
        }
    }

    /// weight·∂R(x)/∂θ in the order of the coefficients `theta` that made this curve.
    pub fn gradient(&self, theta: &[f64], x: f64, weight: f64, out: &mut [f64]) {
        let (mut by_a, mut by_c) = ([0.0; MAX_A], [0.0; MAX_C]);
        self.add_gradient(x, weight, &mut by_a, &mut by_c);
        self.form.flatten(theta, &by_a, &by_c, out);
    }

    /// Adds weight·∂R'(x)/∂aᵢ and weight·∂R'(x)/∂cₖ: with f = xⁱ and f = |x|ᵏ,
    /// ∂R'/∂aᵢ = (f'Q - fQ')/Q² and ∂R'/∂cₖ = -σ(f'R + fR' - fRQ'/Q)/Q. For moderate |x| only.
    pub fn add_slope_gradient(&self, x: f64, weight: f64, by_a: &mut [f64], by_c: &mut [f64]) {
        let version = self.form.version;
        let (side, q, r) = (sign(x), self.denominator(x), self.value(x));
        let within = if version.even() { x.abs() } else { x };
        let sigma = if version.absolute() { sign(horner(&self.c, within)) } else { 1.0 };
        let inner = if version.even() { side } else { 1.0 };
        let steps = (1..MAX_C).map(|k| k as f64 * self.c[k] * integer_power(within, k as i32 - 1));
        let dq = sigma * inner * steps.sum::<f64>();
        let slope = self.slope(x);
        // xⁱ and its derivative; for i = 0 the latter is 0 whatever x is.
        let monomial = |x: f64, i: usize| {
            let below = if i == 0 { 0.0 } else { i as f64 * integer_power(x, i as i32 - 1) };
            (integer_power(x, i as i32), below)
        };
        for (i, g) in by_a[..=self.form.m].iter_mut().enumerate() {
            let (f, df) = monomial(x, i);
            *g += weight * (df - f * dq / q) / q;
        }
        for (k, g) in by_c[..=self.form.n].iter_mut().enumerate() {
            let (f, df) = monomial(within, k);
            *g -= weight * sigma * (inner * df * r + f * (slope - r * dq / q)) / q;
        }
    }

    /// The two coefficients whose quotient is the tail (degrees of P and Q), and the second's value:
    /// that of Q itself where Q is constant.
    fn tail(&self) -> (usize, usize, f64) {
        let (m, n) = (degree(&self.a), degree(&self.c));
        (m, n, if n == 0 { self.denominator(0.0) } else { self.c[n] })
    }

    /// lim |R(x)/x| for |x| → ∞: 0 for a proper ratio, infinite where R outgrows x.
    #[must_use]
    pub fn tail_slope(&self) -> f64 {
        let (m, n, lead) = self.tail();
        match m.cmp(&(n + 1)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => (self.a[m] / lead).abs(),
            std::cmp::Ordering::Greater => f64::INFINITY,
        }
    }

    /// Adds weight·∂(tail slope)/∂aᵢ and weight·∂(tail slope)/∂cₖ, for a finite slope that is not 0.
    pub fn add_tail_gradient(&self, weight: f64, by_a: &mut [f64], by_c: &mut [f64]) {
        let (m, n, lead) = self.tail();
        let slope = (self.a[m] / lead).abs();
        by_a[m] += weight * slope / self.a[m];
        let moves = if n > 0 {
            1.0
        } else if self.form.version == Version::C {
            sign(self.c[0])
        } else {
            0.0
        };
        by_c[n] -= weight * slope / lead * moves;
    }
}

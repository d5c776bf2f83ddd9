//! m ≤ n, with the leading denominator coefficient kept off 0: β = |bₙ| + ε in its place. The curve is
//! continuous in all coefficients.
//!
//! **Bound.** R is bounded, and lim R = ±aₙ/β (0 for m < n).
//! Version A: Q ≥ 1 + β|x|ⁿ, so with s = β^(1/n)|x|
//! |aᵢxⁱ|/Q ≤ |aᵢ|·β^(-i/n)·sⁱ/(1 + sⁿ) ≤ |aᵢ|·β^(-i/n), and |R| ≤ Σ|aᵢ|β^(-i/n).
//! The others: with X = max(1, 2·Σ_{k<n}|bₖ|/β), |S| ≥ β|x|ⁿ/2 for |x| ≥ X, so there
//! |R| ≤ Σ|aᵢ|·2Xⁱ⁻ⁿ/β, and for |x| ≤ X, where Q ≥ its floor q, |R| ≤ Σ|aᵢ|Xⁱ/q.
//! [`ProperDegree::bound`] is that number.
//!
//! Without ε both fail: at bₙ = 0 R grows like |x| to the power of what degrees are left.
//! It does not bound the size of R by any fixed number (the aᵢ are free), nor R'.
//!
//! Version N is refused: a pole is not bounded. Named by form (see `constraint`).

use super::super::RationalError;
use super::super::form::Form;
use super::super::ratio::Ratio;
use super::{Constraint, invert_off_zero, keep_off_zero, positive, pull_back_off_zero, without_poles};
use crate::spec::{Choice, Entry, Kind, Parameter};

pub(super) const EPSILON: Parameter = Parameter {
    name: "epsilon",
    summary: "least size of the leading denominator coefficient",
    kind: Kind::Number { default: Some(1e-3), min: 0.0, max: 1e3 },
};

pub(super) const ENTRY: Entry = Entry {
    name: "proper-degree",
    summary: "m <= n and |b_n| + epsilon leading Q: R is bounded",
    source: "named by form; that of arXiv 2507.14736 is unverified",
    parameters: &[EPSILON],
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct ProperDegree {
    /// ε
    pub epsilon: f64,
}

impl ProperDegree {
    pub(super) fn chosen(choice: &Choice) -> Self {
        Self { epsilon: choice.number("epsilon") }
    }

    /// A number that |R| does not exceed, for effective coefficients `theta` with bₙ ≠ 0 (module text).
    #[must_use]
    pub fn bound(form: Form, theta: &[f64]) -> f64 {
        let ratio = Ratio::new(form, theta);
        let n = form.n as f64;
        let beta = ratio.c[form.n].abs();
        let a = ratio.a.iter().take(form.m + 1).enumerate().map(|(i, a)| (i as f64, a.abs()));
        if form.version.even() {
            return a.map(|(i, a)| a * beta.powf(-i / n)).sum();
        }
        let lower: f64 = ratio.c[..form.n].iter().map(|c| c.abs()).sum();
        let far = (2.0 * lower / beta).max(1.0);
        let (near, beyond) = a.fold((0.0, 0.0), |(near, beyond), (i, a)| {
            (near + a * far.powf(i) / form.version.floor(), beyond + a * 2.0 * far.powf(i - n) / beta)
        });
        near.max(beyond)
    }
}

impl Constraint for ProperDegree {
    fn check(&self, form: Form) -> Result<(), RationalError> {
        positive(ENTRY.name, "epsilon", self.epsilon)?;
        without_poles(ENTRY.name, form)?;
        if form.m > form.n {
            return Err(RationalError::NotProper { m: form.m, n: form.n });
        }
        Ok(())
    }

    fn effective(&self, form: Form, theta: &mut [f64]) {
        keep_off_zero(form, theta, self.epsilon);
    }

    fn pull_back(&self, form: Form, raw: &[f64], gradient: &mut [f64]) {
        pull_back_off_zero(form, raw, gradient);
    }

    fn invert(&self, form: Form, fit: &mut [f64]) {
        invert_off_zero(form, fit, self.epsilon);
    }
}

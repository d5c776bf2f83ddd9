//! m = n+1, β = |bₙ| + ε in place of the leading denominator coefficient, and aₘ = s·β·tanh(ρ), where ρ
//! stands in aₘ's place among the trained coefficients. The curve is continuous in all of them.
//!
//! **Bound.** |lim R(x)/x| = |aₘ|/β = s·|tanh ρ| ≤ s, for every ρ and every bₙ.
//!
//! Without ε it fails: at bₙ = 0 aₘ vanishes as well, and the next lower pair aₘ₋₁/bₙ₋₁, which is free,
//! becomes the tail. It does not bound the middle of the curve, where R' may be as large as it likes:
//! the probe `output_scale` records sup|R'| for that reason.
//!
//! A start whose own tail is steeper than s, or whose |bₙ| < ε, is fitted again under the constraint;
//! ρ starts within ±3, since tanh is flat beyond and ρ could not return.
//!
//! Version N is refused: its tail obeys the same limit, but its poles leave nothing that the limit
//! would bound. Named by form; the constraint of arXiv 2507.14736 is unverified (see `constraint`).

use super::super::RationalError;
use super::super::form::Form;
use super::{Constraint, invert_off_zero, keep_off_zero, positive, pull_back_off_zero, without_poles};
use crate::spec::{Choice, Entry, Kind, Parameter};

pub(super) const ENTRY: Entry = Entry {
    name: "tail-slope",
    summary: "a_m = bound * (|b_n| + epsilon) * tanh(rho): |lim R(x)/x| <= bound",
    source: "named by form; that of arXiv 2507.14736 is unverified",
    parameters: &[
        Parameter {
            name: "bound",
            summary: "steepest tail",
            kind: Kind::Number { default: Some(1.0), min: 0.0, max: f64::MAX },
        },
        super::proper_degree::EPSILON,
    ],
};

/// Largest |ρ| at the start.
const STEEPEST_RHO: f64 = 3.0;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct TailSlope {
    /// s
    pub bound: f64,
    /// ε
    pub epsilon: f64,
}

impl TailSlope {
    pub(super) fn chosen(choice: &Choice) -> Self {
        Self { bound: choice.number("bound"), epsilon: choice.number("epsilon") }
    }
}

/// What a bound on the tail's slope asks of its numbers and of the form.
pub(super) fn check(
    constraint: &'static str,
    (bound, epsilon): (f64, f64),
    form: Form,
) -> Result<(), RationalError> {
    positive(constraint, "bound", bound)?;
    positive(constraint, "epsilon", epsilon)?;
    without_poles(constraint, form)?;
    if form.m != form.n + 1 {
        return Err(RationalError::NotLinearTail { constraint, m: form.m, n: form.n });
    }
    Ok(())
}

impl Constraint for TailSlope {
    fn check(&self, form: Form) -> Result<(), RationalError> {
        check(ENTRY.name, (self.bound, self.epsilon), form)
    }

    fn effective(&self, form: Form, theta: &mut [f64]) {
        let (a, b) = (form.lead_a(), form.lead_b());
        theta[a] = self.bound * (theta[b].abs() + self.epsilon) * libm::tanh(theta[a]);
        keep_off_zero(form, theta, self.epsilon);
    }

    fn pull_back(&self, form: Form, raw: &[f64], gradient: &mut [f64]) {
        let (a, b) = (form.lead_a(), form.lead_b());
        let (rho, beta) = (libm::tanh(raw[a]), raw[b].abs() + self.epsilon);
        let by_lead = gradient[a];
        gradient[a] = by_lead * self.bound * beta * (1.0 - rho) * (1.0 + rho);
        gradient[b] += by_lead * self.bound * rho;
        pull_back_off_zero(form, raw, gradient);
    }

    fn invert(&self, form: Form, fit: &mut [f64]) {
        let (a, b) = (form.lead_a(), form.lead_b());
        let beta = fit[b].abs().max(self.epsilon);
        let most = libm::tanh(STEEPEST_RHO);
        fit[a] = libm::atanh((fit[a] / (self.bound * beta)).clamp(-most, most));
        invert_off_zero(form, fit, self.epsilon);
    }

    fn confine(&self, form: Form, raw: &mut [f64]) {
        let rho = &mut raw[form.lead_a()];
        *rho = rho.clamp(-STEEPEST_RHO, STEEPEST_RHO);
    }
}

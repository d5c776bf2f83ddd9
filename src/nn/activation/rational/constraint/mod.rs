//! Constraints on a rational activation: one file each, and the registry that specs choose from.
//!
//! A constraint is a map from the trained coefficients to the *effective* ones that R is drawn with,
//! and, in one case, a squashing of R. Each file states its formula, what it bounds with a short proof,
//! and what it does not bound. The bounds are exact in real arithmetic; floats keep to them up to
//! rounding.
//!
//! **Names are by form.** arXiv 2507.14736 reports that a structural constraint which "limits excessive
//! output scaling while preserving adaptability" mends the loss of plasticity of rational networks;
//! which constraint that is has not been verified against its text, so none of these claims to be it.
//!
//! With version D a draw multiplies the numerator's effective coefficients in training, before a gain
//! is computed: `lipschitz`, `unit-gain` and `output-bound` hold for every draw, `tail-slope`,
//! `projected-tail-slope` and `proper-degree` within the draw's 10 %.

mod coefficient_box;
mod freeze_after;
mod frozen;
mod lipschitz;
mod none;
mod output_bound;
mod projected_tail_slope;
mod proper_degree;
mod tail_slope;
mod unit_gain;

pub use coefficient_box::CoefficientBox;
pub use freeze_after::FreezeAfter;
pub use frozen::Frozen;
pub use lipschitz::Lipschitz;
pub use none::Unconstrained;
pub use output_bound::OutputBound;
pub use projected_tail_slope::ProjectedTailSlope;
pub use proper_degree::ProperDegree;
pub use tail_slope::TailSlope;
pub use unit_gain::UnitGain;

use std::fmt::Debug;

use super::RationalError;
use super::form::{Form, Version, sign};
use crate::spec::{Choice, Entry};

/// Half-width of the interval on which curves are described and `lipschitz` holds, by default.
pub const RANGE: f64 = 10.0;

/// What a constraint does to one set of coefficients, [a₀…aₘ, b…bₙ]. The defaults do nothing.
pub trait Constraint: Debug + Send + Sync {
    /// Whether the constraint's bound can be kept by this form.
    fn check(&self, form: Form) -> Result<(), RationalError> {
        let _ = form;
        Ok(())
    }

    /// Trained coefficients → effective ones, in place.
    fn effective(&self, form: Form, theta: &mut [f64]) {
        let _ = (form, theta);
    }

    /// Gradient by the effective coefficients → gradient by the trained ones `raw`, in place.
    fn pull_back(&self, form: Form, raw: &[f64], gradient: &mut [f64]) {
        let _ = (form, raw, gradient);
    }

    /// A factor on R that depends on the effective coefficients `theta`; its gradient by them goes to
    /// `gradient` (which comes in as zeros).
    fn gain(&self, form: Form, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let _ = (form, theta, gradient);
        1.0
    }

    /// c, where y = c·tanh(R/c).
    fn ceiling(&self) -> Option<f64> {
        None
    }

    /// Trained coefficients whose effective ones are as near `fit` as the form allows, in place.
    fn invert(&self, form: Form, fit: &mut [f64]) {
        let _ = (form, fit);
    }

    /// Keeps a start within the constraint, and away from values that training could not leave. Called while a start is
    /// fitted.
    fn confine(&self, form: Form, raw: &mut [f64]) {
        let _ = (form, raw);
    }

    /// A second start to try, where the plain fit may lie badly for this constraint: a constraint whose
    /// own start should be tried.
    fn gentler(&self) -> Option<Box<dyn Constraint>> {
        None
    }

    /// Called once, before training, with the trained coefficients that every set starts from.
    fn remember_start(&mut self, form: Form, start: &[f64]) {
        let _ = (form, start);
    }

    /// Whether coefficients are trained in task number `task`, from 0.
    fn trained_in(&self, task: usize) -> bool {
        let _ = task;
        true
    }

    /// What is done to the trained values (sets of this form, one after the other) after a step.
    fn project(&self, form: Form, values: &mut [f32]) {
        let _ = (form, values);
    }

    /// What is done to averages of trained values that each obey the constraint; most constraints hold for averages too.
    fn confine_average(&self, form: Form, values: &mut [f32]) {
        let _ = (form, values);
    }

    /// r of the interval [-r, r] on which the curve is described.
    fn range(&self) -> f64 {
        RANGE
    }
}

type Build = fn(&Choice) -> Box<dyn Constraint>;

/// The registry, in the order in which `list` shows it.
const ALL: &[(Entry, Build)] = &[
    (none::ENTRY, |_| Box::new(Unconstrained)),
    (proper_degree::ENTRY, |c| Box::new(ProperDegree::chosen(c))),
    (tail_slope::ENTRY, |c| Box::new(TailSlope::chosen(c))),
    (projected_tail_slope::ENTRY, |c| Box::new(ProjectedTailSlope::chosen(c))),
    (output_bound::ENTRY, |c| Box::new(OutputBound::chosen(c))),
    (lipschitz::ENTRY, |c| Box::new(Lipschitz::chosen(c))),
    (unit_gain::ENTRY, |_| Box::new(UnitGain::default())),
    (coefficient_box::ENTRY, |c| Box::new(CoefficientBox::chosen(c))),
    (frozen::ENTRY, |_| Box::new(Frozen)),
    (freeze_after::ENTRY, |c| Box::new(FreezeAfter::chosen(c))),
];

/// What a spec can put under `constraint`.
#[must_use]
pub fn constraints() -> Vec<Entry> {
    ALL.iter().map(|(entry, _)| *entry).collect()
}

/// The chosen constraint, if `form` can carry it.
pub fn build(choice: &Choice, form: Form) -> Result<Box<dyn Constraint>, RationalError> {
    let (_, build) = ALL
        .iter()
        .find(|(entry, _)| entry.name == choice.name)
        .ok_or_else(|| RationalError::UnknownConstraint(choice.name.clone()))?;
    let constraint = build(choice);
    constraint.check(form)?;
    Ok(constraint)
}

/// An error unless `value` is a positive finite number.
fn positive(constraint: &'static str, key: &'static str, value: f64) -> Result<(), RationalError> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(RationalError::NotPositive { constraint, key, value })
    }
}

/// An error for version N, where a bound on the curve would be void: it has poles.
fn without_poles(constraint: &'static str, form: Form) -> Result<(), RationalError> {
    if form.version == Version::N { Err(RationalError::Poles { constraint }) } else { Ok(()) }
}

/// |bₙ| + ε in place of bₙ, in every version: positive and continuous, also where training takes bₙ
/// through 0. With sgn(bₙ) before it the curve would jump by 2ε·xⁿ there, which no gradient sees.
///
/// Nothing is lost by it: Q takes |S| in the versions whose coefficients have signs, and |S| is the same
/// with every bₖ negated.
fn keep_off_zero(form: Form, theta: &mut [f64], epsilon: f64) {
    let b = &mut theta[form.lead_b()];
    *b = b.abs() + epsilon;
}

/// Gradient by |bₙ| + ε → gradient by bₙ, in place.
fn pull_back_off_zero(form: Form, raw: &[f64], gradient: &mut [f64]) {
    gradient[form.lead_b()] *= sign(raw[form.lead_b()]);
}

/// Trained denominator coefficients whose effective ones draw the same |S| as those of `fit`, or the
/// nearest where |bₙ| < ε, in place.
fn invert_off_zero(form: Form, fit: &mut [f64], epsilon: f64) {
    let lead = fit[form.lead_b()];
    if form.version.absolute() && lead < 0.0 {
        fit[form.m + 1..].iter_mut().for_each(|b| *b = -*b);
    }
    let b = &mut fit[form.lead_b()];
    *b = sign(*b) * (b.abs() - epsilon).max(0.0);
}

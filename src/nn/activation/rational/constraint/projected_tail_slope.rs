//! m = n+1, β = |bₙ| + ε in place of the leading denominator coefficient, and after each step aₘ is moved to the nearest
//! value within ±s·β, beside the bₙ that the step has come to. Target networks are held so too, since an average of sets
//! within the bound need not be.
//!
//! **Bound.** |lim R(x)/x| = |aₘ|/β ≤ s, by the projection itself, up to the rounding of aₘ to f32.
//!
//! It is the bound of `tail-slope`, held another way. There ρ sets the tail's slope alone, whatever bₙ is, so that the
//! step of a far input's gradient moves the tail by as much however large the coefficients have grown. Here, as without a
//! constraint, ∂R/∂aₘ tends to x/β: the larger β has grown, the less a step moves the tail. And a tail at its bound is
//! free to come back, where tanh is flat for a large ρ. What it does not bound is what `tail-slope` does not: the middle of
//! the curve.
//!
//! Version N is refused, as there. Clamping after a step is textbook; a name by form (see `constraint`).

use std::ops::Neg;

use super::super::RationalError;
use super::super::form::Form;
use super::{Constraint, TailSlope, invert_off_zero, keep_off_zero, pull_back_off_zero, tail_slope};
use crate::spec::{Choice, Entry};

pub(super) const ENTRY: Entry = Entry {
    name: "projected-tail-slope",
    summary: "after each step, back to |a_m| <= bound * (|b_n| + epsilon): |lim R(x)/x| <= bound",
    source: "clamp after a step; named by form",
    parameters: tail_slope::ENTRY.parameters,
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct ProjectedTailSlope {
    /// s
    pub bound: f64,
    /// ε
    pub epsilon: f64,
}

impl ProjectedTailSlope {
    pub(super) fn chosen(choice: &Choice) -> Self {
        let TailSlope { bound, epsilon } = TailSlope::chosen(choice);
        Self { bound, epsilon }
    }

    /// Largest |aₘ| beside this bₙ.
    fn most(&self, b: f64) -> f64 {
        self.bound * (b.abs() + self.epsilon)
    }
}

impl Constraint for ProjectedTailSlope {
    fn check(&self, form: Form) -> Result<(), RationalError> {
        tail_slope::check(ENTRY.name, (self.bound, self.epsilon), form)
    }

    fn effective(&self, form: Form, theta: &mut [f64]) {
        keep_off_zero(form, theta, self.epsilon);
    }

    fn pull_back(&self, form: Form, raw: &[f64], gradient: &mut [f64]) {
        pull_back_off_zero(form, raw, gradient);
    }

    fn invert(&self, form: Form, fit: &mut [f64]) {
        invert_off_zero(form, fit, self.epsilon);
        self.confine(form, fit);
    }

    fn confine(&self, form: Form, raw: &mut [f64]) {
        let most = self.most(raw[form.lead_b()]);
        let a = &mut raw[form.lead_a()];
        *a = held(*a, most);
    }

    fn project(&self, form: Form, values: &mut [f32]) {
        for set in values.chunks_exact_mut(form.len()) {
            let most = self.most(f64::from(set[form.lead_b()])) as f32;
            let a = &mut set[form.lead_a()];
            *a = held(*a, most);
        }
    }

    /// Where bₙ goes through 0 its average is smaller than either, and that of aₘ is not.
    fn confine_average(&self, form: Form, values: &mut [f32]) {
        self.project(form, values);
    }
}

/// Within ±`most`. Not `clamp`: a bₙ that is not a number ends the run, not the program.
fn held<T: PartialOrd + Neg<Output = T> + Copy>(a: T, most: T) -> T {
    if a > most {
        most
    } else if a < -most {
        -most
    } else {
        a
    }
}

//! y = R·g₀/√E[R(z)²], z ~ N(0, 1), with g₀ = √E[R²] of the start: only the shape adapts.
//!
//! **Bound.** E[y²] = g₀² for every choice of coefficients (but R ≡ 0, where y = 0), as E is linear:
//! with E the Gauss–Hermite sum the equality is exact, and the gradient is the sum's own. For kinked
//! curves (|x| in version A, |S| in B to D) the sum of 128 nodes is not the true expectation: with relu
//! starts E[y²] by fine integration moves by less than 5e-3 of itself.
//!
//! It does not bound y or y' anywhere: inputs wider than N(0, 1) see the tail, whatever it is.
//!
//! Version N is refused: next to a pole the second moment is infinite. Named by form; the constraint of
//! arXiv 2507.14736 is unverified (see `constraint`).

use super::super::RationalError;
use super::super::form::Form;
use super::super::grid;
use super::{Constraint, without_poles};
use crate::spec::Entry;

pub(super) const ENTRY: Entry = Entry {
    name: "unit-gain",
    summary: "R * g0 / sqrt(E R(z)^2), z ~ N(0, 1): the second moment stays at its start",
    source: "named by form; that of arXiv 2507.14736 is unverified",
    parameters: &[],
};

/// See the module. Before `remember_start` the gain is 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnitGain {
    start: Option<f64>,
}

impl UnitGain {
    /// g₀, once it is known.
    #[must_use]
    pub fn start(&self) -> Option<f64> {
        self.start
    }
}

impl Constraint for UnitGain {
    fn check(&self, form: Form) -> Result<(), RationalError> {
        without_poles(ENTRY.name, form)
    }

    fn remember_start(&mut self, form: Form, start: &[f64]) {
        let mut unused = vec![0.0; form.len()];
        let moment = grid::second_moment(form, start, &mut unused);
        self.start = Some(moment.sqrt());
    }

    fn gain(&self, form: Form, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let Some(start) = self.start else { return 1.0 };
        let moment = grid::second_moment(form, theta, gradient);
        if moment == 0.0 {
            // R ≡ 0 has no scale; a gain of 1 lets it grow one.
            gradient.fill(0.0);
            return 1.0;
        }
        let gain = start / moment.sqrt();
        let outer = -0.5 * gain / moment;
        for g in gradient {
            *g *= outer;
        }
        gain
    }
}

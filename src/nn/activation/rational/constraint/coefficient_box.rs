//! After each step every coefficient is moved to the nearest value within c of its start:
//! |θᵢ - θᵢ⁽⁰⁾| ≤ c, coefficient by coefficient.
//!
//! Bounds the distance from the start, by the projection itself; the ends of each box are rounded
//! inward to f32, so that the bound holds for the stored values too. It does not bound the curve: with
//! |bₙ⁽⁰⁾| ≤ c the box holds bₙ = 0 and with it every tail slope.
//!
//! Projected gradient steps are textbook; a name by form (see `constraint`).

use super::super::RationalError;
use super::super::form::Form;
use super::{Constraint, positive};
use crate::spec::{Choice, Entry, Kind, Parameter};

pub(super) const ENTRY: Entry = Entry {
    name: "coefficient-box",
    summary: "after each step, back to |coefficient - its start| <= bound",
    source: "projected gradient step; named by form",
    parameters: &[Parameter {
        name: "bound",
        summary: "largest distance of a coefficient from its start",
        kind: Kind::Number { default: Some(0.5), min: 0.0, max: f64::MAX },
    }],
};

/// See the module.
#[derive(Clone, Debug)]
pub struct CoefficientBox {
    /// c
    pub bound: f64,
    sides: Vec<(f32, f32)>,
}

impl CoefficientBox {
    /// A box of half-width `bound`, around the start that `remember_start` is given.
    #[must_use]
    pub fn new(bound: f64) -> Self {
        Self { bound, sides: Vec::new() }
    }

    pub(super) fn chosen(choice: &Choice) -> Self {
        Self::new(choice.number("bound"))
    }
}

impl Constraint for CoefficientBox {
    fn check(&self, _: Form) -> Result<(), RationalError> {
        positive(ENTRY.name, "bound", self.bound)
    }

    fn remember_start(&mut self, _: Form, start: &[f64]) {
        let side = |&start: &f64| {
            let (low, high) = (start - self.bound, start + self.bound);
            let (mut least, mut most) = (low as f32, high as f32);
            if f64::from(least) < low {
                least = least.next_up();
            }
            if f64::from(most) > high {
                most = most.next_down();
            }
            // A box narrower than f32's spacing holds no f32 at all: the nearest one stands in.
            if least <= most { (least, most) } else { (start as f32, start as f32) }
        };
        self.sides = start.iter().map(side).collect();
    }

    fn project(&self, form: Form, values: &mut [f32]) {
        for set in values.chunks_exact_mut(form.len()) {
            for (value, &(least, most)) in set.iter_mut().zip(&self.sides) {
                *value = value.clamp(least, most);
            }
        }
    }
}

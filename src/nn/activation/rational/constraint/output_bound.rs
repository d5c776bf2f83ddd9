//! y = c·tanh(R/c).
//!
//! **Bound.** |y| ≤ c since |tanh| ≤ 1, for every R, poles of version N included; y ≈ R for |R| ≪ c.
//! As |dy/dR| = 1 - (y/c)² ≤ 1, it makes R' no steeper, but does not bound it. Coefficients stay free:
//! a saturated unit (|R| ≫ c) passes back no gradient, which is the price.
//!
//! Starts are fitted through the tanh, so y, not R, is nearest the target.
//! A soft clip as in Bello et al. 2017 (logits); named by form, that of arXiv 2507.14736 is unverified.

use super::super::RationalError;
use super::super::form::Form;
use super::{Constraint, positive};
use crate::spec::{Choice, Entry, Kind, Parameter};

pub(super) const ENTRY: Entry = Entry {
    name: "output-bound",
    summary: "bound * tanh(R / bound): |y| <= bound",
    source: "named by form; that of arXiv 2507.14736 is unverified",
    parameters: &[Parameter {
        name: "bound",
        summary: "largest output",
        kind: Kind::Number { default: Some(10.0), min: 0.0, max: 1e30 },
    }],
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct OutputBound {
    /// c
    pub bound: f64,
}

impl OutputBound {
    pub(super) fn chosen(choice: &Choice) -> Self {
        Self { bound: choice.number("bound") }
    }
}

impl Constraint for OutputBound {
    fn check(&self, _: Form) -> Result<(), RationalError> {
        positive(ENTRY.name, "bound", self.bound)
    }

    fn ceiling(&self) -> Option<f64> {
        Some(self.bound)
    }
}

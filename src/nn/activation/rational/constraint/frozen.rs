//! The coefficients stay at their start.
//!
//! Bounds everything about the curve, by never moving it. The far end of the 'tempered' rationals of
//! Delfosse et al. 2024, arXiv 2102.09407.

use super::Constraint;
use crate::spec::Entry;

pub(super) const ENTRY: Entry = Entry {
    name: "frozen",
    summary: "coefficients are never trained",
    source: "after Delfosse et al. 2024, arXiv 2102.09407 ('tempered')",
    parameters: &[],
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Frozen;

impl Constraint for Frozen {
    fn trained_in(&self, _: usize) -> bool {
        false
    }
}

//! No constraint: R as its coefficients draw it.
//!
//! Bounds nothing. In particular the tail slope aₘ/|bₙ| of a ratio with m = n+1 grows without bound as
//! bₙ → 0.

use super::Constraint;
use crate::spec::Entry;

pub(super) const ENTRY: Entry = Entry {
    name: "none",
    summary: "R as its coefficients draw it; bounds nothing",
    source: "Molina et al. 2020; Delfosse et al. 2024, arXiv 2102.09407",
    parameters: &[],
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Unconstrained;

impl Constraint for Unconstrained {}

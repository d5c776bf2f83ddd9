//! The identity: a deep linear network, which is known to keep its plasticity (arXiv 2410.20634).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "identity",
    summary: "x: a deep linear network",
    source: "Lewandowski et al. 2024, arXiv 2410.20634",
    parameters: &[],
};

#[derive(Clone, Copy)]
struct Identity;

impl Scalar for Identity {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x
    }
    #[inline(always)]
    fn derivative<T: Real>(self, _: T, _: T) -> T {
        T::ONE
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Identity)
}

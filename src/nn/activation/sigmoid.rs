//! The logistic function σ(x) = 1/(1 + e^-x).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry =
    Entry { name: "sigmoid", summary: "1/(1 + exp(-x))", source: "Rumelhart et al. 1986", parameters: &[] };

#[derive(Clone, Copy)]
struct Sigmoid;

impl Scalar for Sigmoid {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x.sigmoid()
    }
    #[inline(always)]
    fn derivative<T: Real>(self, _: T, y: T) -> T {
        y * (T::ONE - y)
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Sigmoid)
}

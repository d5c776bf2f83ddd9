//! The hyperbolic tangent.

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry =
    Entry { name: "tanh", summary: "tanh(x)", source: "LeCun et al. 1998", parameters: &[] };

#[derive(Clone, Copy)]
struct Tanh;

impl Scalar for Tanh {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x.tanh()
    }
    #[inline(always)]
    fn derivative<T: Real>(self, _: T, y: T) -> T {
        T::ONE - y * y
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Tanh)
}

//! relu(x) = max(x, 0), with relu'(0) = 0 as in `PyTorch` (candle's own has 1 there).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry =
    Entry { name: "relu", summary: "max(x, 0)", source: "Nair & Hinton 2010", parameters: &[] };

/// max(x, 0)
#[derive(Clone, Copy)]
struct Relu;

impl Scalar for Relu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        // Not `max`, which would turn NaN into 0 and hide a diverged network.
        if x < T::ZERO { T::ZERO } else { x }
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        if x > T::ZERO { T::ONE } else { T::ZERO }
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Relu)
}

//! `leaky_relu(x)` = x for x > 0, slope·x elsewhere (Maas et al. 2013).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "leaky_relu",
    summary: "x for x > 0, slope·x elsewhere",
    source: "Maas et al. 2013",
    parameters: &[Parameter {
        name: "slope",
        summary: "slope of the negative side",
        kind: Kind::Number { default: Some(0.01), min: -1.0, max: 10.0 },
    }],
};

#[derive(Clone, Copy)]
struct LeakyRelu {
    slope: f64,
}

impl Scalar for LeakyRelu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        if x > T::ZERO { x } else { x * T::of(self.slope) }
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        if x > T::ZERO { T::ONE } else { T::of(self.slope) }
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    pointwise(LeakyRelu { slope: choice.number("slope") })
}

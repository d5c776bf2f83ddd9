//! elu(x) = x for x > 0, α(eˣ - 1) elsewhere (Clevert et al. 2016, arXiv 1511.07289).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "elu",
    summary: "x for x > 0, alpha·(exp(x) - 1) elsewhere",
    source: "Clevert et al. 2016, arXiv 1511.07289",
    parameters: &[Parameter {
        name: "alpha",
        summary: "minus the limit on the negative side",
        kind: Kind::Number { default: Some(1.0), min: 0.0, max: 100.0 },
    }],
};

#[derive(Clone, Copy)]
struct Elu {
    alpha: f64,
}

/// eˣ - 1 for x ≤ 0 without cancellation near 0: eˣ - 1 = tanh(x/2)·(eˣ + 1).
#[inline(always)]
pub(super) fn exp_m1<T: Real>(x: T) -> T {
    (x * T::of(0.5)).tanh() * (x.exp() + T::ONE)
}

impl Scalar for Elu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let negative = T::of(self.alpha) * exp_m1(x);
        if x > T::ZERO { x } else { negative }
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let negative = T::of(self.alpha) * x.exp();
        if x > T::ZERO { T::ONE } else { negative }
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    pointwise(Elu { alpha: choice.number("alpha") })
}

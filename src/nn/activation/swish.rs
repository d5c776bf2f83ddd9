//! swish(x) = x·σ(βx); β = 1 is silu (Ramachandran et al. 2017, arXiv 1710.05941).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "swish",
    summary: "x·sigmoid(beta·x); beta = 1 is silu",
    source: "Ramachandran et al. 2017, arXiv 1710.05941",
    parameters: &[Parameter {
        name: "beta",
        summary: "steepness",
        kind: Kind::Number { default: Some(1.0), min: 0.0, max: 100.0 },
    }],
};

#[derive(Clone, Copy)]
struct Swish {
    beta: f64,
}

impl Scalar for Swish {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x * (x * T::of(self.beta)).sigmoid()
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, y: T) -> T {
        let beta = T::of(self.beta);
        let s = (x * beta).sigmoid();
        s + beta * y * (T::ONE - s)
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    pointwise(Swish { beta: choice.number("beta") })
}

//! gelu(x) = x·Φ(x) with the normal distribution function Φ(x) = (1 + erf(x/√2))/2, not the tanh
//! approximation (Hendrycks & Gimpel 2016, arXiv 1606.08415).

use std::f64::consts::PI;

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "gelu",
    summary: "x·(1 + erf(x/√2))/2, the exact form",
    source: "Hendrycks & Gimpel 2016, arXiv 1606.08415",
    parameters: &[],
};

#[derive(Clone, Copy)]
struct Gelu;

impl Scalar for Gelu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x * x.normal().0
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        self.both(x).1
    }
    const SHARES_WORK: bool = true;
    #[inline(always)]
    fn both<T: Real>(self, x: T) -> (T, T) {
        let (distribution, density) = x.normal();
        (x * distribution, distribution + x * density * T::of(1.0 / (2.0 * PI).sqrt()))
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Gelu)
}

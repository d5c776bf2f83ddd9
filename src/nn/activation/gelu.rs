//! gelu(x) = x·Φ(x) with the normal distribution function Φ(x) = (1 + erf(x/√2))/2, not the tanh
//! approximation (Hendrycks & Gimpel 2016, arXiv 1606.08415).

use std::f64::consts::{FRAC_1_SQRT_2, PI};

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

#[inline(always)]
fn distribution<T: Real>(x: T) -> T {
    T::of(0.5) * (T::ONE + (x * T::of(FRAC_1_SQRT_2)).erf())
}

impl Scalar for Gelu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        x * distribution(x)
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let density = (x * x * T::of(-0.5)).exp() * T::of(1.0 / (2.0 * PI).sqrt());
        distribution(x) + x * density
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Gelu)
}

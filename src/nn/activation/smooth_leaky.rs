//! smooth-leaky(x) = αx + (1 - α)·x·σ(cx/p): a leaky relu without the kink (arXiv 2509.22562).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// c and p, shared with the randomised form.
pub(super) const STEEPNESS: [Parameter; 2] = [
    Parameter {
        name: "c",
        summary: "steepness of the transition, over p",
        kind: Kind::Number { default: Some(5.0), min: 1e-6, max: 1e6 },
    },
    Parameter {
        name: "p",
        summary: "width of the transition",
        kind: Kind::Number { default: Some(3.0), min: 1e-6, max: 1e6 },
    },
];

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "smooth-leaky",
    summary: "alpha·x + (1 - alpha)·x·sigmoid(c·x/p)",
    source: "Lillo & Cheney 2025, arXiv 2509.22562",
    parameters: &[
        Parameter {
            name: "alpha",
            summary: "slope of the negative side",
            kind: Kind::Number { default: Some(0.1), min: -1.0, max: 10.0 },
        },
        STEEPNESS[0],
        STEEPNESS[1],
    ],
};

#[derive(Clone, Copy)]
struct SmoothLeaky {
    alpha: f64,
    steepness: f64,
}

/// rx + (1 - r)·x·σ(kx)
#[inline(always)]
pub(super) fn value<T: Real>(x: T, r: T, k: T) -> T {
    let gate = (x * k).sigmoid();
    x * (r + (T::ONE - r) * gate)
}

/// Its derivative in x.
#[inline(always)]
pub(super) fn derivative<T: Real>(x: T, r: T, k: T) -> T {
    let gate = (x * k).sigmoid();
    r + (T::ONE - r) * gate * (T::ONE + x * k * (T::ONE - gate))
}

impl Scalar for SmoothLeaky {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        value(x, T::of(self.alpha), T::of(self.steepness))
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        derivative(x, T::of(self.alpha), T::of(self.steepness))
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    let steepness = choice.number("c") / choice.number("p");
    pointwise(SmoothLeaky { alpha: choice.number("alpha"), steepness })
}

//! The two float types that the kernels are written for: f32 trains, f64 checks gradients.

use super::functions as vector_functions;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// f32 or f64.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + Debug
    + Display
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// Largest finite value.
    const MAX: Self;
    /// Below this an activation or a gradient is 0 ([`super::element::flush`]).
    const NEGLIGIBLE: Self;
    /// Rounded from f64.
    fn of(x: f64) -> Self;
    /// Widened to f64.
    fn wide(self) -> f64;
    /// self · a + b in one rounding.
    #[must_use]
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// |x|
    #[must_use]
    fn abs(self) -> Self;
    /// √x
    #[must_use]
    fn sqrt(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Whether it is no number.
    fn is_nan(self) -> bool;
    /// The larger one; the other where one is NaN.
    #[must_use]
    fn max(self, other: Self) -> Self;
    /// The smaller one; the other where one is NaN.
    #[must_use]
    fn min(self, other: Self) -> Self;
    /// eˣ; f32 saturates at about e^±87 instead of overflowing.
    #[must_use]
    fn exp(self) -> Self;
    /// tanh x
    #[must_use]
    fn tanh(self) -> Self;
    /// The normal distribution function Φ(x) and exp(-x²/2).
    #[must_use]
    fn normal(self) -> (Self, Self);
    /// ln(1 + x) for x ≥ 0.
    #[must_use]
    fn ln_1p(self) -> Self;
    /// sin x and cos x.
    #[must_use]
    fn sin_cos(self) -> (Self, Self);
    /// 1 / (1 + e^-x)
    #[inline(always)]
    #[must_use]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
}

macro_rules! real {
    ($t:ident, $functions:ident, $negligible:expr) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const MAX: Self = $t::MAX;
            const NEGLIGIBLE: Self = $negligible;
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            #[allow(clippy::cast_lossless)]
            fn wide(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                $t::mul_add(self, a, b)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $t::max(self, other)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $t::min(self, other)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $functions::exp(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $functions::tanh(self)
            }
            #[inline(always)]
            fn normal(self) -> (Self, Self) {
                $functions::normal(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                $functions::ln_1p(self)
            }
            #[inline(always)]
            fn sin_cos(self) -> (Self, Self) {
                $functions::sin_cos(self)
            }
        }
    };
}
real!(f32, vector_functions, 1e-18);
// Gradients are checked without it.
real!(f64, libm_functions, 0.0);

/// f64 only checks gradients: the library's functions will do.
mod libm_functions {
    pub use libm::{exp, log1p as ln_1p, sincos as sin_cos, tanh};

    pub fn normal(x: f64) -> (f64, f64) {
        (0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2), exp(-0.5 * x * x))
    }
}

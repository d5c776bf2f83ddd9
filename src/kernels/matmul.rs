//! Matrix products on row-major slices, by `faer` on one thread.
//!
//! `faer` picks AVX-512 or AVX2 kernels at run time and runs these shapes at about twice the rate of
//! the product that candle ships. One thread always: runs are what is parallel here, and a second
//! thread inside a step of this size costs more in waiting than it gives.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::real::Real;

/// A float that candle stores and `faer` multiplies: f32 or f64.
pub trait Element: Real + candle_core::WithDType + faer::traits::ComplexField<Real = Self> {}
impl Element for f32 {}
impl Element for f64 {}

fn accumulation(add: bool) -> Accum {
    if add { Accum::Add } else { Accum::Replace }
}

/// c (m × n) = a (m × k) · b (n × k)ᵀ, or c += where `add`.
pub fn times_transposed<T: Element>(
    a: &[T],
    b: &[T],
    c: &mut [T],
    (m, n, k): (usize, usize, usize),
    add: bool,
) {
    matmul(
        MatMut::from_row_major_slice_mut(c, m, n),
        accumulation(add),
        MatRef::from_row_major_slice(a, m, k),
        MatRef::from_row_major_slice(b, n, k).transpose(),
        <T as Real>::ONE,
        Par::Seq,
    );
}

/// c (m × n) = a (m × k) · b (k × n), or c += where `add`.
pub fn times<T: Element>(a: &[T], b: &[T], c: &mut [T], (m, n, k): (usize, usize, usize), add: bool) {
    matmul(
        MatMut::from_row_major_slice_mut(c, m, n),
        accumulation(add),
        MatRef::from_row_major_slice(a, m, k),
        MatRef::from_row_major_slice(b, k, n),
        <T as Real>::ONE,
        Par::Seq,
    );
}

/// c (m × n) = a (k × m)ᵀ · b (k × n), or c += where `add`.
pub fn transposed_times<T: Element>(
    a: &[T],
    b: &[T],
    c: &mut [T],
    (m, n, k): (usize, usize, usize),
    add: bool,
) {
    matmul(
        MatMut::from_row_major_slice_mut(c, m, n),
        accumulation(add),
        MatRef::from_row_major_slice(a, k, m).transpose(),
        MatRef::from_row_major_slice(b, k, n),
        <T as Real>::ONE,
        Par::Seq,
    );
}

//! Matrix products on row-major slices, by `faer` on one thread.
//!
//! `faer` picks AVX-512 or AVX2 kernels at run time and runs these shapes at about twice the rate of
//! the product that candle ships. One thread always: runs are what is parallel here, and a second
//! thread inside a step of this size costs more in waiting than it gives.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::affine;
use super::real::Real;

/// A float that candle stores and `faer` multiplies: f32 or f64.
pub trait Element: Real + candle_core::WithDType + faer::traits::ComplexField<Real = Self> {
    /// A product that this type has a kernel of its own for: columns (m × n, by columns) = x (m × k) ·
    /// w (n × k)ᵀ. False if it has none for these sizes and this processor; then nothing is written.
    fn by_columns(_x: &[Self], _w: &[Self], _columns: &mut [Self], _sizes: (usize, usize, usize)) -> bool {
        false
    }
}
impl Element for f32 {
    fn by_columns(x: &[Self], w: &[Self], columns: &mut [Self], sizes: (usize, usize, usize)) -> bool {
        affine::sixteen_rows(x, w, columns, sizes)
    }
}
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

//! Matrix products on row-major slices, by `faer` on one thread, but for those of `tiles` and `row_products`.
//!
//! `faer` picks AVX-512 or AVX2 kernels at run time and runs these shapes at about twice the rate of
//! the product that candle ships. One thread always: runs are what is parallel here, and a second
//! thread inside a step of this size costs more in waiting than it gives.

use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};

use super::element::flush;
use super::lanes::Lane;
use super::real::Real;
use super::row_products::{self, Base};
use super::scratch::Scratch;
use super::tile::Matrix;
use super::tiles;

/// A float that candle stores, `faer` multiplies and `pulp` has vectors of: f32 or f64.
pub trait Element:
    Real + Lane + Scratch + candle_core::WithDType + faer::traits::ComplexField<Real = Self>
{
}
impl Element for f32 {}
impl Element for f64 {}

fn accumulation(add: bool) -> Accum {
    if add { Accum::Add } else { Accum::Replace }
}

/// c (m × n) = a (m × k) · b (n × k)ᵀ, or c += where `add`. The same sums whoever multiplies.
pub fn times_transposed<T: Element>(a: &[T], b: &[T], c: &mut [T], sizes: (usize, usize, usize), add: bool) {
    let base = if add { Base::Itself } else { Base::Nothing };
    let w = Matrix::of(b, sizes.2).turn();
    let product = row_products::Product { x: a, w, c: &mut *c, sizes, base, flush: false };
    if !product.run() {
        times_transposed_by_faer(a, b, c, sizes, add);
    }
}

/// c (m × n) = a (m × k) · b (k × n), or c += where `add`. The same sums whoever multiplies.
pub fn times<T: Element>(a: &[T], b: &[T], c: &mut [T], sizes: (usize, usize, usize), add: bool) {
    multiply(a, b, c, sizes, add, false);
}

/// The same, and [`flush`] of c.
pub fn times_flushed<T: Element>(a: &[T], b: &[T], c: &mut [T], sizes: (usize, usize, usize), add: bool) {
    multiply(a, b, c, sizes, add, true);
}

fn multiply<T: Element>(
    a: &[T],
    b: &[T],
    c: &mut [T],
    sizes: (usize, usize, usize),
    add: bool,
    flushes: bool,
) {
    let base = if add { Base::Itself } else { Base::Nothing };
    let w = Matrix::of(b, sizes.1);
    let product = row_products::Product { x: a, w, c: &mut *c, sizes, base, flush: flushes };
    if !product.run() {
        times_by_faer(a, b, c, sizes, add);
        if flushes {
            flush(c);
        }
    }
}

/// c (m × n) = a (k × m)ᵀ · b (k × n), or c += where `add`. The same sums whoever multiplies.
pub fn transposed_times<T: Element>(a: &[T], b: &[T], c: &mut [T], sizes: (usize, usize, usize), add: bool) {
    if !(tiles::Product { a, b, c: &mut *c, sizes, add }).run() {
        transposed_by_faer(a, b, c, sizes, add);
    }
}

pub(super) fn times_transposed_by_faer<T: Element>(
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

pub(super) fn times_by_faer<T: Element>(
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
        MatRef::from_row_major_slice(b, k, n),
        <T as Real>::ONE,
        Par::Seq,
    );
}

pub(super) fn transposed_by_faer<T: Element>(
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

/// The Gram matrix of `w` (rows × columns) over its shorter side: w·wᵀ, or wᵀ·w where there are more rows than
/// columns. Of a large one only half is multiplied out, and the other half copied.
pub fn by_rows_or_columns<T: Element>(w: &[T], gram: &mut [T], rows: usize) {
    /// From here on half a product is the faster one.
    const LARGE: usize = 64;
    let columns = w.len() / rows;
    let side = rows.min(columns);
    match (side < LARGE, rows <= columns) {
        (true, true) => return times_transposed(w, w, gram, (rows, rows, columns), false),
        (true, false) => return transposed_times(w, w, gram, (columns, columns, rows), false),
        (false, _) => {}
    }
    let w = MatRef::from_row_major_slice(w, rows, columns);
    let w = if rows <= columns { w } else { w.transpose() };
    triangular::matmul(
        MatMut::from_row_major_slice_mut(gram, side, side),
        BlockStructure::TriangularLower,
        Accum::Replace,
        w,
        BlockStructure::Rectangular,
        w.transpose(),
        BlockStructure::Rectangular,
        <T as Real>::ONE,
        Par::Seq,
    );
    for row in 1..side {
        let (above, from_here) = gram.split_at_mut(row * side);
        let of_row = &from_here[..row];
        above[row..].iter_mut().step_by(side).zip(of_row).for_each(|(mirrored, &x)| *mirrored = x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::numbers;

    /// To the bit, so that what was made by the whole product stays as it was.
    #[test]
    fn half_a_gram_matrix_is_that_of_the_whole_product() {
        for (rows, columns) in
            [(1, 5), (7, 3), (33, 70), (64, 784), (100, 64), (256, 256), (150, 1100), (257, 90), (65, 65)]
        {
            let w = numbers(rows * columns, 3);
            let side = rows.min(columns);
            let [mut half, mut whole] = [vec![f32::NAN; side * side], vec![f32::NAN; side * side]];
            by_rows_or_columns(&w, &mut half, rows);
            if rows <= columns {
                times_transposed(&w, &w, &mut whole, (rows, rows, columns), false);
            } else {
                transposed_times(&w, &w, &mut whole, (columns, columns, rows), false);
            }
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert!(bits(&half) == bits(&whole), "{rows} × {columns}");
        }
    }
}

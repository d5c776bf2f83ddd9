//! Matrix products on row-major slices, by `faer` on one thread.
//!
//! `faer` picks AVX-512 or AVX2 kernels at run time and runs these shapes at about twice the rate of
//! the product that candle ships. One thread always: runs are what is parallel here, and a second
//! thread inside a step of this size costs more in waiting than it gives.

use std::ops::RangeInclusive;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::element::vectorized;
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

/// Batches whose forward product goes by columns: whole registers of rows, and few enough of them that
/// laying `w` out anew, as the product by rows does, costs more than turning the result.
const BY_COLUMNS: RangeInclusive<usize> = 16..=64;
const REGISTER: usize = 16;

/// x (m × k) · w (n × k)ᵀ + bias (n): a linear layer's forward pass.
pub fn affine<T: Element>(x: &[T], w: &[T], bias: &[T], (m, n, k): (usize, usize, usize)) -> Vec<T> {
    if !BY_COLUMNS.contains(&m) || !m.is_multiple_of(REGISTER) {
        let mut z = Vec::with_capacity(m * n);
        (0..m).for_each(|_| z.extend_from_slice(bias));
        times_transposed(x, w, &mut z, (m, n, k), true);
        return z;
    }
    let mut columns = vec![<T as Real>::ZERO; m * n];
    matmul(
        MatMut::from_column_major_slice_mut(&mut columns, m, n),
        Accum::Replace,
        MatRef::from_row_major_slice(x, m, k),
        MatRef::from_row_major_slice(w, n, k).transpose(),
        <T as Real>::ONE,
        Par::Seq,
    );
    let mut z = vec![<T as Real>::ZERO; m * n];
    vectorized(
        #[inline(always)]
        || turn(&columns, bias, &mut z, m),
    );
    z
}

/// z (m × n) by rows = columns (m × n) by columns + bias (n), for m in whole tiles.
#[inline(always)]
fn turn<T: Real>(columns: &[T], bias: &[T], z: &mut [T], m: usize) {
    const TILE: usize = 8;
    let n = bias.len();
    let (tiles, rest) = bias.as_chunks::<TILE>();
    for row in (0..m).step_by(TILE) {
        for (j, bias) in tiles.iter().enumerate() {
            let mut tile = [[T::ZERO; TILE]; TILE];
            for c in 0..TILE {
                let column = &columns[(j * TILE + c) * m + row..][..TILE];
                for r in 0..TILE {
                    tile[r][c] = column[r];
                }
            }
            for r in 0..TILE {
                let out = &mut z[(row + r) * n + j * TILE..][..TILE];
                for c in 0..TILE {
                    out[c] = tile[r][c] + bias[c];
                }
            }
        }
        for (c, &bias) in (n - rest.len()..n).zip(rest) {
            for r in row..row + TILE {
                z[r * n + c] = columns[c * m + r] + bias;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of small integers are exact, so both ways have to give the same numbers.
    #[test]
    fn affine_is_the_product_and_the_bias_by_rows_and_by_columns() {
        for m in [1, 7, 16, 24, 32, 48, 64, 80] {
            for (n, k) in [(10, 3), (8, 5), (37, 20), (1, 1)] {
                let whole = |count: usize, factor: usize| -> Vec<f64> {
                    (0..count).map(|i| (i * factor % 11) as f64 - 5.0).collect()
                };
                let (x, w, bias) = (whole(m * k, 7), whole(n * k, 3), whole(n, 5));
                let z = affine(&x, &w, &bias, (m, n, k));
                for (r, c) in (0..m).flat_map(|r| (0..n).map(move |c| (r, c))) {
                    let sum: f64 = (0..k).map(|i| x[r * k + i] * w[c * k + i]).sum();
                    assert_eq!(z[r * n + c], sum + bias[c], "{m} × {n} × {k} at {r}, {c}");
                }
            }
        }
    }
}

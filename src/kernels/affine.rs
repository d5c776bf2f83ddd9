//! A linear layer's forward pass, x · wᵀ + bias.

use std::ops::RangeInclusive;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

use super::element::vectorized;
use super::matmul::{Element, times_transposed_by_faer};
use super::real::Real;
use super::row_products::{Base, Product};
use super::scratch::Scratch;
use super::tile::Matrix;

/// Batch sizes computed column-major: a multiple of the register width, and small enough that transposing the
/// result is cheaper than packing `w`.
const BY_COLUMNS: RangeInclusive<usize> = 16..=64;
const REGISTER: usize = 16;

/// A float with a product of its own for some sizes.
pub trait ByColumns: Element + Scratch {
    /// columns (m × n, by columns) = x (m × k) · w (n × k)ᵀ. False, and nothing written, where the type has
    /// no kernel of its own for these sizes and this processor.
    fn by_columns(_x: &[Self], _w: &[Self], _columns: &mut [Self], _sizes: (usize, usize, usize)) -> bool {
        false
    }
}
impl ByColumns for f32 {
    fn by_columns(x: &[Self], w: &[Self], columns: &mut [Self], sizes: (usize, usize, usize)) -> bool {
        sixteen_rows(x, w, columns, sizes)
    }
}
impl ByColumns for f64 {}

/// x (m × k) · w (n × k)ᵀ + bias (n), in a [`Scratch`] buffer.
pub fn affine<T: ByColumns>(x: &[T], w: &[T], bias: &[T], (m, n, k): (usize, usize, usize)) -> Vec<T> {
    if !BY_COLUMNS.contains(&m) || !m.is_multiple_of(REGISTER) {
        let mut z = T::take(m * n);
        affine_by_rows(x, w, (bias, None), &mut z, (m, n, k));
        return z;
    }
    let mut columns = T::take(m * n);
    if !T::by_columns(x, w, &mut columns, (m, n, k)) {
        by_columns(x, w, &mut columns, (m, n, k));
    }
    let mut z = T::take(m * n);
    vectorized(
        #[inline(always)]
        || turn(&columns, bias, &mut z, m),
    );
    T::put(columns);
    z
}

/// y (m × n) = x (m × k) · w (n × k)ᵀ + bias (n), plus a residual (m × n) where there is one. The same sums whoever
/// multiplies.
pub fn affine_by_rows<T: Element>(
    x: &[T],
    w: &[T],
    (bias, residual): (&[T], Option<&[T]>),
    y: &mut [T],
    sizes: (usize, usize, usize),
) {
    let base = residual.map_or(Base::Row(bias), |residual| Base::RowAnd(bias, residual));
    let turned = Matrix::of(w, sizes.2).turn();
    if (Product { x, w: turned, c: &mut *y, sizes, base, flush: false }).run() {
        return;
    }
    match residual {
        None => y.chunks_exact_mut(bias.len().max(1)).for_each(|row| row.copy_from_slice(bias)),
        Some(residual) => vectorized(
            #[inline(always)]
            || {
                for (row, from) in y.chunks_exact_mut(bias.len()).zip(residual.chunks_exact(bias.len())) {
                    for ((y, &from), &bias) in row.iter_mut().zip(from).zip(bias) {
                        *y = from + bias;
                    }
                }
            },
        ),
    }
    times_transposed_by_faer(x, w, y, sizes, true);
}

/// columns (m × n, by columns) = x (m × k) · w (n × k)ᵀ.
fn by_columns<T: Element>(x: &[T], w: &[T], columns: &mut [T], (m, n, k): (usize, usize, usize)) {
    matmul(
        MatMut::from_column_major_slice_mut(columns, m, n),
        Accum::Replace,
        MatRef::from_row_major_slice(x, m, k),
        MatRef::from_row_major_slice(w, n, k).transpose(),
        <T as Real>::ONE,
        Par::Seq,
    );
}

/// The same for sixteen rows in f32 where a register holds them; false, and nothing done, elsewhere.
///
/// `faer` takes four rows of `w` at a time. That is too few sums to hide an addition's latency, and `x` is
/// read from the second-level cache once for every four: eight rows took 0.87 of its time (784 × 256, 256 ×
/// 256, 256 × 10 on an Intel Xeon with AVX-512). With the `faer` that Cargo.lock names, the sums are its own
/// to the last bit, as a test holds; a later one may sum in another order, and last bits with it.
fn sixteen_rows(x: &[f32], w: &[f32], columns: &mut [f32], (m, n, k): (usize, usize, usize)) -> bool {
    m == REGISTER && n * k > 0 && Arch::new().dispatch(SixteenRows { x, w, columns, k })
}

struct SixteenRows<'a> {
    x: &'a [f32],
    w: &'a [f32],
    columns: &'a mut [f32],
    k: usize,
}

/// Columns that are summed side by side.
const SIDE: usize = 8;
/// Products that are summed before they are added to the result: `faer`'s own number.
const DEPTH: usize = 512;

impl WithSimd for SixteenRows<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        if S::F32_LANES != REGISTER {
            return false;
        }
        let Self { x, w, columns, k } = self;
        let mut lanes = f32::take(k * REGISTER);
        side_by_side(x, &mut lanes, k);
        let x = S::as_simd_f32s(&lanes).0;
        let columns = S::as_mut_simd_f32s(columns).0;
        for (first, x) in (0..k).step_by(DEPTH).zip(x.chunks(DEPTH)) {
            for (w, columns) in w.chunks(SIDE * k).zip(columns.chunks_mut(SIDE)) {
                // Where fewer are left the last one is summed again and not written.
                let rows: [&[f32]; SIDE] =
                    std::array::from_fn(|j| &w[j.min(columns.len() - 1) * k + first..][..x.len()]);
                let mut sums = [simd.splat_f32s(0.0); SIDE];
                for (i, &x) in x.iter().enumerate() {
                    for (sum, row) in sums.iter_mut().zip(&rows) {
                        *sum = simd.mul_add_f32s(x, simd.splat_f32s(row[i]), *sum);
                    }
                }
                for (column, sum) in columns.iter_mut().zip(sums) {
                    *column = if first == 0 { sum } else { simd.add_f32s(*column, sum) };
                }
            }
        }
        f32::put(lanes);
        true
    }
}

const TILE: usize = 8;

/// lanes (k × sixteen) = x (sixteen × k), turned.
#[inline(always)]
fn side_by_side(x: &[f32], lanes: &mut [f32], k: usize) {
    let whole = k / TILE * TILE;
    for (half, x) in x.chunks_exact(TILE * k).enumerate() {
        for i in (0..whole).step_by(TILE) {
            let mut tile = [[0.0; TILE]; TILE];
            for r in 0..TILE {
                let row = &x[r * k + i..][..TILE];
                for c in 0..TILE {
                    tile[c][r] = row[c];
                }
            }
            for (c, values) in tile.iter().enumerate() {
                lanes[(i + c) * REGISTER + half * TILE..][..TILE].copy_from_slice(values);
            }
        }
        for i in whole..k {
            for r in 0..TILE {
                lanes[i * REGISTER + half * TILE + r] = x[r * k + i];
            }
        }
    }
}

/// z (m × n) by rows = columns (m × n) by columns + bias (n), for m in whole tiles.
#[inline(always)]
fn turn<T: Real>(columns: &[T], bias: &[T], z: &mut [T], m: usize) {
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
    use crate::kernels::numbers;

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

    /// Sizes about the sums of 512 products, columns side by side and tiles; another processor tests nothing.
    #[test]
    fn sixteen_rows_give_the_bits_of_the_usual_product() {
        for (n, k) in [(256, 784), (100, 784), (10, 256), (8, 512), (9, 513), (1, 1), (7, 5), (3, 1100)] {
            let (x, w) = (numbers(16 * k, 1), numbers(n * k, 2));
            let (mut own, mut usual) = (vec![f32::NAN; 16 * n], vec![0.0; 16 * n]);
            by_columns(&x, &w, &mut usual, (16, n, k));
            if sixteen_rows(&x, &w, &mut own, (16, n, k)) {
                let different = own.iter().zip(&usual).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                assert_eq!(different, 0, "{n} × {k}");
            } else {
                assert!(own.iter().all(|value| value.is_nan()));
            }
        }
    }
}

//! A linear layer's forward pass, x · wᵀ + bias.

use std::ops::RangeInclusive;

use super::element::vectorized;
use super::few_rows::{REGISTER, by_faer, few_rows};
use super::lanes::Lane;
use super::matmul::{Element, times_transposed_by_faer};
use super::row_products::{Base, Product};
use super::scratch::Scratch;
use super::tile::Matrix;

/// Batch sizes computed column-major: a multiple of the register width, and small enough that transposing the
/// result is cheaper than packing `w`.
const BY_COLUMNS: RangeInclusive<usize> = 16..=64;

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
        few_rows(x, w, columns, sizes)
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
        by_faer(x, w, &mut columns, (m, n, k));
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

/// Rows and columns that are turned at a time.
const TILE: usize = 8;

/// z (m × n) by rows = columns (m × n) by columns + bias (n), for m in whole tiles.
#[inline(always)]
fn turn<T: Lane>(columns: &[T], bias: &[T], z: &mut [T], m: usize) {
    let n = bias.len();
    let (tiles, rest) = bias.as_chunks::<TILE>();
    for row in (0..m).step_by(TILE) {
        for (j, bias) in tiles.iter().enumerate() {
            let mut tile = [[T::ZERO; TILE]; TILE];
            for (c, tile) in tile.iter_mut().enumerate() {
                tile.copy_from_slice(&columns[(j * TILE + c) * m + row..][..TILE]);
            }
            let tile = T::transposed(tile);
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

//! columns (m × n, by columns) = x (m × k) · w (n × k)ᵀ in f32 for a batch of few rows: sixteen where a register holds
//! them, sixteen or thirty-two on processors with AVX2.
//!
//! `faer` takes four rows of `w` at a time. That is too few sums to hide an addition's latency, and `x` is read from
//! the second-level cache once for every four. Eight rows took 0.87 of its time (sixteen rows of x, 784 × 256, 256 ×
//! 256, 256 × 10 on an Intel Xeon with AVX-512). With AVX2 six rows took 0.94 of it for sixteen rows of x and 0.83 for
//! thirty-two (784 × 256 and 256 × 256 on an AMD EPYC); from forty-eight on `faer` is ahead. With the `faer` that
//! Cargo.lock names, the sums are its own to the last bit, as a test holds; a later one may sum in another order, and
//! last bits with it.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

use super::lanes::Lane;
use super::matmul::Element;
use super::real::Real;
use super::scratch::Scratch;
use super::tile::{DEPTH, HEIGHT, Matrix, WIDE, pack, summed};

/// Rows of x that lie side by side: those of the widest register.
pub const REGISTER: usize = 16;
/// Columns that are summed side by side where a register holds sixteen rows.
const SIDE: usize = 8;
/// With AVX2: the most rows of x and the least columns that it pays for.
const MOST: usize = 32;
const LEAST: usize = 64;

/// Multiplies; false, and nothing done, for other sizes and on other processors.
pub fn few_rows(x: &[f32], w: &[f32], columns: &mut [f32], sizes: (usize, usize, usize)) -> bool {
    let (m, n, k) = sizes;
    m.is_multiple_of(REGISTER) && m * n * k > 0 && Arch::new().dispatch(FewRows { x, w, columns, sizes })
}

/// columns (m × n, by columns) = x (m × k) · w (n × k)ᵀ, whatever the sizes.
pub fn by_faer<T: Element>(x: &[T], w: &[T], columns: &mut [T], (m, n, k): (usize, usize, usize)) {
    matmul(
        MatMut::from_column_major_slice_mut(columns, m, n),
        Accum::Replace,
        MatRef::from_row_major_slice(x, m, k),
        MatRef::from_row_major_slice(w, n, k).transpose(),
        <T as Real>::ONE,
        Par::Seq,
    );
}

struct FewRows<'a> {
    x: &'a [f32],
    w: &'a [f32],
    columns: &'a mut [f32],
    sizes: (usize, usize, usize),
}

impl WithSimd for FewRows<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let (m, n, _) = self.sizes;
        match S::F32_LANES {
            REGISTER if m == REGISTER => self.sixteen(simd),
            8 if m <= MOST && n >= LEAST => self.by_tiles(simd),
            _ => return false,
        }
        true
    }
}

impl FewRows<'_> {
    /// Sixteen rows in a register.
    #[inline(always)]
    fn sixteen<S: Simd>(self, simd: S) {
        let Self { x, w, columns, sizes: (m, _, k) } = self;
        let mut lanes = f32::take(k * REGISTER);
        pack(Matrix::of(x, k).turn(), m, (0, 0), &mut lanes, REGISTER);
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
    }

    /// Six rows of w by a panel of sixteen rows of x.
    #[inline(always)]
    fn by_tiles<S: Simd>(self, simd: S) {
        let Self { x, w, columns, sizes: (m, n, k) } = self;
        let mut panel = f32::take(k.min(DEPTH) * REGISTER);
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            let panel = &mut panel[..depth * REGISTER];
            for row in (0..m).step_by(REGISTER) {
                pack(Matrix::of(x, k).turn(), m, (from, row), panel, REGISTER);
                let panel = f32::vectors::<S>(panel).as_chunks::<WIDE>().0;
                for column in (0..n).step_by(HEIGHT) {
                    // Where fewer are left the last one is summed again and not written.
                    let at = |i: usize| &w[(column + i).min(n - 1) * k + from..][..depth];
                    let rows = [at(0), at(1), at(2), at(3), at(4), at(5)];
                    let sums = summed::<f32, S, WIDE>(simd, rows, panel);
                    for (sums, column) in sums.iter().zip(column..n) {
                        let to = &mut columns[column * m + row..][..REGISTER];
                        for (to, &sum) in f32::vectors_mut::<S>(to).iter_mut().zip(sums) {
                            *to = if from == 0 { sum } else { f32::plus(simd, *to, sum) };
                        }
                    }
                }
            }
        }
        f32::put(panel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::numbers;

    /// Sizes about the sums of 512 products, columns side by side and tiles; a processor of another kind tests nothing.
    #[test]
    fn few_rows_give_the_bits_of_the_usual_product() {
        let sizes =
            [(256, 784), (100, 784), (10, 256), (8, 512), (9, 513), (1, 1), (7, 5), (3, 1100), (67, 1100)];
        for ((n, k), m) in sizes.into_iter().flat_map(|sizes| [16, 32, 48].map(|m| (sizes, m))) {
            let (x, w) = (numbers(m * k, 1), numbers(n * k, 2));
            let (mut own, mut usual) = (vec![f32::NAN; m * n], vec![0.0; m * n]);
            by_faer(&x, &w, &mut usual, (m, n, k));
            let ran = few_rows(&x, &w, &mut own, (m, n, k));
            let expected = match crate::kernels::name() {
                "x86-64 avx512" => m == REGISTER,
                "x86-64 avx2" => m <= MOST && n >= LEAST,
                _ => false,
            };
            assert_eq!(ran, expected, "{m} × {n} × {k}");
            if ran {
                let different = own.iter().zip(&usual).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                assert_eq!(different, 0, "{m} × {n} × {k}");
            } else {
                assert!(own.iter().all(|value| value.is_nan()));
            }
        }
    }
}

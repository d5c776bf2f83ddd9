//! c = scale · x · w for the few dozen rows of one head of attention, on processors with AVX2.
//!
//! Each matrix is read where it lies, as part of a larger one, but for panels of w. At the ends tiles lie over one
//! another instead of being cut: what two of them make is the same. The sums are those of `faer`, to the bit.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

use super::lanes::Lane;
use super::matmul::Element;
use super::scratch::Scratch;
use super::tile::{DEPTH, HEIGHT, Matrix, WIDE, Wide, add, pack, summed};

/// The least columns of a c that it pays for: those of a vector.
const LEAST: usize = 8;

/// What need not be multiplied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    Nothing,
    /// c is square and nobody asks for it right of its diagonal: what is there afterwards may be anything.
    RightOfC,
    /// x is square and 0 right of its diagonal.
    RightOfX,
    /// x is square and 0 left of its diagonal.
    LeftOfX,
}

/// c (m × n) ← scale · x (m × k) · w (k × n)
pub struct Product<'a, T> {
    pub x: Matrix<'a, T>,
    pub w: Matrix<'a, T>,
    pub c: &'a mut [T],
    /// Numbers from one row of c to the next.
    pub step: usize,
    /// m, n, k
    pub sizes: (usize, usize, usize),
    pub scale: T,
    pub skip: Skip,
}

impl<T: Element> Product<'_, T> {
    /// Multiplies: by `faer` where nothing is skipped, in which it is as fast.
    pub fn run(mut self) {
        if self.skip == Skip::Nothing || !self.by_tiles() {
            self.by_faer();
        }
    }

    /// Whether it was multiplied: not where less than a tile is asked for, where sums are long, or where the
    /// processor's vectors are not those of AVX2.
    fn by_tiles(&mut self) -> bool {
        let (m, n, k) = self.sizes;
        m >= HEIGHT && n >= LEAST && (2..=DEPTH).contains(&k) && Arch::new().dispatch(ByTiles(self))
    }

    fn by_faer(self) {
        let (m, n, k) = self.sizes;
        let c = &mut self.c[..(m - 1) * self.step + n];
        // `from_row_major_slice_with_stride_mut` of faer 0.24.4 takes its stride for that of columns.
        let c = MatMut::from_column_major_slice_with_stride_mut(c, n, m, self.step).transpose_mut();
        let (x, w) = (reference(self.x, m, k), reference(self.w, k, n));
        matmul(c, Accum::Replace, x, w, self.scale, Par::Seq);
    }
}

/// A matrix (rows × columns) as `faer` takes it.
fn reference<T: Copy>(matrix: Matrix<'_, T>, rows: usize, columns: usize) -> MatRef<'_, T> {
    let Matrix { values, step, turned } = matrix;
    let (rows, columns) = if turned { (columns, rows) } else { (rows, columns) };
    let values = &values[..(rows - 1) * step + columns];
    let matrix = MatRef::from_row_major_slice_with_stride(values, rows, columns, step);
    if turned { matrix.transpose() } else { matrix }
}

struct ByTiles<'a, 'b, T>(&'a mut Product<'b, T>);

impl<T: Lane + Scratch> WithSimd for ByTiles<'_, '_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let fits = S::F32_LANES == 8;
        if fits {
            let (_, n, k) = self.0.sizes;
            let (one, two) = (T::width::<S>(), WIDE * T::width::<S>());
            let mut panel = T::take(two * k);
            let mut column = 0;
            while column < n {
                if n - column > one && n >= two {
                    column = column.min(n - two);
                    self.0.multiply::<S, WIDE>(simd, column, &mut panel);
                    column += two;
                } else {
                    column = column.min(n - one);
                    self.0.multiply::<S, 1>(simd, column, &mut panel[..one * k]);
                    column += one;
                }
            }
            T::put(panel);
        }
        fits
    }
}

impl<T: Lane + Scratch> Product<'_, T> {
    /// The columns of c from one on that a panel of so many vectors makes.
    #[inline(always)]
    fn multiply<S: Simd, const W: usize>(&mut self, simd: S, column: usize, panel: &mut [T]) {
        let ((m, n, k), Matrix { values, step, turned }) = (self.sizes, self.x);
        let width = W * T::width::<S>();
        pack(self.w, n, (0, column), panel, width);
        let panel = T::vectors::<S>(panel).as_chunks::<W>().0;
        let scale = T::splat(simd, self.scale);
        let first = if self.skip == Skip::RightOfC { column } else { 0 };
        for row in (first / HEIGHT * HEIGHT..m).step_by(HEIGHT) {
            let row = row.min(m - HEIGHT);
            let (from, to) = match self.skip {
                Skip::Nothing | Skip::RightOfC => (0, k),
                Skip::RightOfX => (0, k.min(row + HEIGHT)),
                Skip::LeftOfX => (row.min(k), k),
            };
            let panel = &panel[from..to];
            let sums = if turned {
                by_columns::<T, S, W>(simd, &values[from * step + row..], step, panel)
            } else {
                let at = |i: usize| &values[(row + i) * step..][from..to];
                summed::<T, S, W>(simd, [at(0), at(1), at(2), at(3), at(4), at(5)], panel)
            };
            for i in 0..HEIGHT {
                let c = &mut self.c[(row + i) * self.step + column..][..width];
                for (c, &sum) in T::vectors_mut::<S>(c).iter_mut().zip(&sums[i]) {
                    *c = T::times(simd, sum, scale);
                }
            }
        }
    }
}

/// The sums of a tile whose rows' next numbers lie side by side, `step` apart from the next but one.
#[inline(always)]
fn by_columns<T: Lane, S: Simd, const W: usize>(
    simd: S,
    x: &[T],
    step: usize,
    panel: &[Wide<T, S, W>],
) -> [Wide<T, S, W>; HEIGHT] {
    let mut sums = [[T::splat(simd, T::ZERO); W]; HEIGHT];
    for (x, w) in x.chunks(step).zip(panel) {
        if let Some(x) = x.first_chunk() {
            add::<T, S, W>(simd, &mut sums, x, w);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Against `faer` on all of c that is asked for, on sizes about the edges of tiles and panels; nothing where there
    /// is no AVX2.
    fn are_those_of_faer<T: Element>(bits: impl Fn(T) -> u64) {
        let mut draws = Stream::new(0, "test", 0);
        let mut numbers = |count: usize| -> Vec<T> { (0..count).map(|_| T::of(draws.normal())).collect() };
        let sizes = [(6, 8, 6), (7, 15, 7), (13, 16, 13), (64, 17, 64), (65, 65, 65), (12, 33, 12)];
        for ((m, n, k), of) in sizes.into_iter().flat_map(|sizes| (0..10).map(move |of| (sizes, of))) {
            let (turned_x, turned_w) = (of % 2 == 1, of / 2 % 2 == 1);
            let skip = [Skip::Nothing, Skip::RightOfC, Skip::RightOfX, Skip::LeftOfX][of % 5 % 4];
            let (x_step, w_step) = (m.max(k) + 3, n.max(k) + 5);
            let mut x = numbers(x_step * m.max(k));
            let w = numbers(w_step * n.max(k));
            for i in 0..m {
                for p in 0..k {
                    let is_zero =
                        matches!(skip, Skip::RightOfX) && p > i || matches!(skip, Skip::LeftOfX) && p < i;
                    if is_zero {
                        x[if turned_x { p * x_step + i } else { i * x_step + p }] = T::ZERO;
                    }
                }
            }
            let matrix = |values, step, turned| {
                let matrix = Matrix::of(values, step);
                if turned { matrix.turn() } else { matrix }
            };
            let (x, w) = (matrix(&x, x_step, turned_x), matrix(&w, w_step, turned_w));
            let step = n + 2;
            let [mut ours, mut theirs] = [vec![T::ZERO; m * step], vec![T::ZERO; m * step]];
            let scale = T::of(0.3);
            let mut product = Product { x, w, c: &mut ours, step, sizes: (m, n, k), scale, skip };
            let ran = product.by_tiles();
            assert_eq!(ran, crate::kernels::name() == "x86-64 avx2");
            Product { x, w, c: &mut theirs, step, sizes: (m, n, k), scale, skip }.by_faer();
            let asked = |i: usize| skip != Skip::RightOfC || i % step <= i / step || i % step >= n;
            let same = (0..m * step).all(|i| !asked(i) || bits(ours[i]) == bits(theirs[i]));
            assert!(same || !ran, "{m} × {n} × {k}, {of}");
        }
    }

    #[test]
    fn sums_are_those_of_faer() {
        are_those_of_faer::<f32>(|x| u64::from(x.to_bits()));
        are_those_of_faer::<f64>(f64::to_bits);
    }
}

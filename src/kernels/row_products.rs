//! c = x · w or x · wᵀ for many rows x, as the forward pass of a linear layer and its ∂x are, on processors with AVX2:
//! tiles of 6 rows by two vectors, with what else is to be done with a sum done on its way out.
//!
//! x is read where it lies: of six rows the next number each. The sums are those of `faer`, to the bit: one after the
//! other over at most [`DEPTH`] products, and from one such block to the next in c (figures: docs/performance.md).

use pulp::{Arch, Simd, WithSimd};

use super::element::flushed;
use super::lanes::Lane;
use super::scratch::Scratch;
use super::tile::{DEPTH, HEIGHT, Matrix, WIDE, Wide, pack, summed};

/// Rows that a panel of w meets before the next panel does.
const TOGETHER: usize = 4 * HEIGHT;
/// The least m, n and k that it pays for.
const LEAST: (usize, usize, usize) = (192, 128, 64);
/// The least m for which it pays where a panel of more than one block fills the nearest cache.
const MANY: usize = 1024;

/// What the sums are added to.
#[derive(Clone, Copy)]
pub enum Base<'a, T> {
    Nothing,
    /// What c holds.
    Itself,
    /// The same n numbers in every row.
    Row(&'a [T]),
    /// The same n numbers in every row, and m × n of its own.
    RowAnd(&'a [T], &'a [T]),
}

/// c (m × n) ← base + x (m × k) · w
pub struct Product<'a, T> {
    pub x: &'a [T],
    /// k × n, whole.
    pub w: Matrix<'a, T>,
    pub c: &'a mut [T],
    /// m, n, k
    pub sizes: (usize, usize, usize),
    pub base: Base<'a, T>,
    /// Whether what is negligible becomes 0, as by [`flush`](super::element::flush).
    pub flush: bool,
}

impl<T: Lane + Scratch> Product<'_, T> {
    /// Whether it was multiplied: not where the product is small or narrow or the processor's vectors are not those of
    /// AVX2.
    pub fn run(self) -> bool {
        let (m, n, k) = self.sizes;
        let pays = m >= LEAST.0 && n >= LEAST.1 && k >= LEAST.2 && (k <= DEPTH || m >= MANY);
        pays && Arch::new().dispatch(self)
    }
}

impl<T: Lane + Scratch> WithSimd for Product<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let fits = S::F32_LANES == 8;
        if fits {
            self.multiply(simd);
        }
        fits
    }
}

/// Which of c's columns a panel makes, and of which block of products its sums are.
#[derive(Clone, Copy)]
struct Part {
    column: usize,
    first: bool,
    last: bool,
}

impl<T: Lane + Scratch> Product<'_, T> {
    #[inline(always)]
    fn multiply<S: Simd>(mut self, simd: S) {
        let (m, n, k) = self.sizes;
        let width = WIDE * T::width::<S>();
        let mut panels = T::take(n.div_ceil(width) * width * DEPTH.min(k));
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            let panels = &mut panels[..n.div_ceil(width) * width * depth];
            for (panel, column) in panels.chunks_exact_mut(width * depth).zip((0..).step_by(width)) {
                pack(self.w, n, (from, column), panel, width);
            }
            for above in (0..m).step_by(TOGETHER) {
                for (panel, column) in panels.chunks_exact(width * depth).zip((0..).step_by(width)) {
                    let panel = T::vectors::<S>(panel).as_chunks::<WIDE>().0;
                    let part = Part { column, first: from == 0, last: from + depth == k };
                    for row in (above..m.min(above + TOGETHER)).step_by(HEIGHT) {
                        // Where fewer are left the last one is summed again and not written.
                        let at = |i: usize| &self.x[(row + i).min(m - 1) * k + from..][..depth];
                        let sums = summed(simd, [at(0), at(1), at(2), at(3), at(4), at(5)], panel);
                        if row + HEIGHT <= m && column + width <= n {
                            self.write(simd, row, part, sums);
                        } else {
                            for (sums, row) in sums.iter().zip(row..m) {
                                self.write_edge::<S>(row, part, sums);
                            }
                        }
                    }
                }
            }
        }
        T::put(panels);
    }

    /// Writes the sums of a tile.
    #[inline(always)]
    fn write<S: Simd>(&mut self, simd: S, row: usize, part: Part, mut sums: [Wide<T, S>; HEIGHT]) {
        let (n, width) = (self.sizes.1, WIDE * T::width::<S>());
        let vectors =
            |values: &[T], at: usize| T::vectors::<S>(&values[at..][..width]).as_chunks::<WIDE>().0[0];
        let first = row * n + part.column;
        match if part.first { self.base } else { Base::Itself } {
            Base::Nothing => {}
            Base::Itself => {
                for i in 0..HEIGHT {
                    plus::<T, S>(simd, &mut sums[i], vectors(self.c, first + i * n));
                }
            }
            Base::Row(bias) => {
                let bias = vectors(bias, part.column);
                for sums in &mut sums {
                    plus::<T, S>(simd, sums, bias);
                }
            }
            Base::RowAnd(bias, own) => {
                let bias = vectors(bias, part.column);
                for i in 0..HEIGHT {
                    let mut own = vectors(own, first + i * n);
                    plus::<T, S>(simd, &mut own, bias);
                    plus::<T, S>(simd, &mut sums[i], own);
                }
            }
        }
        if self.flush && part.last {
            let (least, zero) = (T::splat(simd, T::NEGLIGIBLE), T::splat(simd, T::ZERO));
            for sum in sums.as_flattened_mut() {
                *sum = T::where_less(simd, T::magnitude(simd, *sum), least, zero, *sum);
            }
        }
        for i in 0..HEIGHT {
            T::vectors_mut::<S>(&mut self.c[first + i * n..][..width]).as_chunks_mut::<WIDE>().0[0] = sums[i];
        }
    }

    /// Writes the sums of a tile's row, or as many as it has, one by one.
    #[inline(always)]
    fn write_edge<S: Simd>(&mut self, row: usize, part: Part, sums: &Wide<T, S>) {
        let (n, column) = (self.sizes.1, part.column);
        let mut values = [T::ZERO; 16];
        T::vectors_mut::<S>(&mut values).iter_mut().zip(sums).for_each(|(to, &sum)| *to = sum);
        let base = if part.first { self.base } else { Base::Itself };
        let to = &mut self.c[row * n..][column..n.min(column + WIDE * T::width::<S>())];
        for (i, (to, sum)) in to.iter_mut().zip(values).enumerate() {
            let sum = match base {
                Base::Nothing => sum,
                Base::Itself => sum + *to,
                Base::Row(bias) => sum + bias[column + i],
                Base::RowAnd(bias, own) => sum + (own[row * n + column + i] + bias[column + i]),
            };
            *to = if self.flush && part.last { flushed(sum, T::NEGLIGIBLE) } else { sum };
        }
    }
}

/// to += by
#[inline(always)]
fn plus<T: Lane, S: Simd>(simd: S, to: &mut Wide<T, S>, by: Wide<T, S>) {
    for j in 0..WIDE {
        to[j] = T::plus(simd, to[j], by[j]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::element::flush;
    use crate::kernels::matmul::{Element, times_by_faer, times_transposed_by_faer};
    use crate::random::Stream;

    /// Against `faer` and passes of their own, on sizes about the edges of tiles, panels and blocks; nothing where
    /// there is no AVX2.
    fn are_those_of_faer<T: Element>(bits: impl Fn(T) -> u64) {
        let mut draws = Stream::new(0, "test", 0);
        let mut numbers = |count: usize| -> Vec<T> {
            // Some products are negligible and some of the sums that a base makes of them.
            let scales = [1.0, 1.0, 1e-10, 0.0];
            (0..count).map(|i| T::of(draws.normal() * scales[i / 7 % 4])).collect()
        };
        let (small, blocks) =
            ([(192, 128, 64), (197, 143, 67), (256, 256, 256)], [(256, 129, 512), (1030, 129, 513)]);
        for (m, n, k) in small.into_iter().chain(blocks).chain([(1024, 136, 1300)]) {
            let (x, w, start) = (numbers(m * k), numbers(n * k), numbers(m * n));
            let (bias, own) = (numbers(n), numbers(m * n));
            let bases = [Base::Nothing, Base::Itself, Base::Row(&bias), Base::RowAnd(&bias, &own)];
            for (base, turned) in bases.into_iter().flat_map(|base| [(base, false), (base, true)]) {
                let [mut ours, mut theirs] = [start.clone(), start.clone()];
                let flushes = turned == matches!(base, Base::Itself);
                let right = if turned { Matrix::of(&w, k).turn() } else { Matrix::of(&w, n) };
                let product =
                    Product { x: &x, w: right, c: &mut ours, sizes: (m, n, k), base, flush: flushes };
                let ran = product.run();
                assert_eq!(ran, crate::kernels::name() == "x86-64 avx2");
                for (i, c) in theirs.iter_mut().enumerate() {
                    *c = match base {
                        Base::Nothing | Base::Itself => *c,
                        Base::Row(bias) => bias[i % n],
                        Base::RowAnd(bias, own) => own[i] + bias[i % n],
                    };
                }
                let adds = !matches!(base, Base::Nothing);
                if turned {
                    times_transposed_by_faer(&x, &w, &mut theirs, (m, n, k), adds);
                } else {
                    times_by_faer(&x, &w, &mut theirs, (m, n, k), adds);
                }
                if flushes {
                    flush(&mut theirs);
                }
                let same = ours.iter().zip(&theirs).all(|(&x, &y)| bits(x) == bits(y));
                assert!(same || !ran, "{m} × {n} × {k}, turned: {turned}");
            }
        }
    }

    #[test]
    fn sums_are_those_of_faer() {
        are_those_of_faer::<f32>(|x| u64::from(x.to_bits()));
        are_those_of_faer::<f64>(f64::to_bits);
    }
}

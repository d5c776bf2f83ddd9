//! c = x · w or x · wᵀ for many rows x, as the forward pass of a linear layer and its ∂x are, on processors with AVX2:
//! tiles of 6 rows by two vectors, with what else is to be done with a sum done on its way out.
//!
//! x is read where it lies: of six rows the next number each. The sums are those of `faer`, to the bit: one after the
//! other over at most [`DEPTH`] products, and from one such block to the next in c (figures: docs/performance.md).

use pulp::{Arch, Simd, WithSimd};

use super::element::flushed;
use super::lanes::Lane;
use super::scratch::Scratch;

/// Products that go into a sum before it is added to c.
const DEPTH: usize = 512;
/// Rows of a tile: with two vectors each, the sums fill 12 of the 16 registers.
const HEIGHT: usize = 6;
/// Vectors of a tile's row.
const WIDE: usize = 2;
/// Numbers of a row that one turn of the inner loop takes.
const TURNS: usize = 4;
/// Rows that a panel of w meets before the next panel does.
const TOGETHER: usize = 4 * HEIGHT;
/// The least m, n and k that it pays for.
const LEAST: (usize, usize, usize) = (192, 128, 64);
/// The least m for which it pays where a panel of more than one block fills the nearest cache.
const MANY: usize = 1024;

/// The right factor.
#[derive(Clone, Copy)]
pub enum Right<'a, T> {
    /// w (k × n)
    Plain(&'a [T]),
    /// w (n × k), whose transpose is multiplied.
    Turned(&'a [T]),
}

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
    pub w: Right<'a, T>,
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

/// Two vectors: a row of a panel of w, or of a tile's sums.
type Wide<T, S> = [<T as Lane>::Vector<S>; WIDE];

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
                pack(self.w, (n, k), (from, column), panel, width);
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

/// The sums of a tile: of six rows of x with a panel of w.
#[inline(always)]
fn summed<T: Lane, S: Simd>(simd: S, rows: [&[T]; HEIGHT], w: &[Wide<T, S>]) -> [Wide<T, S>; HEIGHT] {
    let mut sums = [[T::splat(simd, T::ZERO); WIDE]; HEIGHT];
    // Spelled out, since an array that is gathered by a closure costs the sums their registers.
    let [r0, r1, r2, r3, r4, r5] = rows;
    let ((x0, y0), (x1, y1), (x2, y2)) =
        (r0.as_chunks::<TURNS>(), r1.as_chunks::<TURNS>(), r2.as_chunks::<TURNS>());
    let ((x3, y3), (x4, y4), (x5, y5)) =
        (r3.as_chunks::<TURNS>(), r4.as_chunks::<TURNS>(), r5.as_chunks::<TURNS>());
    let (w, w_rest) = w.as_chunks::<TURNS>();
    for ((((((w, x0), x1), x2), x3), x4), x5) in w.iter().zip(x0).zip(x1).zip(x2).zip(x3).zip(x4).zip(x5) {
        for t in 0..TURNS {
            add(simd, &mut sums, [x0[t], x1[t], x2[t], x3[t], x4[t], x5[t]], &w[t]);
        }
    }
    for ((((((w, y0), y1), y2), y3), y4), y5) in w_rest.iter().zip(y0).zip(y1).zip(y2).zip(y3).zip(y4).zip(y5)
    {
        add(simd, &mut sums, [*y0, *y1, *y2, *y3, *y4, *y5], w);
    }
    sums
}

/// Adds what the next number of every row makes with a row of w's panel.
#[inline(always)]
fn add<T: Lane, S: Simd>(simd: S, sums: &mut [Wide<T, S>; HEIGHT], x: [T; HEIGHT], w: &Wide<T, S>) {
    for i in 0..HEIGHT {
        let x = T::splat(simd, x[i]);
        for j in 0..WIDE {
            sums[i][j] = T::fused(simd, x, w[j], sums[i][j]);
        }
    }
}

/// Columns of w close together: (depth × width), from row `from` and column `first` on, with zeros beyond the last.
#[inline(always)]
fn pack<T: Lane>(
    w: Right<'_, T>,
    (n, k): (usize, usize),
    (from, first): (usize, usize),
    panel: &mut [T],
    width: usize,
) {
    /// Rows and columns that are turned at a time.
    const SIDE: usize = 8;
    let columns = width.min(n - first);
    if columns < width {
        panel.fill(T::ZERO);
    }
    match w {
        Right::Plain(w) => {
            for (to, row) in panel.chunks_exact_mut(width).zip(w[from * n..].chunks_exact(n)) {
                to[..columns].copy_from_slice(&row[first..][..columns]);
            }
        }
        Right::Turned(w) => {
            let depth = panel.len() / width;
            let whole = if columns == width { depth / SIDE * SIDE } else { 0 };
            for column in (0..columns).step_by(SIDE).take_while(|_| whole > 0) {
                for row in (0..whole).step_by(SIDE) {
                    let mut turned = [[T::ZERO; SIDE]; SIDE];
                    for c in 0..SIDE {
                        let of = &w[(first + column + c) * k + from + row..][..SIDE];
                        for r in 0..SIDE {
                            turned[r][c] = of[r];
                        }
                    }
                    for (r, turned) in turned.iter().enumerate() {
                        panel[(row + r) * width + column..][..SIDE].copy_from_slice(turned);
                    }
                }
            }
            for (column, of) in w[first * k..].chunks_exact(k).take(columns).enumerate() {
                for row in whole..depth {
                    panel[row * width + column] = of[from + row];
                }
            }
        }
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
                let right = if turned { Right::Turned(&w) } else { Right::Plain(&w) };
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

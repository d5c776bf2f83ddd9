//! c = aᵀ · b for long a and b, as the gradient of a transformer's weight is one, on processors with AVX2: tiles of 6
//! rows by two vectors.
//!
//! `faer`, which multiplies everything else, is slowest at these products (figures: docs/performance.md). The sums are
//! its own, to the bit: one after the other over at most [`DEPTH`] rows of a and b, and from one such block to the next
//! in c.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::Lane;
use super::scratch::Scratch;
use super::tile::{DEPTH, HEIGHT, Matrix, TURNS, WIDE, Wide, add, pack};

/// Rows of a and b, of [`DEPTH`], that are taken at a time: a panel of b and a tile's part of a stay in the nearest cache.
const NEAR: usize = 256;
/// Tiles whose part of a stays in the second cache while all of b goes by.
const TILES: usize = 8;
/// The least sides of a c that it pays for.
const LEAST: usize = 128;

/// What is multiplied: a (k × m) and b (k × n) into c (m × n), or added to it.
pub(super) struct Product<'a, T> {
    pub a: &'a [T],
    pub b: &'a [T],
    pub c: &'a mut [T],
    /// m, n, k
    pub sizes: (usize, usize, usize),
    pub add: bool,
}

impl<T: Lane + Scratch> Product<'_, T> {
    /// Whether it was multiplied: not where the product is small or the processor's vectors are not those of AVX2.
    pub fn run(self) -> bool {
        let (m, n, k) = self.sizes;
        m.min(n) >= LEAST && k >= DEPTH && Arch::new().dispatch(self)
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

impl<T: Lane + Scratch> Product<'_, T> {
    #[inline(always)]
    fn multiply<S: Simd>(mut self, simd: S) {
        let (m, n, k) = self.sizes;
        let width = WIDE * T::width::<S>();
        let mut panels = T::take(n.div_ceil(width) * width * DEPTH);
        let mut tiles = T::take(TILES * HEIGHT * DEPTH);
        let none = [[T::splat(simd, T::ZERO); WIDE]; HEIGHT];
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            let panels = &mut panels[..n.div_ceil(width) * width * depth];
            for (panel, column) in panels.chunks_exact_mut(width * depth).zip((0..).step_by(width)) {
                pack(Matrix::of(self.b, n), n, (from, column), panel, width);
            }
            for first in (0..m).step_by(TILES * HEIGHT) {
                let rows = (TILES * HEIGHT).min(m - first);
                let tiles = &mut tiles[..rows.div_ceil(HEIGHT) * HEIGHT * depth];
                for (tile, row) in tiles.chunks_exact_mut(HEIGHT * depth).zip((0..rows).step_by(HEIGHT)) {
                    pack(Matrix::of(self.a, m), m, (from, first + row), tile, HEIGHT);
                }
                for (panel, column) in panels.chunks_exact(width * depth).zip((0..).step_by(width)) {
                    let panel = T::vectors::<S>(panel).as_chunks::<WIDE>().0;
                    let mut kept = [none; TILES];
                    for near in (0..depth).step_by(NEAR) {
                        let these = near..depth.min(near + NEAR);
                        for (tile, sums) in tiles.chunks_exact(HEIGHT * depth).zip(&mut kept) {
                            let tile = &tile.as_chunks::<HEIGHT>().0[these.clone()];
                            *sums = summed(simd, *sums, tile, &panel[these.clone()]);
                        }
                    }
                    let sums = kept.as_flattened()[..rows].iter().zip(first..);
                    sums.for_each(|(sums, row)| self.write(simd, (row, column), sums, from > 0));
                }
            }
        }
        T::put(panels);
        T::put(tiles);
    }

    /// Writes the sums of two vectors of a row, or as many as it has.
    #[inline(always)]
    fn write<S: Simd>(&mut self, simd: S, at: (usize, usize), sums: &Wide<T, S>, later: bool) {
        let ((row, column), (n, add)) = (at, (self.sizes.1, self.add || later));
        let width = WIDE * T::width::<S>();
        let c = &mut self.c[row * n..][column..n.min(column + width)];
        if c.len() == width {
            for (c, &sum) in T::vectors_mut::<S>(c).iter_mut().zip(sums) {
                *c = if add { T::plus(simd, sum, *c) } else { sum };
            }
        } else {
            let mut values = [T::ZERO; 16];
            T::vectors_mut::<S>(&mut values).iter_mut().zip(sums).for_each(|(to, &sum)| *to = sum);
            c.iter_mut().zip(values).for_each(|(c, sum)| *c = if add { sum + *c } else { sum });
        }
    }
}

/// The sums of a tile, with what its part of a makes with a panel of b added.
#[inline(always)]
fn summed<T: Lane, S: Simd>(
    simd: S,
    mut sums: [Wide<T, S>; HEIGHT],
    a: &[[T; HEIGHT]],
    b: &[Wide<T, S>],
) -> [Wide<T, S>; HEIGHT] {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<TURNS>(), b.as_chunks::<TURNS>());
    for (a, b) in a.iter().zip(b) {
        for turn in 0..TURNS {
            add(simd, &mut sums, &a[turn], &b[turn]);
        }
    }
    for (a, b) in a_rest.iter().zip(b_rest) {
        add(simd, &mut sums, a, b);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::matmul::{Element, transposed_by_faer};
    use crate::random::Stream;

    /// Against `faer`, on sizes about the edges of tiles, panels and blocks; nothing where there is no AVX2.
    fn are_those_of_faer<T: Element>(bits: impl Fn(T) -> u64) {
        let mut draws = Stream::new(0, "test", 0);
        let mut numbers = |count: usize| -> Vec<T> { (0..count).map(|_| T::of(draws.normal())).collect() };
        for (m, n, k) in
            [(128, 128, 512), (131, 143, 513), (150, 129, 1300), (192, 128, 2080), (133, 136, 1026)]
        {
            let (a, b, start) = (numbers(k * m), numbers(k * n), numbers(m * n));
            for add in [false, true] {
                let [mut ours, mut theirs] = [start.clone(), start.clone()];
                let ran = Product { a: &a, b: &b, c: &mut ours, sizes: (m, n, k), add }.run();
                assert_eq!(ran, crate::kernels::name() == "x86-64 avx2");
                transposed_by_faer(&a, &b, &mut theirs, (m, n, k), add);
                let same = ours.iter().zip(&theirs).all(|(&x, &y)| bits(x) == bits(y));
                assert!(same || !ran, "{m} × {n} × {k}");
            }
        }
    }

    #[test]
    fn sums_are_those_of_faer() {
        are_those_of_faer::<f32>(|x| u64::from(x.to_bits()));
        are_those_of_faer::<f64>(f64::to_bits);
    }
}

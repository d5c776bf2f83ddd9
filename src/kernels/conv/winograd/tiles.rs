//! Tiles of images: what is read for each, and what is written.
//!
//! A tile is [`STEP`] × [`STEP`] outputs. With the channels innermost all its values of neighbouring channels lie side
//! by side, so that a transform is arithmetic on whole vectors.

use std::ops::Range;

use pulp::Simd;

use super::transform::{self, POINTS, STEP, down};
use crate::kernels::lanes::Lane;

type Vector<T, S> = <T as Lane>::Vector<S>;

/// Products of a tile.
pub(super) const PRODUCTS: usize = POINTS * POINTS;

/// Sizes of images by rows (height, width, channels).
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Plane {
    /// Where the values of a position begin; `None` outside the image.
    #[inline(always)]
    fn at(&self, image: usize, row: isize, column: isize) -> Option<usize> {
        let inside = (0..self.height as isize).contains(&row) && (0..self.width as isize).contains(&column);
        let at = ((image * self.height).wrapping_add_signed(row) * self.width).wrapping_add_signed(column);
        inside.then_some(at.wrapping_mul(self.channels))
    }

    /// Tiles of an image of outputs.
    pub fn tiles(&self) -> usize {
        self.height.div_ceil(STEP) * self.width.div_ceil(STEP)
    }

    /// The image of a tile of outputs, and its first position there.
    #[inline(always)]
    fn corner(&self, tile: usize) -> (usize, isize, isize) {
        let across = self.width.div_ceil(STEP);
        let (image, place) = (tile / self.tiles(), tile % self.tiles());
        (image, (place / across * STEP) as isize, (place % across * STEP) as isize)
    }

    /// The vectors of N × N positions from (row, column) on; zeros outside the image.
    #[inline(always)]
    fn window<'a, T: Lane, S: Simd, const N: usize>(
        &self,
        values: &'a [T],
        zeros: &'a [T],
        (image, row, column): (usize, isize, isize),
    ) -> [[&'a [Vector<T, S>]; N]; N] {
        let zeros = T::vectors::<S>(&zeros[..self.channels]);
        let mut window = [[zeros; N]; N];
        for i in 0..N {
            for j in 0..N {
                if let Some(at) = self.at(image, row + i as isize, column + j as isize) {
                    window[i][j] = T::vectors::<S>(&values[at..][..self.channels]);
                }
            }
        }
        window
    }
}

/// Tiles' values at the points: (points², tiles × channels), each of the points² apart by `stride`.
pub(super) struct Points<'a, T> {
    pub values: &'a mut [T],
    pub stride: usize,
}

impl<T: Lane> Points<'_, T> {
    /// The vectors, where those of tile number `tile` begin at the first point, and how far the points lie apart.
    #[inline(always)]
    fn tile<S: Simd>(&mut self, tile: usize, channels: usize) -> (&mut [Vector<T, S>], usize, usize) {
        let width = T::width::<S>();
        (T::vectors_mut::<S>(self.values), tile * channels / width, self.stride / width)
    }
}

/// Images read for `tiles` of outputs of `to`, transformed.
#[inline(always)]
pub(super) fn images<T: Lane, S: Simd>(
    simd: S,
    (x, from, padding): (&[T], &Plane, usize),
    (to, tiles): (&Plane, Range<usize>),
    zeros: &[T],
    points: &mut Points<'_, T>,
) {
    let vectors = from.channels / T::width::<S>();
    for (t, tile) in tiles.enumerate() {
        let (image, row, column) = to.corner(tile);
        let corner = (image, row - padding as isize, column - padding as isize);
        let window = from.window::<T, S, POINTS>(x, zeros, corner);
        let (to, start, apart) = points.tile::<S>(t, from.channels);
        for c in 0..vectors {
            let mut square = [[T::splat(simd, T::ZERO); POINTS]; POINTS];
            for i in 0..POINTS {
                for j in 0..POINTS {
                    square[i][j] = window[i][j][c];
                }
                square[i] = transform::image::<T, S>(simd, square[i]);
            }
            for j in 0..POINTS {
                let column = transform::image::<T, S>(simd, down(&square, j));
                for i in 0..POINTS {
                    to[start + (i * POINTS + j) * apart + c] = column[i];
                }
            }
        }
    }
}

/// Gradients of outputs, transformed.
#[inline(always)]
pub(super) fn gradients<T: Lane, S: Simd>(
    simd: S,
    dz: &[T],
    (to, tiles): (&Plane, Range<usize>),
    zeros: &[T],
    points: &mut Points<'_, T>,
) {
    let vectors = to.channels / T::width::<S>();
    for (t, tile) in tiles.enumerate() {
        let window = to.window::<T, S, STEP>(dz, zeros, to.corner(tile));
        let (out, start, apart) = points.tile::<S>(t, to.channels);
        for c in 0..vectors {
            let mut rows = [[T::splat(simd, T::ZERO); POINTS]; STEP];
            for i in 0..STEP {
                let [x, y, z, w] = &window[i];
                rows[i] = transform::gradient::<T, S>(simd, [x[c], y[c], z[c], w[c]]);
            }
            for j in 0..POINTS {
                let column = transform::gradient::<T, S>(simd, down(&rows, j));
                for i in 0..POINTS {
                    out[start + (i * POINTS + j) * apart + c] = column[i];
                }
            }
        }
    }
}

/// The outputs of `tiles` from their products, in channels from `first` on of `z`; adds where `add`.
#[inline(always)]
pub(super) fn outputs<T: Lane, S: Simd>(
    simd: S,
    products: &mut Points<'_, T>,
    (to, tiles): (&Plane, Range<usize>),
    (first, channels): (usize, usize),
    z: &mut [T],
    add: bool,
) {
    let vectors = channels / T::width::<S>();
    let z = T::vectors_mut::<S>(z);
    for (t, tile) in tiles.enumerate() {
        let (image, row, column) = to.corner(tile);
        let mut at = [[None; STEP]; STEP];
        for i in 0..STEP {
            for j in 0..STEP {
                if let Some(place) = to.at(image, row + i as isize, column + j as isize) {
                    at[i][j] = Some((place + first) / T::width::<S>());
                }
            }
        }
        let (from, start, apart) = products.tile::<S>(t, channels);
        for c in 0..vectors {
            let mut rows = [[T::splat(simd, T::ZERO); STEP]; POINTS];
            for i in 0..POINTS {
                let mut points = [T::splat(simd, T::ZERO); POINTS];
                for j in 0..POINTS {
                    points[j] = from[start + (i * POINTS + j) * apart + c];
                }
                rows[i] = transform::outputs::<T, S>(simd, points);
            }
            for j in 0..STEP {
                let column = transform::outputs::<T, S>(simd, down(&rows, j));
                for i in 0..STEP {
                    let Some(at) = at[i][j] else { continue };
                    let to = &mut z[at + c];
                    *to = if add { T::plus(simd, *to, column[i]) } else { column[i] };
                }
            }
        }
    }
}

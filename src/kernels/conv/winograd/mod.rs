//! Convolutions of 3 × 3 and stride 1 with a quarter of the products (Winograd's minimal filtering, Lavin & Gray 2016,
//! arXiv 1509.09308).
//!
//! Images are cut into tiles of 4 × 4 outputs. Tiles and filters are transformed to 6 × 6 points, at each of which the
//! convolution is a matrix product over the channels: 36 products for 144.

mod filters;
mod products;
mod tiles;
mod transform;

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use self::filters::{TAPS, Way};
use self::tiles::{PRODUCTS, Plane, Points};
use super::geometry::Geometry;
use crate::kernels::lanes::{LANES, Lane};
use crate::kernels::scratch::Scratch;

/// Values of a filters' matrix that are kept for all tiles; of larger ones, blocks are made when they are due, so that
/// they stay in the second cache, and more tiles share them.
const KEPT: usize = 128 * 128;
/// Rows and columns of such a block: a multiple of every panel's width.
const BLOCK: usize = 64;
/// Tiles that are worked on at a time, with matrices that are kept and with others.
const TILES: usize = 24;
const MANY_TILES: usize = 128;
/// Tiles that images are given in where they are worked on block by block.
const TILES_OF_A_CALL: usize = 128;

impl Geometry {
    /// Whether this way pays. It depends on nothing but the layer, so that an image has the same features in any batch.
    ///
    /// It did at 16 channels as at 512 (16 images or more, an AMD EPYC with AVX-512), where tiles cover the outputs well:
    /// images of 5 × 5, with 0.64 of the products, took 0.9 of the time, those of 2 × 2, with all of them, 1.6.
    #[must_use]
    pub fn winograd(&self) -> bool {
        let whole = |channels: usize| channels.is_multiple_of(LANES);
        self.filter == (3, 3)
            && self.stride == 1
            && self.padding <= 2
            && whole(self.channels)
            && whole(self.outputs)
            && 3 * self.outputs_plane().tiles() * PRODUCTS < 2 * self.positions() * TAPS
    }

    /// Multiply-adds of the products of one pass the way that it goes; transforms are left out.
    #[must_use]
    pub fn multiply_adds(&self) -> usize {
        let places = if self.winograd() {
            self.outputs_plane().tiles() * PRODUCTS
        } else {
            self.positions() * self.filter.0 * self.filter.1
        };
        self.batch * places * self.channels * self.outputs
    }

    /// Images whose tiles are worth making the filters' matrices for.
    pub(super) fn images_of_tiles(&self) -> usize {
        TILES_OF_A_CALL.div_ceil(self.outputs_plane().tiles())
    }

    fn inputs_plane(&self) -> Plane {
        Plane { height: self.height, width: self.width, channels: self.channels }
    }

    fn outputs_plane(&self) -> Plane {
        Plane { height: self.to.0, width: self.to.1, channels: self.outputs }
    }
}

/// z (images × positions, outputs) = x ∗ w (outputs, channels, 3, 3), or z += where `add`.
pub(super) fn forward<T: Lane + Scratch>(x: &[T], w: &[T], g: &Geometry, z: &mut [T], add: bool) {
    let (from, to) = (g.inputs_plane(), g.outputs_plane());
    Arch::new().dispatch(Convolution { x, from, w, way: Way::Forward, padding: g.padding, z, to, add });
}

/// ∂x from ∂z (images × positions, outputs), or ∂x += where `add`.
pub(super) fn inputs<T: Lane + Scratch>(dz: &[T], w: &[T], g: &Geometry, dx: &mut [T], add: bool) {
    let (from, to) = (g.outputs_plane(), g.inputs_plane());
    Arch::new().dispatch(Convolution {
        x: dz,
        from,
        w,
        way: Way::Back,
        padding: 2 - g.padding,
        z: dx,
        to,
        add,
    });
}

/// ∂w (outputs, channels, 3, 3), or ∂w += where `add`.
pub(super) fn filters<T: Lane + Scratch>(x: &[T], dz: &[T], g: &Geometry, dw: &mut [T], add: bool) {
    let (from, to) = (g.inputs_plane(), g.outputs_plane());
    Arch::new().dispatch(FilterGradient { x, from, padding: g.padding, dz, to, dw, add });
}

/// Ranges of at most `step` up to `end`.
fn blocks(end: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..end).step_by(step).map(move |first| first..(first + step).min(end))
}

/// How much is worked on at a time.
struct Sizes {
    /// Rows and columns of the filters' matrices. Where it is all of them, they are made once.
    rows: usize,
    columns: usize,
    tiles: usize,
}

impl Sizes {
    /// For matrices of so many rows and columns and so many tiles.
    fn new((rows, columns): (usize, usize), tiles: usize) -> Self {
        if rows * columns <= KEPT {
            return Self { rows, columns, tiles: TILES.min(tiles) };
        }
        Self { rows: BLOCK.min(rows), columns: BLOCK.min(columns), tiles: MANY_TILES.min(tiles) }
    }
}

/// How far the values at neighbouring points lie apart: not by a power of two, which would send all of them to the same
/// places of a cache.
fn stride(values: usize) -> usize {
    values + LANES
}

struct Convolution<'a, T> {
    x: &'a [T],
    from: Plane,
    /// (outputs, channels, 3, 3)
    w: &'a [T],
    way: Way,
    padding: usize,
    z: &'a mut [T],
    to: Plane,
    add: bool,
}

impl<T: Lane + Scratch> WithSimd for Convolution<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, from, w, way, padding, z, to, add } = self;
        let (depth, channels) = (from.channels, to.channels);
        let filter_channels = if way == Way::Forward { depth } else { channels };
        let tiles = z.len() / (to.height * to.width * channels) * to.tiles();
        let sizes = Sizes::new((depth, channels), tiles);
        let image_stride = stride(sizes.tiles * depth);
        let product_stride = stride(sizes.tiles * sizes.columns);
        let matrix_stride = stride(sizes.rows * sizes.columns);
        let mut images = T::take(PRODUCTS * image_stride);
        let mut products = T::take(PRODUCTS * product_stride);
        let mut matrices = T::take(PRODUCTS * matrix_stride);
        let mut zeros = T::take(depth);
        zeros.fill(T::ZERO);
        for some in blocks(tiles, sizes.tiles) {
            let mut points = Points { values: &mut images, stride: image_stride };
            tiles::images::<T, S>(simd, (x, &from, padding), (&to, some.clone()), &zeros, &mut points);
            for columns in blocks(channels, sizes.columns) {
                for rows in blocks(depth, sizes.rows) {
                    if some.start == 0 || rows.len() * columns.len() < depth * channels {
                        let block = (&rows, &columns);
                        let matrices = (matrices.as_mut_slice(), matrix_stride);
                        filters::matrices::<T, S>(simd, w, filter_channels, way, block, matrices);
                    }
                    let images = images.chunks_exact(image_stride);
                    let products = products.chunks_exact_mut(product_stride);
                    let points = images.zip(products).zip(matrices.chunks_exact(matrix_stride));
                    for ((image, product), matrix) in points {
                        let image = &image[rows.start..some.len() * depth];
                        let product = &mut product[..some.len() * columns.len()];
                        let matrix = &matrix[..rows.len() * columns.len()];
                        let sizes = (columns.len(), rows.len(), depth);
                        products::times::<T, S>(simd, image, matrix, product, sizes, rows.start > 0);
                    }
                }
                let mut points = Points { values: &mut products, stride: product_stride };
                let part = (columns.start, columns.len());
                tiles::outputs::<T, S>(simd, &mut points, (&to, some.clone()), part, z, add);
            }
        }
        [images, products, matrices, zeros].into_iter().for_each(T::put);
    }
}

struct FilterGradient<'a, T> {
    x: &'a [T],
    from: Plane,
    padding: usize,
    dz: &'a [T],
    to: Plane,
    /// (outputs, channels, 3, 3)
    dw: &'a mut [T],
    add: bool,
}

impl<T: Lane + Scratch> WithSimd for FilterGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, from, padding, dz, to, dw, add } = self;
        let (channels, outputs) = (from.channels, to.channels);
        let tiles = dz.len() / (to.height * to.width * outputs) * to.tiles();
        let sizes = Sizes::new((outputs, channels), tiles);
        let kept = sizes.rows * sizes.columns == outputs * channels;
        let image_stride = stride(sizes.tiles * channels);
        let gradient_stride = stride(sizes.tiles * outputs);
        let matrix_stride = stride(sizes.rows * sizes.columns);
        let mut images = T::take(PRODUCTS * image_stride);
        let mut gradients = T::take(PRODUCTS * gradient_stride);
        let mut matrices = T::take(PRODUCTS * matrix_stride);
        let mut zeros = T::take(channels.max(outputs));
        zeros.fill(T::ZERO);
        for some in blocks(tiles, sizes.tiles) {
            let mut points = Points { values: &mut images, stride: image_stride };
            tiles::images::<T, S>(simd, (x, &from, padding), (&to, some.clone()), &zeros, &mut points);
            let mut points = Points { values: &mut gradients, stride: gradient_stride };
            tiles::gradients::<T, S>(simd, dz, (&to, some.clone()), &zeros, &mut points);
            // Matrices that are kept take the sums of all tiles before they become filters.
            let (more, last) = (kept && some.start > 0, some.end == tiles);
            for rows in blocks(outputs, sizes.rows) {
                for columns in blocks(channels, sizes.columns) {
                    let images = images.chunks_exact(image_stride);
                    let points = gradients.chunks_exact(gradient_stride).zip(images);
                    for ((gradient, image), matrix) in points.zip(matrices.chunks_exact_mut(matrix_stride)) {
                        let gradient = &gradient[rows.start..some.len() * outputs];
                        let image = &image[columns.start..some.len() * channels];
                        let matrix = &mut matrix[..rows.len() * columns.len()];
                        let (sizes, apart) = ((columns.len(), rows.len()), (outputs, channels));
                        products::transposed_times::<T, S>(simd, gradient, image, matrix, sizes, apart, more);
                    }
                    if !kept || last {
                        let made = (matrices.as_slice(), matrix_stride);
                        let add = add || (!kept && some.start > 0);
                        filters::gradient::<T, S>(simd, made, channels, (&rows, &columns), dw, add);
                    }
                }
            }
        }
        [images, gradients, matrices, zeros].into_iter().for_each(T::put);
    }
}

//! The three products of a convolution, image block by image block.

use std::ops::Range;

use super::geometry::Geometry;
use super::im2col::{add_unpadded, gather, pad, scatter};
use crate::kernels::matmul::{Element, times, times_transposed, transposed_times};
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;

/// Values of patches that are worked on at a time: they should stay in the second cache.
const BLOCK: usize = 1 << 17;
/// Positions that a product should have at least: fewer do not pay for laying out the filters.
const POSITIONS: usize = 256;

impl Geometry {
    /// Images that are worked on at a time.
    #[must_use]
    pub fn images_at_a_time(&self) -> usize {
        if self.winograd() {
            return self.images_of_tiles().clamp(1, self.batch.max(1));
        }
        let cached = BLOCK / (self.positions() * self.patch().max(self.outputs));
        let worthwhile = POSITIONS.max(self.outputs).div_ceil(self.positions());
        cached.max(worthwhile).clamp(1, self.batch.max(1))
    }

    /// Rows of output positions of a single image that are worked on at a time.
    fn rows_at_a_time(&self) -> usize {
        let cached = BLOCK / (self.to.1 * self.patch());
        cached.max(POSITIONS.div_ceil(self.to.1)).clamp(1, self.to.0)
    }
}

/// Tile by tile (a few images, or some rows of one): calls `act` with the images with their border, the
/// output positions (images × positions) and the rows of each image that the tile covers.
fn tiles(g: &Geometry, images: usize, mut act: impl FnMut(Range<usize>, Range<usize>, Range<usize>)) {
    let positions = g.positions();
    let rows = g.rows_at_a_time();
    if rows == g.to.0 {
        let step = g.images_at_a_time();
        for first in (0..images).step_by(step) {
            let here = first..(first + step).min(images);
            act(here.clone(), here.start * positions..here.end * positions, 0..g.to.0);
        }
        return;
    }
    for image in 0..images {
        for first in (0..g.to.0).step_by(rows) {
            let last = (first + rows).min(g.to.0);
            let from = image * positions;
            act(image..image + 1, from + first * g.to.1..from + last * g.to.1, first..last);
        }
    }
}

/// The images with their border, in `room` where they get one here.
fn bordered<'a, T: Real + Scratch>(x: &'a [T], g: &Geometry, room: &'a mut Vec<T>) -> &'a [T] {
    if g.padding == 0 {
        return x;
    }
    *room = T::take(x.len() / g.image() * g.bordered());
    pad(x, g, room);
    room
}

/// Calls `act` with the patches (positions, patch) of every tile and its positions.
fn patches<T: Element + Scratch>(x: &[T], g: &Geometry, mut act: impl FnMut(&[T], Range<usize>)) {
    let (mut room, mut columns) = (Vec::new(), Vec::new());
    let images = bordered(x, g, &mut room);
    tiles(g, x.len() / g.image(), |here, positions, rows| {
        if columns.is_empty() {
            columns = T::take(positions.len() * g.patch());
        }
        let columns = &mut columns[..positions.len() * g.patch()];
        gather(&images[here.start * g.bordered()..here.end * g.bordered()], g, &rows, columns);
        act(columns, positions);
    });
    T::put(columns);
    T::put(room);
}

/// Filters (outputs, channels, rows, columns) as a matrix (outputs, patch) with the channels innermost.
pub fn channels_last<T: Real>(filters: &[T], g: &Geometry, out: &mut [T]) {
    let area = g.filter.0 * g.filter.1;
    for (filter, out) in filters.chunks_exact(g.patch()).zip(out.chunks_exact_mut(g.patch())) {
        for (place, out) in out.chunks_exact_mut(g.channels).enumerate() {
            for (out, channel) in out.iter_mut().zip(filter.chunks_exact(area)) {
                *out = channel[place];
            }
        }
    }
}

/// The inverse of [`channels_last`], replacing or adding.
pub fn channels_first<T: Real>(patch: &[T], g: &Geometry, filters: &mut [T], add: bool) {
    let area = g.filter.0 * g.filter.1;
    for (filter, patch) in filters.chunks_exact_mut(g.patch()).zip(patch.chunks_exact(g.patch())) {
        for (place, patch) in patch.chunks_exact(g.channels).enumerate() {
            for (channel, &value) in filter.chunks_exact_mut(area).zip(patch) {
                channel[place] = if add { channel[place] + value } else { value };
            }
        }
    }
}

/// z (images × positions, outputs) = x ∗ filters (outputs, patch), or z += where `add`.
pub fn forward<T: Element + Scratch>(x: &[T], filters: &[T], g: &Geometry, z: &mut [T], add: bool) {
    let sizes = |positions| (positions, g.outputs, g.patch());
    if g.pointwise() {
        return times_transposed(x, filters, z, sizes(z.len() / g.outputs), add);
    }
    patches(x, g, |columns, positions| {
        let z = &mut z[positions.start * g.outputs..positions.end * g.outputs];
        times_transposed(columns, filters, z, sizes(positions.len()), add);
    });
}

/// ∂filters (outputs, patch) += ∂z (images × positions, outputs) ∗ x.
pub fn filters<T: Element + Scratch>(x: &[T], dz: &[T], g: &Geometry, d_filters: &mut [T]) {
    let sizes = |positions| (g.outputs, g.patch(), positions);
    if g.pointwise() {
        return transposed_times(dz, x, d_filters, sizes(dz.len() / g.outputs), true);
    }
    patches(x, g, |columns, positions| {
        let dz = &dz[positions.start * g.outputs..positions.end * g.outputs];
        transposed_times(dz, columns, d_filters, sizes(positions.len()), true);
    });
}

/// Adds ∂x to `dx`.
pub fn inputs<T: Element + Scratch>(dz: &[T], filters: &[T], g: &Geometry, dx: &mut [T]) {
    let sizes = |positions| (positions, g.patch(), g.outputs);
    if g.pointwise() {
        return times(dz, filters, dx, sizes(dz.len() / g.outputs), true);
    }
    let (mut room, mut columns) = (Vec::new(), Vec::new());
    if g.padding > 0 {
        room = T::take(dx.len() / g.image() * g.bordered());
        room.fill(<T as Real>::ZERO);
    }
    let images = dx.len() / g.image();
    let to = if g.padding > 0 { &mut *room } else { &mut *dx };
    tiles(g, images, |here, positions, rows| {
        if columns.is_empty() {
            columns = T::take(positions.len() * g.patch());
        }
        let columns = &mut columns[..positions.len() * g.patch()];
        let dz = &dz[positions.start * g.outputs..positions.end * g.outputs];
        times(dz, filters, columns, sizes(positions.len()), false);
        scatter(columns, g, &rows, &mut to[here.start * g.bordered()..here.end * g.bordered()]);
    });
    if g.padding > 0 {
        add_unpadded(&room, g, dx);
    }
    T::put(columns);
    T::put(room);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without padding no border is taken; what was put back for it once grew with every call, and the
    /// search through it with it.
    #[test]
    fn buffers_do_not_pile_up_call_by_call() {
        for padding in [0, 1] {
            let g = Geometry::new((2, 8, 8, 3), (4, 3, 3, 3), 1, padding).unwrap();
            let (mut x, w) = (vec![1.0; 2 * g.image()], vec![1.0; g.outputs * g.patch()]);
            let mut z = vec![0.0; 2 * g.positions() * g.outputs];
            let mut kept = |calls: usize| {
                for _ in 0..calls {
                    forward::<f32>(&x, &w, &g, &mut z, false);
                    inputs(&z, &w, &g, &mut x);
                    filters(&x, &z, &g, &mut w.clone());
                }
                f32::kept()
            };
            assert_eq!(kept(1), kept(20), "padding {padding}");
        }
    }
}

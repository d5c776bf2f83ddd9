//! The three products of a convolution, image block by image block.

use super::columns::{gather, scatter};
use super::geometry::Geometry;
use crate::kernels::matmul::{Element, times, times_transposed, transposed_times};
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;

/// Values of patches that are worked on at a time: they should stay in the second cache.
const BLOCK: usize = 1 << 17;

impl Geometry {
    /// Images that are worked on at a time.
    #[must_use]
    pub fn images_at_a_time(&self) -> usize {
        (BLOCK / (self.positions() * self.taps().max(self.outputs))).clamp(1, self.batch.max(1))
    }
}

/// Filters (outputs, channels, rows, columns) as a matrix (outputs, taps) with the channels innermost.
pub fn by_taps<T: Real>(filters: &[T], g: &Geometry, out: &mut [T]) {
    let area = g.filter.0 * g.filter.1;
    for (filter, out) in filters.chunks_exact(g.taps()).zip(out.chunks_exact_mut(g.taps())) {
        for (place, out) in out.chunks_exact_mut(g.channels).enumerate() {
            for (out, channel) in out.iter_mut().zip(filter.chunks_exact(area)) {
                *out = channel[place];
            }
        }
    }
}

/// The inverse of [`by_taps`], replacing or adding.
pub fn by_channels<T: Real>(taps: &[T], g: &Geometry, filters: &mut [T], add: bool) {
    let area = g.filter.0 * g.filter.1;
    for (filter, taps) in filters.chunks_exact_mut(g.taps()).zip(taps.chunks_exact(g.taps())) {
        for (place, taps) in taps.chunks_exact(g.channels).enumerate() {
            for (channel, &value) in filter.chunks_exact_mut(area).zip(taps) {
                channel[place] = if add { channel[place] + value } else { value };
            }
        }
    }
}

/// z (images × positions, outputs) += x ∗ filters (outputs, taps).
pub fn forward<T: Element + Scratch>(x: &[T], filters: &[T], g: &Geometry, z: &mut [T]) {
    let rows = z.len() / g.outputs;
    if g.pointwise() {
        return times_transposed(x, filters, z, (rows, g.outputs, g.taps()), true);
    }
    let mut columns = T::take(rows * g.taps());
    gather(x, g, &mut columns);
    times_transposed(&columns, filters, z, (rows, g.outputs, g.taps()), true);
    T::put(columns);
}

/// ∂filters (outputs, taps) += ∂z (images × positions, outputs) ∗ x.
pub fn filters<T: Element + Scratch>(x: &[T], dz: &[T], g: &Geometry, d_filters: &mut [T]) {
    let rows = dz.len() / g.outputs;
    if g.pointwise() {
        return transposed_times(dz, x, d_filters, (g.outputs, g.taps(), rows), true);
    }
    let mut columns = T::take(rows * g.taps());
    gather(x, g, &mut columns);
    transposed_times(dz, &columns, d_filters, (g.outputs, g.taps(), rows), true);
    T::put(columns);
}

/// ∂x, which is 0 on entry.
pub fn inputs<T: Element + Scratch>(dz: &[T], filters: &[T], g: &Geometry, dx: &mut [T]) {
    let rows = dz.len() / g.outputs;
    if g.pointwise() {
        return times(dz, filters, dx, (rows, g.taps(), g.outputs), false);
    }
    let mut columns = T::take(rows * g.taps());
    times(dz, filters, &mut columns, (rows, g.taps(), g.outputs), false);
    scatter(&columns, g, dx);
    T::put(columns);
}

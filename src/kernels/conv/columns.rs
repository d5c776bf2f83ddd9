//! The patches under a filter as rows of a matrix, so that a convolution is a product; and back.
//!
//! With the channels innermost, what a filter's row covers lies side by side in the image.

use std::ops::Range;

use super::geometry::Geometry;
use crate::kernels::real::Real;

/// What one row of a filter covers at one position: where it begins in the image, and which of its
/// values lie inside.
struct Strip {
    /// First value inside, in the image.
    from: usize,
    /// The values inside, of the filter's row.
    inside: Range<usize>,
}

impl Geometry {
    /// The strip of filter row `tap` at position (`row`, `column`); empty where it lies outside.
    #[inline(always)]
    fn strip(&self, (row, column): (usize, usize), tap: usize) -> Strip {
        let (top, left) = (row * self.stride + tap, column * self.stride);
        if top < self.padding || top >= self.padding + self.height {
            return Strip { from: 0, inside: 0..0 };
        }
        let first = self.padding.saturating_sub(left);
        let last = self.filter.1.min((self.width + self.padding).saturating_sub(left)).max(first);
        let at = (top - self.padding) * self.width + (left + first).saturating_sub(self.padding);
        let from = if first == last { 0 } else { at * self.channels };
        Strip { from, inside: first * self.channels..last * self.channels }
    }
}

/// Patches of the images `x` as rows of `columns` (images × positions, taps).
pub(super) fn gather<T: Real>(x: &[T], g: &Geometry, columns: &mut [T]) {
    let strip_len = g.filter.1 * g.channels;
    let patches = columns.chunks_exact_mut(g.taps() * g.positions());
    for (image, patches) in x.chunks_exact(g.image()).zip(patches) {
        for (position, patch) in patches.chunks_exact_mut(g.taps()).enumerate() {
            let at = (position / g.to.1, position % g.to.1);
            for (tap, out) in patch.chunks_exact_mut(strip_len).enumerate() {
                let Strip { from, inside } = g.strip(at, tap);
                out[..inside.start].fill(T::ZERO);
                out[inside.end..].fill(T::ZERO);
                let len = inside.len();
                out[inside].copy_from_slice(&image[from..from + len]);
            }
        }
    }
}

/// Adds every row of `columns` to where [`gather`] took it from in `x`.
pub(super) fn scatter<T: Real>(columns: &[T], g: &Geometry, x: &mut [T]) {
    let strip_len = g.filter.1 * g.channels;
    let patches = columns.chunks_exact(g.taps() * g.positions());
    for (image, patches) in x.chunks_exact_mut(g.image()).zip(patches) {
        for (position, patch) in patches.chunks_exact(g.taps()).enumerate() {
            let at = (position / g.to.1, position % g.to.1);
            for (tap, values) in patch.chunks_exact(strip_len).enumerate() {
                let Strip { from, inside } = g.strip(at, tap);
                let len = inside.len();
                for (to, &value) in image[from..from + len].iter_mut().zip(&values[inside]) {
                    *to += value;
                }
            }
        }
    }
}

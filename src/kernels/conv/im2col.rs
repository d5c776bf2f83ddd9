//! The patches under a filter as rows of a matrix, so that a convolution is a product; and back.
//!
//! With the channels innermost, what a filter's row covers lies side by side in the image: a strip. Images
//! get their border of zeros first, so that every strip lies inside.

use std::ops::Range;

use super::geometry::Geometry;
use crate::kernels::element::vectorized;
use crate::kernels::real::Real;

/// Values that are copied at once: a strip is a few of these, and the last may lie across the one before.
const CHUNK: usize = 16;

impl Geometry {
    /// Values of an image with its border.
    pub(super) fn bordered(&self) -> usize {
        (self.height + 2 * self.padding) * self.row()
    }

    /// Values of a row of an image with its border.
    fn row(&self) -> usize {
        (self.width + 2 * self.padding) * self.channels
    }

    /// Values of a row of an image.
    fn inner_row(&self) -> usize {
        self.width * self.channels
    }

    /// Where row `row` of an image begins in the image with its border.
    fn inside(&self, row: usize) -> usize {
        (row + self.padding) * self.row() + self.padding * self.channels
    }

    /// Values of a strip.
    fn strip(&self) -> usize {
        self.filter.1 * self.channels
    }
}

/// Images with a border of zeros into `out`.
pub(super) fn pad<T: Real>(images: &[T], g: &Geometry, out: &mut [T]) {
    out.fill(T::ZERO);
    for (image, out) in images.chunks_exact(g.image()).zip(out.chunks_exact_mut(g.bordered())) {
        for (row, values) in image.chunks_exact(g.inner_row()).enumerate() {
            out[g.inside(row)..][..values.len()].copy_from_slice(values);
        }
    }
}

/// Adds what lies within the border to `images`.
pub(super) fn add_unpadded<T: Real>(bordered: &[T], g: &Geometry, images: &mut [T]) {
    vectorized(
        #[inline(always)]
        || {
            for (image, from) in images.chunks_exact_mut(g.image()).zip(bordered.chunks_exact(g.bordered())) {
                for (row, values) in image.chunks_exact_mut(g.inner_row()).enumerate() {
                    let from = &from[g.inside(row)..][..values.len()];
                    values.iter_mut().zip(from).for_each(|(to, &value)| *to += value);
                }
            }
        },
    );
}

/// Patches at some `rows` of output positions, of each image with its border, as rows of `columns`
/// (images × positions, patch).
pub(super) fn gather<T: Real>(bordered: &[T], g: &Geometry, rows: &Range<usize>, columns: &mut [T]) {
    vectorized(
        #[inline(always)]
        || {
            let mut to = 0;
            for image in bordered.chunks_exact(g.bordered()) {
                for row in rows.clone() {
                    for column in 0..g.to.1 {
                        let corner = row * g.stride * g.row() + column * g.stride * g.channels;
                        for filter_row in 0..g.filter.0 {
                            copy(&image[corner + filter_row * g.row()..], &mut columns[to..], g.strip());
                            to += g.strip();
                        }
                    }
                }
            }
        },
    );
}

/// The first `len` values. A short copy may write more than that where there is room: what lies behind is
/// written next.
#[inline(always)]
fn copy<T: Real>(from: &[T], to: &mut [T], len: usize) {
    if len < CHUNK {
        match (from.first_chunk::<CHUNK>(), to.first_chunk_mut::<CHUNK>()) {
            (Some(from), Some(to)) => *to = *from,
            _ => to[..len].copy_from_slice(&from[..len]),
        }
        return;
    }
    let (from, to) = (&from[..len], &mut to[..len]);
    for (from, to) in from.as_chunks::<CHUNK>().0.iter().zip(to.as_chunks_mut::<CHUNK>().0) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<CHUNK>(), to.last_chunk_mut::<CHUNK>()) {
        *to = *from;
    }
}

/// Adds every row of `columns` to where [`gather`] took it from.
pub(super) fn scatter<T: Real>(columns: &[T], g: &Geometry, rows: &Range<usize>, bordered: &mut [T]) {
    vectorized(
        #[inline(always)]
        || {
            let mut strips = columns.chunks_exact(g.strip());
            for image in bordered.chunks_exact_mut(g.bordered()) {
                for row in rows.clone() {
                    for column in 0..g.to.1 {
                        let corner = row * g.stride * g.row() + column * g.stride * g.channels;
                        for filter_row in 0..g.filter.0 {
                            let values = strips.next().expect("a strip for each place");
                            let to = &mut image[corner + filter_row * g.row()..][..values.len()];
                            to.iter_mut().zip(values).for_each(|(to, &value)| *to += value);
                        }
                    }
                }
            }
        },
    );
}

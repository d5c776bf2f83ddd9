//! Max-pooling on images by rows (positions × channels).
//!
//! Only the largest value of a window receives a gradient. The forward pass therefore picks the
//! pre-activations that were largest, and the backward pass of the activation runs on those alone.

use candle_core::{Result, bail};

use super::conv::geometry::positions;
use super::element::vectorized;
use super::real::Real;

/// A window and its step, the same in both directions; positions past the last whole window are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Rows and columns of a window.
    pub size: usize,
    /// Step between windows.
    pub stride: usize,
}

/// Pooling of images of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    pool: Pool,
    /// Rows and columns in.
    from: (usize, usize),
    /// Rows and columns out.
    pub to: (usize, usize),
    /// Channels.
    channels: usize,
}

impl Pool {
    /// For images of `from` rows and columns with `channels` channels.
    pub fn over(self, from: (usize, usize), channels: usize) -> Result<Pooling> {
        // A place in a window is kept in a byte.
        if self.size > 16 {
            bail!("max-pooling takes windows of up to 16 × 16");
        }
        let along = |extent| positions(extent, self.size, self.stride, 0);
        let (Some(rows), Some(columns)) = (along(from.0), along(from.1)) else {
            bail!("max-pooling: a window of {0} × {0} does not fit {1} × {2}", self.size, from.0, from.1);
        };
        Ok(Pooling { pool: self, from, to: (rows, columns), channels })
    }
}

impl Pooling {
    /// Values of a pooled image.
    #[must_use]
    pub fn pooled(&self) -> usize {
        self.to.0 * self.to.1 * self.channels
    }

    /// Values of an image before pooling.
    #[must_use]
    pub fn image(&self) -> usize {
        self.from.0 * self.from.1 * self.channels
    }

    /// The first value of window number `window` in the image.
    #[inline(always)]
    fn start(&self, window: usize) -> usize {
        let (row, column) = (window / self.to.1, window % self.to.1);
        (row * self.from.1 + column) * self.pool.stride * self.channels
    }

    /// How far behind a window's first value the one at `place` lies.
    #[inline(always)]
    fn offset(&self, place: usize) -> usize {
        (place / self.pool.size * self.from.1 + place % self.pool.size) * self.channels
    }

    /// Largest value of each window of `images` into `out`, and its place in the window, row by row: the
    /// first one of equals, the last NaN if there is any (`PyTorch`'s rule).
    pub fn forward<T: Real>(&self, images: &[T], out: &mut [T], places: &mut [u8]) {
        let (channels, windows) = (self.channels, self.pool.size * self.pool.size);
        vectorized(
            #[inline(always)]
            || {
                let pooled = out.chunks_exact_mut(self.pooled()).zip(places.chunks_exact_mut(self.pooled()));
                for (image, (out, places)) in images.chunks_exact(self.image()).zip(pooled) {
                    let pixels = out.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
                    for (window, (out, places)) in pixels.enumerate() {
                        let start = self.start(window);
                        out.copy_from_slice(&image[start..][..channels]);
                        places.fill(0);
                        for place in 1..windows {
                            let values = &image[start + self.offset(place)..][..channels];
                            let place = place as u8;
                            for ((best, at), &value) in out.iter_mut().zip(&mut *places).zip(values) {
                                // NaN is taken and stays, and so does the first of equals.
                                let larger = (value > *best) | value.is_nan();
                                *best = if larger { value } else { *best };
                                *at = if larger { place } else { *at };
                            }
                        }
                    }
                }
            },
        );
    }

    /// The values of `images` at the places that [`Pooling::forward`] found.
    pub fn pick<T: Real>(&self, images: &[T], places: &[u8], out: &mut [T]) {
        let channels = self.channels;
        let pooled = out.chunks_exact_mut(self.pooled()).zip(places.chunks_exact(self.pooled()));
        for (image, (out, places)) in images.chunks_exact(self.image()).zip(pooled) {
            let pixels = out.chunks_exact_mut(channels).zip(places.chunks_exact(channels));
            for (window, (out, places)) in pixels.enumerate() {
                let start = self.start(window);
                for (channel, (out, &place)) in out.iter_mut().zip(places).enumerate() {
                    *out = image[start + self.offset(usize::from(place)) + channel];
                }
            }
        }
    }

    /// Puts each of `values` at its place in `images`, which is 0 elsewhere; windows that overlap add.
    pub fn unpick<T: Real>(&self, values: &[T], places: &[u8], images: &mut [T]) {
        images.fill(T::ZERO);
        let channels = self.channels;
        let pooled = values.chunks_exact(self.pooled()).zip(places.chunks_exact(self.pooled()));
        for (image, (values, places)) in images.chunks_exact_mut(self.image()).zip(pooled) {
            let pixels = values.chunks_exact(channels).zip(places.chunks_exact(channels));
            for (window, (values, places)) in pixels.enumerate() {
                let start = self.start(window);
                for (channel, (&value, &place)) in values.iter().zip(places).enumerate() {
                    image[start + self.offset(usize::from(place)) + channel] += value;
                }
            }
        }
    }
}

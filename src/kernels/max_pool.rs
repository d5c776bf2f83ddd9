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

    /// Places in a window.
    fn places(&self) -> usize {
        self.pool.size * self.pool.size
    }

    /// The first value of window number `window`, counted over images, in the images.
    #[inline(always)]
    fn start(&self, window: usize) -> usize {
        let (row, column) = (window / self.to.1, window % self.to.1);
        let (image, row) = (row / self.to.0, row % self.to.0);
        image * self.image() + (row * self.from.1 + column) * self.pool.stride * self.channels
    }

    /// How far behind a window's first value the one at `place` lies.
    #[inline(always)]
    fn offset(&self, place: usize) -> usize {
        (place / self.pool.size * self.from.1 + place % self.pool.size) * self.channels
    }

    /// Largest value of each window of `images` into `out`, and its place in the window, row by row: the
    /// first one of equals, the last NaN if there is any (`PyTorch`'s rule).
    pub fn forward<T: Real>(&self, images: &[T], out: &mut [T], places: &mut [u8]) {
        let channels = self.channels;
        vectorized(
            #[inline(always)]
            || {
                let pixels = out.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
                for (window, (out, places)) in pixels.enumerate() {
                    let start = self.start(window);
                    out.copy_from_slice(&images[start..][..channels]);
                    places.fill(0);
                    for place in 1..self.places() {
                        let values = &images[start + self.offset(place)..][..channels];
                        let place = place as u8;
                        for ((best, at), &value) in out.iter_mut().zip(&mut *places).zip(values) {
                            // NaN is taken and stays, and so does the first of equals.
                            let larger = (value > *best) | value.is_nan();
                            *best = if larger { value } else { *best };
                            *at = if larger { place } else { *at };
                        }
                    }
                }
            },
        );
    }

    /// The values of `images` at the places that [`Pooling::forward`] found.
    pub fn pick<T: Real>(&self, images: &[T], places: &[u8], out: &mut [T]) {
        let channels = self.channels;
        vectorized(
            #[inline(always)]
            || {
                let pixels = out.chunks_exact_mut(channels).zip(places.chunks_exact(channels));
                for (window, (out, places)) in pixels.enumerate() {
                    let start = self.start(window);
                    // Sums of one value and zeros: a choice between two places to read from would go value by
                    // value.
                    for place in 0..self.places() {
                        let values = &images[start + self.offset(place)..][..channels];
                        let (first, place) = (place == 0, place as u8);
                        for ((out, &at), &value) in out.iter_mut().zip(places).zip(values) {
                            let here = if at == place { value } else { T::ZERO };
                            *out = if first { here } else { *out + here };
                        }
                    }
                }
            },
        );
    }

    /// Puts each of `values` at its place in `images`, which is 0 elsewhere; windows that overlap add.
    pub fn unpick<T: Real>(&self, values: &[T], places: &[u8], images: &mut [T]) {
        let channels = self.channels;
        let whole = |from: usize, to: usize| to * self.pool.size == from;
        let apart = self.pool.stride == self.pool.size;
        // Where the windows cover everything once, every value is written below.
        if !(apart && whole(self.from.0, self.to.0) && whole(self.from.1, self.to.1)) {
            images.fill(T::ZERO);
        }
        vectorized(
            #[inline(always)]
            || {
                let pixels = values.chunks_exact(channels).zip(places.chunks_exact(channels));
                for (window, (values, places)) in pixels.enumerate() {
                    let start = self.start(window);
                    for place in 0..self.places() {
                        let to = &mut images[start + self.offset(place)..][..channels];
                        let place = place as u8;
                        for ((to, &value), &at) in to.iter_mut().zip(values).zip(places) {
                            let here = if at == place { value } else { T::ZERO };
                            *to = if apart { here } else { *to + here };
                        }
                    }
                }
            },
        );
    }
}

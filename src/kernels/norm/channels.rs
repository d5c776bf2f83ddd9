//! The loops over rows of channels. A block of rows adds up in `T`, blocks in f64.

use crate::kernels::element::vectorized;
use crate::kernels::real::Real;

/// Values of a block, about: 16 KiB of f32.
const BLOCK: usize = 1 << 12;

/// Rows of a block: enough to pay for its sums in f64, few enough for the nearest cache.
pub(super) fn rows_at_a_time(channels: usize) -> usize {
    (BLOCK / channels).clamp(8, 128)
}

/// Mean, and sum of the squared distances to it, of every channel.
pub(super) struct Moments {
    pub mean: Vec<f64>,
    pub squares: Vec<f64>,
}

impl Moments {
    /// Of x (rows, channels).
    pub fn of<T: Real>(x: &[T], channels: usize) -> Self {
        let (mut mean, mut squares) = (vec![0.0f64; channels], vec![0.0f64; channels]);
        let (mut sum, mut square) = (vec![T::ZERO; channels], vec![T::ZERO; channels]);
        vectorized(
            #[inline(always)]
            || {
                let (mean, squares) = (&mut mean[..channels], &mut squares[..channels]);
                let (sum, square) = (&mut sum[..channels], &mut square[..channels]);
                let mut before = 0.0;
                for block in x.chunks(rows_at_a_time(channels) * channels) {
                    let n = (block.len() / channels) as f64;
                    sum.fill(T::ZERO);
                    for row in block.chunks_exact(channels) {
                        for c in 0..channels {
                            sum[c] += row[c];
                        }
                    }
                    let share = T::of(1.0 / n);
                    for c in 0..channels {
                        sum[c] *= share;
                        square[c] = T::ZERO;
                    }
                    for row in block.chunks_exact(channels) {
                        for c in 0..channels {
                            let d = row[c] - sum[c];
                            square[c] = d.mul_add(d, square[c]);
                        }
                    }
                    // The block's mean is rounded, so its squares are about a point beside it: no matter,
                    // the difference is of second order.
                    let (weight, cross) = (n / (before + n), before * n / (before + n));
                    for c in 0..channels {
                        let d = sum[c].wide() - mean[c];
                        mean[c] += d * weight;
                        squares[c] += square[c].wide() + d * d * cross;
                    }
                    before += n;
                }
            },
        );
        Self { mean, squares }
    }
}

/// One segment's z = slope·x + offset, by channel.
#[derive(Clone, Copy)]
pub(super) struct Line<'a, T> {
    pub segment: usize,
    pub mean: &'a [T],
    pub slope: &'a [T],
    pub offset: &'a [T],
}

/// One segment's ∂x = p·∂z + q·(x - μ) + r, by channel.
pub(super) struct Through<'a, T> {
    mean: &'a [T],
    p: &'a [T],
    q: &'a [T],
    r: &'a [T],
}

impl<'a, T: Real> Line<'a, T> {
    /// z of some rows, with the residual.
    pub fn apply(&self, x: &[T], residual: Option<&[T]>, z: &mut [T]) {
        let channels = self.slope.len();
        vectorized(
            #[inline(always)]
            || {
                let (a, b) = (&self.slope[..channels], &self.offset[..channels]);
                let rows = x.chunks_exact(channels).zip(z.chunks_exact_mut(channels));
                match residual {
                    None => {
                        for (x, z) in rows {
                            for c in 0..channels {
                                z[c] = a[c].mul_add(x[c], b[c]);
                            }
                        }
                    }
                    Some(residual) => {
                        for ((x, z), more) in rows.zip(residual.chunks_exact(channels)) {
                            for c in 0..channels {
                                z[c] = a[c].mul_add(x[c], b[c]) + more[c];
                            }
                        }
                    }
                }
            },
        );
    }

    /// Overwrites `plain` with Σ ∂z and `moment` with Σ ∂z·(x - μ) of some rows.
    pub fn sums(&self, x: &[T], dz: &[T], plain: &mut [T], moment: &mut [T]) {
        let channels = self.slope.len();
        vectorized(
            #[inline(always)]
            || {
                let mean = &self.mean[..channels];
                let (plain, moment) = (&mut plain[..channels], &mut moment[..channels]);
                plain.fill(T::ZERO);
                moment.fill(T::ZERO);
                for (x, dz) in x.chunks_exact(channels).zip(dz.chunks_exact(channels)) {
                    for c in 0..channels {
                        plain[c] += dz[c];
                        moment[c] = dz[c].mul_add(x[c] - mean[c], moment[c]);
                    }
                }
            },
        );
    }

    /// The way back through this segment, out of all segments' numbers.
    pub fn with(self, p: &'a [T], q: &'a [T], r: &'a [T]) -> Through<'a, T> {
        let channels = self.slope.len();
        let here = self.segment * channels..(self.segment + 1) * channels;
        Through { mean: self.mean, p: &p[here.clone()], q: &q[here.clone()], r: &r[here] }
    }
}

impl<T: Real> Through<'_, T> {
    pub fn pull_back(&self, x: &[T], dz: &[T], dx: &mut [T]) {
        let channels = self.p.len();
        vectorized(
            #[inline(always)]
            || {
                let (mean, p, q, r) =
                    (&self.mean[..channels], &self.p[..channels], &self.q[..channels], &self.r[..channels]);
                let rows = x.chunks_exact(channels).zip(dz.chunks_exact(channels));
                for ((x, dz), dx) in rows.zip(dx.chunks_exact_mut(channels)) {
                    for c in 0..channels {
                        dx[c] = p[c].mul_add(dz[c], q[c].mul_add(x[c] - mean[c], r[c]));
                    }
                }
            },
        );
    }

    pub fn pull_back_in_place(&self, x: &[T], d: &mut [T]) {
        let channels = self.p.len();
        vectorized(
            #[inline(always)]
            || {
                let (mean, p, q, r) =
                    (&self.mean[..channels], &self.p[..channels], &self.q[..channels], &self.r[..channels]);
                for (x, d) in x.chunks_exact(channels).zip(d.chunks_exact_mut(channels)) {
                    for c in 0..channels {
                        d[c] = p[c].mul_add(d[c], q[c].mul_add(x[c] - mean[c], r[c]));
                    }
                }
            },
        );
    }
}

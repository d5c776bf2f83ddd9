//! Normalisation of rows (images × positions, channels) with what follows it as one pass:
//! y = φ(scale·(x - μ)/√(σ² + ε) + shift + residual).
//!
//! - batch (Ioffe & Szegedy 2015, arXiv 1502.03167): μ and σ² of each channel over the batch in training
//!   (divided by n), the running ones in evaluation;
//! - group (Wu & He 2018, arXiv 1803.08494): μ and σ² of each group of channels over each image;
//! - none: shift alone, a bias.
//!
//! ε and the running statistics are `PyTorch`'s: r ← 0.9·r + 0.1·(batch), the variance divided by n - 1.
//! Statistics are taken block by block and put together in f64 (Chan et al. 1979), so that one pass over
//! memory loses no digits to a mean far from 0.

mod backward;
mod channels;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::{Result, Tensor};

pub use self::backward::Back;
use self::channels::{Line, rows_at_a_time};
pub use self::statistics::{EPSILON, MOMENTUM, RunningStatistic, Scheme};
use super::element::{Mode, flush};
use super::fused_activation::{FusedActivation, kernel};
use super::gradient::Gradient;
use super::scratch::Scratch;
use super::storage::{Slices, with_slice};

/// One normalisation and what it feeds.
#[derive(Clone)]
pub struct Norm {
    /// What is normalised.
    pub scheme: Scheme,
    /// Factor of each channel and its gradient; absent without a normalisation.
    pub scale: Option<(Tensor, Arc<Gradient>)>,
    /// What is added to each channel, and its gradient.
    pub shift: (Tensor, Arc<Gradient>),
    /// Activation, after the residual. It must not widen.
    pub activation: Option<FusedActivation>,
}

/// What the forward pass leaves for the backward pass. Its buffers are [`Scratch`].
pub struct Saved<T> {
    images: usize,
    channels: usize,
    /// Whether mean and variance are those of x, so that the gradient goes through them too.
    own: bool,
    /// (segments × channels): a batch is one segment, or each image is.
    mean: Vec<T>,
    inverse: Vec<f64>,
    /// z = slope·x + offset.
    slope: Vec<T>,
    offset: Vec<T>,
    /// Pre-activations, where the backward pass does not make them again.
    z: Vec<T>,
    extra: Vec<T>,
}

impl Norm {
    /// y of x (images × positions, channels); every value of `y` is written.
    ///
    /// A training pass of a batch normalisation moves its running statistics.
    ///
    /// # Errors
    /// If a channel (a group) has a single value to take a variance of.
    pub fn forward<T: Slices + Scratch>(
        &self,
        x: &[T],
        (images, channels): (usize, usize),
        residual: Option<&[T]>,
        mode: &mut Mode<'_>,
        y: &mut [T],
    ) -> Result<Saved<T>> {
        let trains = matches!(mode, Mode::Train(_));
        let (mean, inverse) = self.scheme.statistics(x, (images, channels), trains)?;
        let (slope, offset) = self.lines::<T>(&mean, &inverse, channels)?;
        let mean = mean.into_iter().map(T::of).collect();
        let own = trains || matches!(self.scheme, Scheme::Group { .. });
        let (z, extra) = (Vec::new(), Vec::new());
        let mut saved = Saved { images, channels, own, mean, inverse, slope, offset, z, extra };
        match &self.activation {
            None => saved.blocks(x.len(), |line, at| {
                line.apply(&x[at.clone()], residual.map(|r| &r[at.clone()]), &mut y[at]);
            }),
            Some(activation) if kernel::<T>(activation).local() => {
                let mut z = T::take(saved.block());
                let (kernel, mut nothing) = (kernel::<T>(activation), Vec::new());
                saved.blocks(x.len(), |line, at| {
                    let z = &mut z[..at.len()];
                    line.apply(&x[at.clone()], residual.map(|r| &r[at.clone()]), z);
                    let y = &mut y[at];
                    kernel.forward(&[], channels, z, y, &mut nothing, mode);
                    flush(y);
                });
                T::put(z);
            }
            Some(activation) => {
                let mut z = T::take(x.len());
                saved.blocks(x.len(), |line, at| {
                    line.apply(&x[at.clone()], residual.map(|r| &r[at.clone()]), &mut z[at]);
                });
                activation.with_coefficients(|c| {
                    kernel::<T>(activation).forward(c, channels, &z, y, &mut saved.extra, mode);
                })?;
                flush(y);
                saved.z = z;
            }
        }
        Ok(saved)
    }

    /// The scale as f64, ones where there is none.
    fn scale<T: Slices>(&self, channels: usize) -> Result<Vec<f64>> {
        match &self.scale {
            None => Ok(vec![1.0; channels]),
            Some((scale, _)) => with_slice(scale, |s: &[T]| s.iter().map(|v| v.wide()).collect()),
        }
    }

    /// Slope and offset of z in x, (segments × channels).
    fn lines<T: Slices>(&self, mean: &[f64], inverse: &[f64], channels: usize) -> Result<(Vec<T>, Vec<T>)> {
        let scale = self.scale::<T>(channels)?;
        let shift: Vec<f64> = with_slice(&self.shift.0, |s: &[T]| s.iter().map(|v| v.wide()).collect())?;
        let slopes = inverse.iter().enumerate().map(|(i, v)| scale[i % channels] * v);
        let offsets = slopes.clone().zip(mean).enumerate().map(|(i, (a, m))| shift[i % channels] - m * a);
        Ok((slopes.clone().map(T::of).collect(), offsets.map(T::of).collect()))
    }

    /// Pre-activations (rows, channels) of some `rows` of x, as a forward pass has made them.
    pub fn capture<T: Slices>(
        &self,
        x: &[T],
        residual: Option<&[T]>,
        saved: &Saved<T>,
        rows: &[usize],
    ) -> Vec<f32> {
        let channels = saved.channels;
        let per_segment = x.len() / channels / saved.segments();
        let mut captured = Vec::with_capacity(rows.len() * channels);
        for &row in rows {
            for c in 0..channels {
                let (at, line) = (row * channels + c, row / per_segment * channels + c);
                let z = saved.slope[line].mul_add(x[at], saved.offset[line]);
                captured.push((z + residual.map_or(<T as super::real::Real>::ZERO, |r| r[at])).wide() as f32);
            }
        }
        captured
    }
}

impl<T: Slices + Scratch> Saved<T> {
    /// Hands the buffers back.
    pub fn put(self) {
        T::put(self.z);
    }

    /// Values in the largest block.
    fn block(&self) -> usize {
        rows_at_a_time(self.channels) * self.channels
    }
}

impl<T: Slices> Saved<T> {
    fn segments(&self) -> usize {
        self.mean.len() / self.channels
    }

    /// Calls `act` with every block of rows (as a range of values) and the line that it lies on.
    fn blocks(&self, len: usize, mut act: impl FnMut(Line<'_, T>, std::ops::Range<usize>)) {
        debug_assert!(self.images > 0 && len.is_multiple_of(self.channels));
        let step = rows_at_a_time(self.channels) * self.channels;
        let segment = len / self.segments();
        for index in 0..self.segments() {
            let here = index * self.channels..(index + 1) * self.channels;
            let end = (index + 1) * segment;
            for from in (index * segment..end).step_by(step) {
                let line = Line {
                    segment: index,
                    mean: &self.mean[here.clone()],
                    slope: &self.slope[here.clone()],
                    offset: &self.offset[here.clone()],
                };
                act(line, from..(from + step).min(end));
            }
        }
    }
}

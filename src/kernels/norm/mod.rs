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

mod channels;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, Tensor, bail};

use self::channels::{Line, Moments, rows_at_a_time};
use super::element::{Gradients, Mode, Saved as SavedElements, flush};
use super::fused_activation::{FusedActivation, kernel};
use super::gradient::Gradient;
use super::scratch::Scratch;
use super::storage::{Slices, with_slice};

/// Added to every variance: `PyTorch`'s default.
pub const EPSILON: f64 = 1e-5;
/// Share of the newest batch in the running statistics: `PyTorch`'s default.
pub const MOMENTUM: f64 = 0.1;

/// A running mean or variance, one value per channel.
pub type RunningStatistic = Arc<Mutex<Vec<f32>>>;

/// What is made 0 on average and 1 in variance.
#[derive(Clone, Debug)]
pub enum Scheme {
    /// Each channel over the batch, with its running mean and variance.
    Batch {
        /// (channels)
        mean: RunningStatistic,
        /// (channels)
        variance: RunningStatistic,
    },
    /// Each group of neighbouring channels over an image.
    Group {
        /// Groups; they divide the channels.
        groups: usize,
    },
    /// Nothing.
    None,
}

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

/// ∂x, and the gradient of the residual where there was one; [`Scratch`] both.
pub struct Back<T> {
    /// By x.
    pub dx: Vec<T>,
    /// By the residual.
    pub residual: Option<Vec<T>>,
}

fn read(kept: &RunningStatistic) -> Vec<f64> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|&v| f64::from(v)).collect()
}

/// kept ← (1 - momentum)·kept + momentum·now
fn follow(kept: &RunningStatistic, now: impl Iterator<Item = f64>) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    for (kept, now) in kept.iter_mut().zip(now) {
        *kept = ((1.0 - MOMENTUM) * f64::from(*kept) + MOMENTUM * now) as f32;
    }
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
        let (mean, inverse) = self.statistics(x, (images, channels), trains)?;
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

    /// Mean and 1/√(σ² + ε), (segments × channels).
    fn statistics<T: Slices>(
        &self,
        x: &[T],
        (images, channels): (usize, usize),
        trains: bool,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let inverse = |variance: f64| 1.0 / (variance + EPSILON).sqrt();
        match &self.scheme {
            Scheme::None => Ok((vec![0.0; channels], vec![1.0; channels])),
            Scheme::Batch { mean, variance } if !trains => {
                Ok((read(mean), read(variance).into_iter().map(inverse).collect()))
            }
            Scheme::Batch { mean, variance } => {
                let n = x.len() / channels;
                if n < 2 {
                    bail!(
                        "batch normalisation needs more than one value of each channel in training, and a batch \
                         of one image with one position has one: take a larger batch, or norm = \"group\""
                    );
                }
                let moments = Moments::of(x, channels);
                follow(mean, moments.mean.iter().copied());
                follow(variance, moments.squares.iter().map(|s| s / (n - 1) as f64));
                let inverses = moments.squares.iter().map(|s| inverse(s / n as f64)).collect();
                Ok((moments.mean, inverses))
            }
            Scheme::Group { groups } => {
                let (positions, together) = (x.len() / channels / images, channels / groups);
                let n = positions * together;
                if n < 2 {
                    bail!(
                        "group normalisation needs more than one value in each group, and a group of one channel \
                         with one position has one: take fewer groups"
                    );
                }
                let (mut means, mut inverses) = (Vec::new(), Vec::new());
                for image in x.chunks_exact(positions * channels) {
                    let moments = Moments::of(image, channels);
                    for (mean, squares) in
                        moments.mean.chunks_exact(together).zip(moments.squares.chunks_exact(together))
                    {
                        let middle = mean.iter().sum::<f64>() / together as f64;
                        let apart = mean.iter().map(|m| (m - middle) * (m - middle)).sum::<f64>();
                        let all = squares.iter().sum::<f64>() + positions as f64 * apart;
                        means.extend(std::iter::repeat_n(middle, together));
                        inverses.extend(std::iter::repeat_n(inverse(all / n as f64), together));
                    }
                }
                Ok((means, inverses))
            }
        }
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

    /// The gradients, from that of y in `dy`, a [`Scratch`] buffer that is used up. Where the pass
    /// `trains`, those of scale, shift and coefficients are added to their places.
    pub fn backward<T: Slices + Scratch>(
        &self,
        x: &[T],
        residual: Option<&[T]>,
        y: &[T],
        dy: Vec<T>,
        saved: Saved<T>,
        trains: bool,
    ) -> Result<Back<T>> {
        let channels = saved.channels;
        let (mut dz, mut sums) = (dy, Sums::new(&saved));
        match &self.activation {
            None => saved.blocks(x.len(), |line, at| sums.add(&line, &x[at.clone()], &dz[at])),
            Some(activation) if kernel::<T>(activation).local() => {
                let (mut z, mut d) = (T::take(saved.block()), T::take(saved.block()));
                let kernel = kernel::<T>(activation);
                saved.blocks(x.len(), |line, at| {
                    let (z, d) = (&mut z[..at.len()], &mut d[..at.len()]);
                    line.apply(&x[at.clone()], residual.map(|r| &r[at.clone()]), z);
                    let saved = SavedElements { z, y: &y[at.clone()], extra: &[] };
                    let gradients = Gradients { dz: d, d_coefficients: &mut [] };
                    kernel.backward(&[], channels, saved, &dz[at.clone()], gradients);
                    flush(d);
                    dz[at.clone()].copy_from_slice(d);
                    sums.add(&line, &x[at], d);
                });
                T::put(z);
                T::put(d);
            }
            Some(activation) => {
                let dy = std::mem::replace(&mut dz, T::take(x.len()));
                let elements = SavedElements { z: &saved.z, y, extra: &saved.extra };
                activation.with_gradient(trains, |c, d_coefficients| {
                    let gradients = Gradients { dz: &mut dz, d_coefficients };
                    kernel::<T>(activation).backward(c, channels, elements, &dy, gradients);
                })?;
                flush(&mut dz);
                T::put(dy);
                saved.blocks(x.len(), |line, at| sums.add(&line, &x[at.clone()], &dz[at]));
            }
        }
        if trains {
            self.add_gradients::<T>(&sums, &saved)?;
        }
        let (by_z, by_x, rest) = self.pull_back::<T>(&sums, &saved, x.len())?;
        let result = if residual.is_some() {
            let mut dx = T::take(x.len());
            if matches!(self.scheme, Scheme::None) {
                dx.copy_from_slice(&dz);
            } else {
                saved.blocks(x.len(), |line, at| {
                    let through = line.with(&by_z, &by_x, &rest);
                    through.pull_back(&x[at.clone()], &dz[at.clone()], &mut dx[at]);
                });
            }
            Back { dx, residual: Some(dz) }
        } else {
            if !matches!(self.scheme, Scheme::None) {
                saved.blocks(x.len(), |line, at| {
                    line.with(&by_z, &by_x, &rest).pull_back_in_place(&x[at.clone()], &mut dz[at]);
                });
            }
            Back { dx: dz, residual: None }
        };
        saved.put();
        Ok(result)
    }

    fn add_gradients<T: Slices>(&self, sums: &Sums<T>, saved: &Saved<T>) -> Result<()> {
        let channels = saved.channels;
        let add = |gradient: &Gradient, terms: &mut dyn Iterator<Item = f64>| -> Result<()> {
            let mut whole = vec![0.0; channels];
            terms.enumerate().for_each(|(i, term)| whole[i % channels] += term);
            let mut gradient = gradient.lock();
            let to = gradient.accumulate::<T>()?;
            to.iter_mut().zip(whole).for_each(|(to, d)| *to += T::of(d));
            Ok(())
        };
        add(&self.shift.1, &mut sums.plain.iter().copied())?;
        match &self.scale {
            None => Ok(()),
            Some((_, gradient)) => {
                add(gradient, &mut sums.moment.iter().zip(&saved.inverse).map(|(s, i)| s * i))
            }
        }
    }

    /// ∂x = p·∂z + q·(x - μ) + r: p, q and r, (segments × channels).
    fn pull_back<T: Slices>(
        &self,
        sums: &Sums<T>,
        saved: &Saved<T>,
        len: usize,
    ) -> Result<(Vec<T>, Vec<T>, Vec<T>)> {
        let channels = saved.channels;
        let scale = self.scale::<T>(channels)?;
        let together = match &self.scheme {
            Scheme::Group { groups } => channels / groups,
            _ => 1,
        };
        let n = (len / channels / saved.segments() * together) as f64;
        let of = |i: usize| scale[i % channels];
        let (mut p, mut q, mut r) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..saved.mean.len() / together {
            let here = group * together..(group + 1) * together;
            let plain: f64 = here.clone().map(|i| of(i) * sums.plain[i]).sum();
            let moment: f64 = here.clone().map(|i| of(i) * sums.moment[i]).sum();
            for i in here {
                let inverse = saved.inverse[i];
                // Running statistics are constants to x.
                let (moment, plain) = if saved.own { (moment, plain) } else { (0.0, 0.0) };
                p.push(T::of(of(i) * inverse));
                q.push(T::of(-inverse * inverse * inverse * moment / n));
                r.push(T::of(-inverse * plain / n));
            }
        }
        Ok((p, q, r))
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

/// Σ ∂z and Σ ∂z·(x - μ), (segments × channels).
struct Sums<T> {
    plain: Vec<f64>,
    moment: Vec<f64>,
    block: (Vec<T>, Vec<T>),
}

impl<T: Slices> Sums<T> {
    fn new(saved: &Saved<T>) -> Self {
        let zeros = || vec![<T as super::real::Real>::ZERO; saved.channels];
        let len = saved.mean.len();
        Self { plain: vec![0.0; len], moment: vec![0.0; len], block: (zeros(), zeros()) }
    }

    fn add(&mut self, line: &Line<'_, T>, x: &[T], dz: &[T]) {
        let (plain, moment) = &mut self.block;
        line.sums(x, dz, plain, moment);
        let at = line.segment * plain.len();
        for c in 0..plain.len() {
            self.plain[at + c] += plain[c].wide();
            self.moment[at + c] += moment[c].wide();
        }
    }
}

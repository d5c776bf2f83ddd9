//! Mean and variance of what is normalised, and the running ones of batch normalisation.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, bail};

use super::channels::Moments;
use crate::kernels::storage::Slices;

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

impl Scheme {
    /// Mean and 1/√(σ² + ε), (segments × channels).
    pub(super) fn statistics<T: Slices>(
        &self,
        x: &[T],
        (images, channels): (usize, usize),
        trains: bool,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let inverse = |variance: f64| 1.0 / (variance + EPSILON).sqrt();
        match self {
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
}

//! Captured pre-activations of a residual network, block of images by block.

use crate::kernels::norm::{Norm, Saved};
use crate::kernels::storage::Slices;
use crate::nn::samples;
use crate::random::Stream;

/// Captured pre-activations of every activation layer, in order, at the same positions of the images each time.
pub(super) struct Capture {
    /// Images in all, those seen so far, and the rows (images × positions) that are wanted of them.
    images: usize,
    pub(super) first: usize,
    samples: usize,
    /// Of each activation: (rows, channels).
    pub(super) pre_activations: Vec<Vec<f32>>,
    /// Draws the positions of each activation layer.
    draws: Vec<Stream>,
    pub(super) activation: usize,
}

impl Capture {
    /// Nothing seen yet of so many images, of which `samples` rows are wanted.
    pub fn new(images: usize, samples: usize) -> Self {
        Self { images, first: 0, samples, pre_activations: Vec::new(), draws: Vec::new(), activation: 0 }
    }

    /// The rows of the next `images`: a position drawn for each where there are as many images as samples,
    /// else as many of each as are needed.
    fn rows(&mut self, images: usize, positions: usize) -> Vec<usize> {
        if self.samples > self.images {
            return samples::rows(self.first..self.first + images, self.images, positions, self.samples);
        }
        if self.draws.len() == self.activation {
            self.draws.push(Stream::new(0, "probes", self.activation as u64));
        }
        let stream = &mut self.draws[self.activation];
        (0..images).map(|image| image * positions + stream.below(positions as u64) as usize).collect()
    }

    /// Takes what it wants of an activation layer behind `norm`, whose forward pass gave `saved`.
    pub(super) fn see<T: Slices>(
        &mut self,
        norm: &Norm,
        x: &[T],
        residual: Option<&[T]>,
        saved: &Saved<T>,
        (images, positions): (usize, usize),
    ) {
        if norm.activation.is_none() {
            return;
        }
        let rows = self.rows(images, positions);
        let seen = norm.capture(x, residual, saved, &rows);
        if self.pre_activations.len() == self.activation {
            self.pre_activations.push(Vec::new());
        }
        self.pre_activations[self.activation].extend(seen);
        self.activation += 1;
    }
}

//! Captured pre-activations of a transformer: every token a sample.

use crate::kernels::storage::Slices;
use crate::nn::samples;

/// Pre-activations of every block, in order, at the same tokens each time.
pub(super) struct Capture {
    /// Sequences in all, and the number of the first of those that are looked at now.
    all: usize,
    pub first: usize,
    samples: usize,
    block: usize,
    /// Of each block: (samples, units).
    pub pre_activations: Vec<Vec<f32>>,
}

impl Capture {
    /// Nothing seen yet of so many sequences, of which `samples` tokens are wanted.
    pub fn new(all: usize, samples: usize) -> Self {
        Self { all, first: 0, samples, block: 0, pre_activations: Vec::new() }
    }

    /// Goes on to the next sequences, which begin with number `first`.
    pub fn begin(&mut self, first: usize) {
        (self.first, self.block) = (first, 0);
    }

    /// Takes what it wants of the next block's pre-activations (sequences × tokens, units).
    pub fn see<T: Slices>(&mut self, z: &[T], (sequences, tokens): (usize, usize)) {
        let units = z.len() / (sequences * tokens);
        if self.pre_activations.len() == self.block {
            self.pre_activations.push(Vec::new());
        }
        let seen = &mut self.pre_activations[self.block];
        for row in samples::rows(self.first..self.first + sequences, self.all, tokens, self.samples) {
            seen.extend(z[row * units..(row + 1) * units].iter().map(|z| z.wide() as f32));
        }
        self.block += 1;
    }
}

//! randomized-smooth-leaky: smooth-leaky with r ~ U(low, high) in α's place, drawn per element in
//! training; (low + high)/2 in evaluation (arXiv 2509.22562).
//!
//! The paper sweeps low and high; the defaults here are rrelu's (1/8, 1/3), the paper's own best
//! values being unknown to us.

use std::sync::Arc;

use super::slopes::{self, Slopes};
use super::{Activation, smooth_leaky};
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "randomized-smooth-leaky",
    summary: "smooth-leaky with alpha ~ U(low, high) per element in training, the mean in evaluation",
    source: "Lillo & Cheney 2025, arXiv 2509.22562",
    parameters: &[slopes::LOW, slopes::HIGH, smooth_leaky::STEEPNESS[0], smooth_leaky::STEEPNESS[1]],
};

struct RandomizedSmoothLeaky {
    slopes: Slopes,
    steepness: f64,
}

impl<T: Real> ElementKernel<T> for RandomizedSmoothLeaky {
    fn forward(&self, _: &[T], _: usize, z: &[T], y: &mut [T], saved: &mut Vec<T>, mode: &mut Mode<'_>) {
        self.slopes.draw(z.len(), saved, mode);
        let (slopes, k) = (&*saved, T::of(self.steepness));
        vectorized(
            #[inline(always)]
            || {
                for ((y, &x), &r) in y.iter_mut().zip(z).zip(slopes) {
                    *y = smooth_leaky::value(x, r, k);
                }
            },
        );
    }

    fn backward(&self, _: &[T], _: usize, saved: Saved<'_, T>, dy: &[T], gradients: Gradients<'_, T>) {
        let (Saved { z, extra, .. }, dz) = (saved, gradients.dz);
        let k = T::of(self.steepness);
        vectorized(
            #[inline(always)]
            || {
                for (((dz, &x), &r), &dy) in dz.iter_mut().zip(z).zip(extra).zip(dy) {
                    *dz = dy * smooth_leaky::derivative(x, r, k);
                }
            },
        );
    }

    fn saves_elements(&self) -> bool {
        true
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Result<Activation, String> {
    let steepness = choice.number("c") / choice.number("p");
    let kernel = Arc::new(RandomizedSmoothLeaky { slopes: Slopes::chosen(choice)?, steepness });
    Ok(Activation { kernel, expansion: 1, coefficients: None })
}

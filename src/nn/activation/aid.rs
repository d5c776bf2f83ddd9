//! Activation by interval-wise dropout (Park et al. 2025, arXiv 2502.01342), in its simple form with two
//! intervals: in training each element is relu(x) with probability p and -relu(-x) otherwise; in evaluation
//! p·x for x ≥ 0 and (1 - p)·x below, its mean.
//!
//! The paper takes p = 0.99 on permuted MNIST, 0.9 on random-label MNIST and 0.7 on CIFAR-100.

use std::sync::Arc;

use super::Activation;
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "aid",
    summary: "relu(x) with probability p, else -relu(-x), per element in training; the mean in evaluation",
    source: "Park et al. 2025, arXiv 2502.01342",
    parameters: &[Parameter {
        name: "p",
        summary: "probability that the positive side passes",
        kind: Kind::Number { default: Some(0.9), min: 0.0, max: 1.0 },
    }],
};

struct Aid {
    p: f64,
}

impl<T: Real> ElementKernel<T> for Aid {
    /// Saves each element's slope: 1 or 0 in training, p or 1 - p in evaluation.
    fn forward(&self, _: &[T], _: usize, z: &[T], y: &mut [T], extra: &mut Vec<T>, mode: &mut Mode<'_>) {
        extra.resize(z.len(), T::ZERO);
        match mode {
            Mode::Train(stream) => {
                let words = stream.words(z.len());
                // 24 bits decide, as many as an f32 in [0, 1) has.
                let limit = (self.p * f64::from(1 << 24)).round() as i32;
                vectorized(
                    #[inline(always)]
                    || {
                        for ((slope, &x), word) in extra.iter_mut().zip(z).zip(&words) {
                            let passes = ((word >> 8) as i32) < limit;
                            *slope = if (x >= T::ZERO) == passes { T::ONE } else { T::ZERO };
                        }
                    },
                );
            }
            Mode::Evaluate => {
                let (up, down) = (T::of(self.p), T::of(1.0 - self.p));
                for (slope, &x) in extra.iter_mut().zip(z) {
                    *slope = if x < T::ZERO { down } else { up };
                }
            }
        }
        vectorized(
            #[inline(always)]
            || {
                for ((y, &x), &slope) in y.iter_mut().zip(z).zip(&*extra) {
                    *y = slope * x;
                }
            },
        );
    }

    fn backward(&self, _: &[T], _: usize, saved: Saved<'_, T>, dy: &[T], gradients: Gradients<'_, T>) {
        vectorized(
            #[inline(always)]
            || {
                for ((dz, &slope), &dy) in gradients.dz.iter_mut().zip(saved.extra).zip(dy) {
                    *dz = dy * slope;
                }
            },
        );
    }

    fn saves_elements(&self) -> bool {
        true
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    Activation { kernel: Arc::new(Aid { p: choice.number("p") }), expansion: 1, coefficients: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn one_side_passes_in_training_and_the_mean_of_both_in_evaluation() {
        let z: Vec<f64> = (0..8000).map(|i| if i % 2 == 0 { 2.0 } else { -3.0 }).collect();
        let (mut y, mut extra) = (vec![0.0; z.len()], Vec::new());
        Aid { p: 0.7 }.forward(&[], 1, &z, &mut y, &mut extra, &mut Mode::Evaluate);
        assert!(y[0] == 0.7 * 2.0 && (y[1] - 0.3 * -3.0).abs() < 1e-15);
        extra.clear();
        let mut stream = Stream::new(0, "activation", 0);
        Aid { p: 0.7 }.forward(&[], 1, &z, &mut y, &mut extra, &mut Mode::Train(&mut stream));
        assert!(z.iter().zip(&y).all(|(x, y)| *y == 0.0 || y == x));
        let passed = |at: usize| y.iter().skip(at).step_by(2).filter(|y| **y != 0.0).count() as f64 / 4000.0;
        assert!((passed(0) - 0.7).abs() < 0.03 && (passed(1) - 0.3).abs() < 0.03);
    }
}

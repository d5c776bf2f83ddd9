//! crelu(x) = [max(x, 0), max(-x, 0)]: both halves of the line, twice the features (Shang et al. 2016,
//! arXiv 1603.05201; against the loss of plasticity: Abbas et al. 2023, arXiv 2303.07507).

use std::sync::Arc;

use super::Activation;
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "crelu",
    summary: "[max(x, 0), max(-x, 0)]; the layer has half as many units, so that its width stays",
    source: "Shang et al. 2016, arXiv 1603.05201; Abbas et al. 2023, arXiv 2303.07507",
    parameters: &[],
};

struct Crelu;

impl<T: Real> ElementKernel<T> for Crelu {
    fn forward(&self, _: &[T], inputs: usize, z: &[T], y: &mut [T], _: &mut Vec<T>, _: &mut Mode<'_>) {
        vectorized(
            #[inline(always)]
            || {
                for (z, y) in z.chunks_exact(inputs).zip(y.chunks_exact_mut(2 * inputs)) {
                    let (positive, negative) = y.split_at_mut(inputs);
                    for ((&x, p), n) in z.iter().zip(positive).zip(negative) {
                        *p = if x < T::ZERO { T::ZERO } else { x };
                        *n = if x > T::ZERO { T::ZERO } else { -x };
                    }
                }
            },
        );
    }

    fn backward(&self, _: &[T], inputs: usize, saved: Saved<'_, T>, dy: &[T], gradients: Gradients<'_, T>) {
        let (z, dz) = (saved.z, gradients.dz);
        vectorized(
            #[inline(always)]
            || {
                for ((z, dy), dz) in
                    z.chunks_exact(inputs).zip(dy.chunks_exact(2 * inputs)).zip(dz.chunks_exact_mut(inputs))
                {
                    let (positive, negative) = dy.split_at(inputs);
                    for (((&x, &p), &n), d) in z.iter().zip(positive).zip(negative).zip(dz) {
                        let up = if x > T::ZERO { p } else { T::ZERO };
                        let down = if x < T::ZERO { n } else { T::ZERO };
                        *d = up - down;
                    }
                }
            },
        );
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    Activation { kernel: Arc::new(Crelu), expansion: 2, coefficients: None }
}

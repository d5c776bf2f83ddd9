//! fourier(x) = [sin x, cos x]: both, so that one of the two always has a slope of at least 1/√2; twice the
//! features (Lewandowski et al. 2024, "Plastic Learning with Deep Fourier Features", arXiv 2410.20634).

use std::sync::Arc;

use super::Activation;
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "fourier",
    summary: "[sin x, cos x]; the layer has half as many units, so that its width stays",
    source: "Lewandowski et al. 2024, arXiv 2410.20634",
    parameters: &[],
};

struct Fourier;

impl<T: Real> ElementKernel<T> for Fourier {
    fn forward(&self, _: &[T], inputs: usize, z: &[T], y: &mut [T], _: &mut Vec<T>, _: &mut Mode<'_>) {
        vectorized(
            #[inline(always)]
            || {
                for (z, y) in z.chunks_exact(inputs).zip(y.chunks_exact_mut(2 * inputs)) {
                    let (sines, cosines) = y.split_at_mut(inputs);
                    for ((&x, sine), cosine) in z.iter().zip(sines).zip(cosines) {
                        (*sine, *cosine) = x.sin_cos();
                    }
                }
            },
        );
    }

    fn backward(&self, _: &[T], inputs: usize, saved: Saved<'_, T>, dy: &[T], gradients: Gradients<'_, T>) {
        vectorized(
            #[inline(always)]
            || {
                let rows = saved.y.chunks_exact(2 * inputs).zip(dy.chunks_exact(2 * inputs));
                for ((y, dy), dz) in rows.zip(gradients.dz.chunks_exact_mut(inputs)) {
                    let ((sines, cosines), (by_sine, by_cosine)) = (y.split_at(inputs), dy.split_at(inputs));
                    for ((((dz, &sine), &cosine), &a), &b) in
                        dz.iter_mut().zip(sines).zip(cosines).zip(by_sine).zip(by_cosine)
                    {
                        *dz = a * cosine - b * sine;
                    }
                }
            },
        );
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    Activation { kernel: Arc::new(Fourier), expansion: 2, coefficients: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two units: the sines of both, then the cosines of both.
    #[test]
    fn a_row_is_all_sines_and_then_all_cosines() {
        let (mut y, mut extra) = ([0.0f64; 4], Vec::new());
        Fourier.forward(&[], 2, &[1.0, -2.5], &mut y, &mut extra, &mut Mode::Evaluate);
        let known = [
            0.841_470_984_807_896_5,
            -0.598_472_144_103_956_5,
            0.540_302_305_868_139_8,
            -0.801_143_615_546_933_7,
        ];
        assert!(y.iter().zip(known).all(|(y, known)| (y - known).abs() < 1e-15), "{y:?}");
    }
}

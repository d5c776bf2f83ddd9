//! selu(x) = λ·elu(x; α) with the λ and α for which zero mean and unit variance are a fixed point of a layer
//! (Klambauer et al. 2017, arXiv 1706.02515; `torch.nn.SELU`).

use super::{Activation, elu, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "selu",
    summary: "1.0507·x for x > 0, 1.7581·(exp(x) - 1) elsewhere: keeps zero mean and unit variance",
    source: "Klambauer et al. 2017, arXiv 1706.02515",
    parameters: &[],
};

const LAMBDA: f64 = 1.050_700_987_355_480_5;
const ALPHA: f64 = 1.673_263_242_354_377_2;

#[derive(Clone, Copy)]
struct Selu;

impl Scalar for Selu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let negative = T::of(LAMBDA * ALPHA) * elu::exp_m1(x);
        if x > T::ZERO { T::of(LAMBDA) * x } else { negative }
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let negative = T::of(LAMBDA * ALPHA) * x.exp();
        if x > T::ZERO { T::of(LAMBDA) } else { negative }
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Selu)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// λα(e⁻¹ - 1), and the fixed point itself: mean 0 and second moment 1 over a standard normal.
    #[test]
    fn known_values_and_the_fixed_point() {
        assert!((Selu.value(-1.0f64) - -1.111_330_737_812_562_6).abs() < 1e-14);
        assert!((Selu.value(2.0f64) - 2.0 * LAMBDA).abs() < 1e-15);
        let (mut mean, mut square) = (0.0, 0.0);
        for i in -10_000..=10_000 {
            let x = f64::from(i) * 1e-3;
            let weight = 1e-3 * libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
            let y = Selu.value(x);
            (mean, square) = (mean + weight * y, square + weight * y * y);
        }
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-6, "{mean} {square}");
    }
}

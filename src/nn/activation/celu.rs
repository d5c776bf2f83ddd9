//! celu(x) = x for x > 0, α(exp(x/α) - 1) elsewhere: an elu with slope 1 on both sides of 0 (Barron 2017,
//! arXiv 1704.07483; `torch.nn.CELU`).

use super::{Activation, elu, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "celu",
    summary: "x for x > 0, alpha·(exp(x/alpha) - 1) elsewhere",
    source: "Barron 2017, arXiv 1704.07483",
    parameters: &[Parameter {
        name: "alpha",
        summary: "minus the limit on the negative side",
        kind: Kind::Number { default: Some(1.0), min: 1e-3, max: 100.0 },
    }],
};

#[derive(Clone, Copy)]
struct Celu {
    alpha: f64,
}

impl Scalar for Celu {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let negative = T::of(self.alpha) * elu::exp_m1(x * T::of(1.0 / self.alpha));
        if x > T::ZERO { x } else { negative }
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let negative = (x * T::of(1.0 / self.alpha)).exp();
        if x > T::ZERO { T::ONE } else { negative }
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    pointwise(Celu { alpha: choice.number("alpha") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2(e^(-1.5/2) - 1) and e^(-1.5/2).
    #[test]
    fn known_values() {
        let celu = Celu { alpha: 2.0 };
        assert!((celu.value(-1.5f64) - -1.055_266_894_517_970_6).abs() < 1e-14);
        assert!((celu.derivative(-1.5f64, 0.0) - 0.472_366_552_741_014_7).abs() < 1e-14);
        assert_eq!((celu.value(1.5f32), celu.derivative(1.5f32, 0.0)), (1.5, 1.0));
        assert!(celu.value(f32::NAN).is_nan());
    }
}

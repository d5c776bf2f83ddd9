//! softplus(x) = ln(1 + exp(βx))/β, a smooth relu (Dugas et al. 2001; `torch.nn.Softplus`).

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "softplus",
    summary: "ln(1 + exp(beta·x))/beta",
    source: "Dugas et al. 2001",
    parameters: &[Parameter {
        name: "beta",
        summary: "sharpness of the bend at 0",
        kind: Kind::Number { default: Some(1.0), min: 1e-3, max: 1e3 },
    }],
};

#[derive(Clone, Copy)]
struct Softplus {
    beta: f64,
}

impl Scalar for Softplus {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        // max(x, 0) + ln(1 + e^-|βx|)/β: nothing overflows.
        let bend = (-(x * T::of(self.beta)).abs()).exp().ln_1p() * T::of(1.0 / self.beta);
        (if x < T::ZERO { T::ZERO } else { x }) + bend
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        (x * T::of(self.beta)).sigmoid()
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    pointwise(Softplus { beta: choice.number("beta") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let softplus = Softplus { beta: 2.0 };
        for (x, y) in [
            (0.0f64, 0.346_573_590_279_972_64),
            (1.5, 1.524_293_675_786_871),
            (-3.0, 0.001_237_842_568_865_224_7),
        ] {
            let ours = softplus.value(x);
            assert!((ours - y).abs() < 1e-14, "{x}: {ours}");
        }
        assert_eq!(softplus.value(1e30f32), 1e30);
        assert!(softplus.value(f32::NAN).is_nan());
    }
}

//! mish(x) = x·tanh(ln(1 + eˣ)) (Misra 2020, arXiv 1908.08681; `torch.nn.Mish`).
//!
//! With e = eˣ and n = e(e + 2), tanh(ln(1 + e)) = n/(n + 2): one exponential. From x = 20 on it is 1 to the
//! last place, so x is cut there and e² does not overflow.

use super::{Activation, pointwise};
use crate::kernels::real::Real;
use crate::kernels::scalar::Scalar;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "mish",
    summary: "x·tanh(ln(1 + exp(x)))",
    source: "Misra 2020, arXiv 1908.08681",
    parameters: &[],
};

#[derive(Clone, Copy)]
struct Mish;

/// x, cut off where tanh(ln(1 + eˣ)) rounds to 1.
#[inline(always)]
fn cut<T: Real>(x: T) -> T {
    let most = T::of(20.0);
    if x > most { most } else { x }
}

impl Scalar for Mish {
    #[inline(always)]
    fn value<T: Real>(self, x: T) -> T {
        let e = cut(x).exp();
        let n = e * (e + T::of(2.0));
        x * (n / (n + T::of(2.0)))
    }
    #[inline(always)]
    fn derivative<T: Real>(self, x: T, _: T) -> T {
        let x = cut(x);
        let e = x.exp();
        let n = e * (e + T::of(2.0));
        let m = n + T::of(2.0);
        // 1 - (n/m)² = 4(n + 1)/m², and d(ln(1 + eˣ))/dx = e/(1 + e).
        let flatter = T::of(4.0) * (n + T::ONE) / (m * m);
        n / m + x * flatter * (e / (T::ONE + e))
    }
}

/// Builds it.
pub fn build(_: &Choice, _: usize) -> Activation {
    pointwise(Mish)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (x, y) in [(1.0f64, 0.865_098_388_267_310_3), (-2.0, -0.252_501_482_695_708_9), (0.0, 0.0)] {
            let ours = Mish.value(x);
            assert!((ours - y).abs() < 1e-14, "{x}: {ours}");
        }
        assert_eq!((Mish.value(1e30f32), Mish.derivative(1e30f32, 0.0)), (1e30, 1.0));
        assert!(Mish.value(-1e30f32).abs() < 1e-6);
        assert!(Mish.value(f32::NAN).is_nan());
    }
}

//! A tanh that the compiler can vectorise in both float types. The one of `kernels::functions` is for f32
//! alone; here f64 has to draw the same curve.

use crate::kernels::real::Real;

/// Doublings between the polynomial's argument and expm1's.
const DOUBLINGS: usize = 6;

/// 1/k!
const INVERSE_FACTORIALS: [f64; 17] = {
    let mut table = [1.0; 17];
    let mut k = 1;
    while k < 17 {
        table[k] = table[k - 1] / k as f64;
        k += 1;
    }
    table
};

/// Σ uᵏ⁻¹/k! for k from 1 to TERMS: (exp(u) - 1)/u.
#[inline(always)]
fn taylor<T: Real, const TERMS: usize>(u: T) -> T {
    let mut sum = T::of(INVERSE_FACTORIALS[TERMS]);
    for k in (1..TERMS).rev() {
        sum = sum.mul_add(u, T::of(INVERSE_FACTORIALS[k]));
    }
    sum
}

/// tanh(x) to a few units in the last place, |tanh x| ≤ 1, NaN for NaN.
///
/// With e = exp(-2|x|) - 1, tanh|x| = -e/(2 + e). e comes from the Taylor polynomial at 1/64 of its
/// argument and six doublings exp(2u) - 1 = e(e + 2), which cancel nowhere. All is arithmetic: no bits
/// are taken apart, no branch is taken.
#[inline(always)]
pub fn tanh<T: Real>(x: T) -> T {
    let wide = size_of::<T>() == 8;
    // Beyond these tanh rounds to 1; a plain `min` would turn NaN into 1.
    let saturated = if wide { 20.0 } else { 10.0 };
    let magnitude = x.abs();
    let magnitude = if magnitude > T::of(saturated) { T::of(saturated) } else { magnitude };
    let u = magnitude * T::of(-2.0 / f64::from(1 << DOUBLINGS));
    let mut e = u * if wide { taylor::<T, 16>(u) } else { taylor::<T, 8>(u) };
    for _ in 0..DOUBLINGS {
        e = e.mul_add(e, e + e);
    }
    let t = -e / (T::of(2.0) + e);
    if x < T::ZERO { -t } else { t }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_libm_and_keeps_to_one() {
        let mut worst = (0.0f64, 0.0f64);
        for i in -400_000..=400_000 {
            let x = f64::from(i) * 1e-4 + 1e-9;
            let y = tanh(x);
            assert!(y.abs() <= 1.0);
            worst.0 = worst.0.max((y / libm::tanh(x) - 1.0).abs());
            let single = x as f32;
            let y = tanh(single);
            assert!(y.abs() <= 1.0);
            worst.1 = worst.1.max((f64::from(y) / libm::tanh(f64::from(single)) - 1.0).abs());
        }
        assert!(worst.0 < 2e-15 && worst.1 < 1e-6, "{worst:?}");
        assert!(tanh(f32::NAN).is_nan() && tanh(f32::INFINITY) == 1.0 && tanh(-f64::INFINITY) == -1.0);
        assert_eq!(tanh(0.0f32), 0.0);
    }
}

//! exp, tanh, the normal distribution function, ln(1 + x), sin and cos in f32, without branches, so that a loop
//! over them is vectorised.
//!
//! The standard library's functions are calls that no compiler can vectorise: with them, one GELU
//! layer costs twice the rest of a training step, and a comparison of activations becomes one of
//! function calls. The polynomials are Chebyshev fits computed in 30-digit arithmetic, the quotient of two is
//! a minimax fit; the tests hold them to a few units in the last place of `libm`'s f64 functions.

/// Horner's rule over coefficients in rising order.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for k in (0..N - 1).rev() {
        sum = sum.mul_add(x, coefficients[k]);
    }
    sum
}

/// eˣ for x in [-87, 88]; outside, the value at the nearer end. NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts so that r keeps its last bits.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding 1.5·2²³ rounds to an integer and leaves it in the low bits: no float-to-integer cast,
    // which saturates in Rust and costs a fix-up per lane.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    let series =
        polynomial(r, [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0]);
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    // NaN: the exponent is noise then, but the series is NaN and so is the product.
    series * f32::from_bits(exponent)
}

/// tanh x.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    // Near 0 the quotient below loses digits: x + x³·P(x²) there.
    let p = polynomial(
        square,
        [-0.333_333_34, 0.133_332_97, -0.053_957_775, 0.021_756_927, -0.008_305_1, 0.002_249_316_5],
    );
    let near = (p * square).mul_add(x, x);
    let far = (1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0)).copysign(x);
    if magnitude < 0.62 { near } else { far }
}

/// The normal distribution function Φ(x) and exp(-x²/2); both tails of Φ keep their leading digits. Beyond
/// |x| = 12 Φ is 0 or 1 and the other 0.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    const END: f32 = 12.0;
    let magnitude = x.abs();
    // Φ(-|x|) = exp(-x²/2)·P(|x|)/Q(|x|). `min` drops a NaN, which the other factor keeps.
    let t = magnitude.min(END);
    let p = polynomial(t, [0.5, 0.437_250_9, 0.182_461_83, 0.040_372_56, 0.004_077_612]);
    let q = polynomial(t, [1.0, 1.672_386_7, 1.199_290_7, 0.467_429_1, 0.101_205_81, 0.010_220_929]);
    let density = exp(-0.5 * x * x);
    let density = if magnitude > END { 0.0 } else { density };
    let tail = density * p / q;
    (if x > 0.0 { 1.0 - tail } else { tail }, density)
}

/// e and ln m of y = m·2ᵉ with √½ < m ≤ √2.
#[inline(always)]
fn split_ln(y: f32) -> (f32, f32) {
    // ln m = 2 artanh((m - 1)/(m + 1))
    let bits = y.to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    let halve = mantissa > std::f32::consts::SQRT_2;
    let m = if halve { 0.5 * mantissa } else { mantissa };
    let e = exponent as f32 + if halve { 1.0 } else { 0.0 };
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    (e, 2.0 * s * polynomial(s2, [1.0, 1.0 / 3.0, 0.2, 1.0 / 7.0, 1.0 / 9.0]))
}

/// ln x for normal numbers x > 0.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let (e, log) = split_ln(x);
    e.mul_add(std::f32::consts::LN_2, log)
}

/// ln(1 + x) for x ≥ 0.
#[inline(always)]
pub fn ln_1p(x: f32) -> f32 {
    let y = 1.0 + x;
    let lost = x - (y - 1.0); // what rounding 1 + x dropped
    let (e, log) = split_ln(y);
    let sum = e.mul_add(std::f32::consts::LN_2, log) + lost / y;
    if x.is_nan() { x } else { sum }
}

/// sin x and cos x. Beyond |x| = 1e9, where neighbouring f32 are many turns apart, the values are any between
/// about -1 and 1.
#[inline(always)]
pub fn sin_cos(x: f32) -> (f32, f32) {
    // x = n·π/2 + r with |r| ≤ π/4, in f64, whose π/2 is good for n up to 1e9.
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5·2⁵², as in `exp`
    let wide = f64::from(x);
    let shifted = wide.mul_add(std::f64::consts::FRAC_2_PI, ROUND);
    let r = (shifted - ROUND).mul_add(-std::f64::consts::FRAC_PI_2, wide).clamp(-0.8, 0.8) as f32;
    let quarter = shifted.to_bits() as u32;
    turned(r, quarter)
}

/// sin α and cos α of α = 2π·turn/2³².
#[inline(always)]
pub fn sin_cos_of_turn(turn: u32) -> (f32, f32) {
    // Quarter turns are the two highest bits, rounded; what is left is at most half of one.
    const STEP: f32 = std::f32::consts::FRAC_PI_2 / (1u32 << 30) as f32;
    let quarter = turn.wrapping_add(1 << 29) >> 30;
    turned((turn.wrapping_sub(quarter << 30) as i32) as f32 * STEP, quarter)
}

/// sin and cos of r + quarter·π/2 for |r| ≤ π/4.
#[inline(always)]
fn turned(r: f32, quarter: u32) -> (f32, f32) {
    let square = r * r;
    let odd = polynomial(square, [-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0]);
    let odd = (odd * square).mul_add(r, r);
    let even = polynomial(square, [1.0, -0.5, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0]);
    let turned = quarter & 1 == 1;
    let (sine, cosine) = if turned { (even, odd) } else { (odd, even) };
    // The sign of the sine is that of the half turn; the cosine is a quarter turn ahead.
    let sign = |value: f32, quarter: u32| f32::from_bits(value.to_bits() ^ ((quarter & 2) << 30));
    (sign(sine, quarter), sign(cosine, quarter.wrapping_add(1)))
}

#[cfg(test)]
mod tests {
    fn worst(low: f32, high: f32, ours: fn(f32) -> f32, exact: fn(f64) -> f64, floor: f64) -> f64 {
        (0..=200_000)
            .map(|i| low + (high - low) * i as f32 / 200_000.0)
            .map(|x| {
                let truth = exact(f64::from(x));
                (f64::from(ours(x)) - truth).abs() / truth.abs().max(floor)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn functions_agree_with_libm() {
        assert!(worst(-86.9, 87.9, super::exp, libm::exp, 0.0) < 2e-7);
        assert!(worst(-10.0, 10.0, super::tanh, libm::tanh, 0.0) < 3e-7);
        assert!(worst(-1e-3, 1e-3, super::tanh, libm::tanh, 1e-30) < 2e-7);
        let below = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
        assert!(worst(-1.0, 12.0, |x| super::normal(x).0, below, 0.0) < 5e-7);
        // Here the rounding of x² is felt.
        assert!(worst(-5.0, -1.0, |x| super::normal(x).0, below, 0.0) < 1.5e-6);
        assert!(worst(-12.0, -5.0, |x| super::normal(x).0, below, 0.0) < 6e-6);
        assert!(worst(-5.0, 5.0, |x| super::normal(x).1, |x| (-0.5 * x * x).exp(), 0.0) < 1.5e-6);
        assert!(worst(0.0, 1e-3, super::ln_1p, libm::log1p, 1e-30) < 4e-7);
        assert!(worst(0.0, 500.0, super::ln_1p, libm::log1p, 1e-30) < 4e-7);
        assert!(worst(2f32.powi(-32), 1.0, super::ln, libm::log, 1e-3) < 4e-7);
        assert!(worst(1e-30, 1e-20, super::ln, libm::log, 1e-30) < 4e-7);
    }

    /// To half a unit in the last place of 1, also after many turns.
    #[test]
    fn sine_and_cosine_agree_with_libm() {
        for (low, high) in [(-10.0, 10.0), (-1e-3, 1e-3), (5e3, 6e3), (-1e6, -9e5)] {
            assert!(worst(low, high, |x| super::sin_cos(x).0, libm::sin, 1.0) < 1.2e-7, "{low}");
            assert!(worst(low, high, |x| super::sin_cos(x).1, libm::cos, 1.0) < 1.2e-7, "{low}");
        }
        assert!(worst(-1e-3, 1e-3, |x| super::sin_cos(x).0, libm::sin, 1e-30) < 2e-7);
        for turn in (0..=u32::MAX).step_by(40_009).chain([1 << 29, 1 << 30, 3 << 29, 1 << 31, u32::MAX]) {
            let angle = std::f64::consts::TAU * f64::from(turn) / 2f64.powi(32);
            let (sine, cosine) = super::sin_cos_of_turn(turn);
            assert!((f64::from(sine) - angle.sin()).abs() < 1.2e-7, "{turn}: {sine}");
            assert!((f64::from(cosine) - angle.cos()).abs() < 1.2e-7, "{turn}: {cosine}");
        }
        for x in [f32::NAN, f32::INFINITY] {
            assert!(super::sin_cos(x).0.is_nan() && super::sin_cos(x).1.is_nan());
        }
        assert!(super::sin_cos(3e38).0.abs() < 1.1);
    }

    #[test]
    fn not_a_number_stays_so_and_the_ends_are_finite() {
        let (distribution, density) = (|x| super::normal(x).0, |x| super::normal(x).1);
        for function in [super::exp, super::tanh, distribution, density, super::ln_1p] {
            assert!(function(f32::NAN).is_nan());
        }
        assert!(super::exp(1e30).is_finite() && super::exp(-1e30) > 0.0);
        assert_eq!((super::tanh(1e30), super::tanh(-1e30)), (1.0, -1.0));
        assert_eq!((super::normal(1e30), super::normal(-1e30)), ((1.0, 0.0), (0.0, 0.0)));
        assert_eq!(super::normal(0.0), (0.5, 1.0));
    }
}

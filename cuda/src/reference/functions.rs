//! exp, tanh, erf, ln(1 + x), ln, sin and cos as kernels/functions.h has them.

#![allow(clippy::excessive_precision, reason = "as they stand there")]

fn polynomial(x: f32, falling: &[f32]) -> f32 {
    falling[1..].iter().fold(falling[0], |sum, &c| sum.mul_add(x, c))
}

pub fn flushed(x: f32, least: f32) -> f32 {
    if x.abs() < least { 0.0 } else { x }
}

pub fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let bounded = x.clamp(-87.0, 88.0);
    let shifted = bounded.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, bounded));
    let inverses = [5040.0f32, 720.0, 120.0, 24.0, 6.0].map(|factorial| 1.0 / factorial);
    let series = polynomial(r, &[&inverses[..], &[0.5, 1.0, 1.0]].concat());
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    series * f32::from_bits(exponent)
}

pub fn tanh(x: f32) -> f32 {
    let (magnitude, square) = (x.abs(), x * x);
    let falling = [0.002_249_316_5, -0.008_305_1, 0.021_756_927, -0.053_957_775, 0.133_332_97, -0.333_333_34];
    let near = (polynomial(square, &falling) * square).mul_add(x, x);
    let far = (1.0 - 2.0 / (exp(2.0 * magnitude) + 1.0)).copysign(x);
    if magnitude < 0.62 { near } else { far }
}

pub fn erf(x: f32) -> f32 {
    let (magnitude, square) = (x.abs(), x * x);
    let falling = [
        -9.673_59e-6,
        1.126_825_4e-4,
        -8.484_396_4e-4,
        0.005_221_053_5,
        -0.026_865_438,
        0.112_837_83,
        -0.376_126_38,
        0.128_379_17,
    ];
    let near = polynomial(square, &falling).mul_add(x, x);
    let t = if magnitude < 4.2 { magnitude } else { 4.2 };
    let falling = [
        1.535_056_1e-6,
        -4.405_720_8e-5,
        5.801_135e-4,
        -0.004_682_335,
        0.026_204_586,
        -0.109_704_49,
        -0.632_219_1,
        -1.130_007,
        2.651_009e-4,
    ];
    let far = (1.0 - exp(polynomial(t, &falling))).copysign(x);
    if magnitude > 0.97 { far } else { near }
}

/// ln x for normal numbers x > 0.
pub fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    let halve = mantissa > std::f32::consts::SQRT_2;
    let m = if halve { 0.5 * mantissa } else { mantissa };
    let e = ((bits >> 23) as i32 - 127) as f32 + if halve { 1.0 } else { 0.0 };
    let s = (m - 1.0) / (m + 1.0);
    let p = polynomial(s * s, &[1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0]);
    e.mul_add(std::f32::consts::LN_2, 2.0 * s * p)
}

pub fn ln_1p(x: f32) -> f32 {
    let y = 1.0 + x;
    let lost = x - (y - 1.0);
    if x.is_nan() { x } else { ln(y) + lost / y }
}

/// sin α and cos α of α = 2π·turn/2³².
pub fn sin_cos_of_turn(turn: u32) -> (f32, f32) {
    let quarter = turn.wrapping_add(1 << 29) >> 30;
    let r =
        turn.wrapping_sub(quarter << 30) as i32 as f32 * (std::f32::consts::FRAC_PI_2 / (1u32 << 30) as f32);
    let square = r * r;
    let odd = polynomial(square, &[1.0 / 362_880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0]);
    let odd = (odd * square).mul_add(r, r);
    let falling = [-1.0 / 3_628_800.0, 1.0 / 40_320.0, -1.0 / 720.0, 1.0 / 24.0, -0.5, 1.0];
    let even = polynomial(square, &falling);
    match quarter & 3 {
        0 => (odd, even),
        1 => (even, -odd),
        2 => (-odd, -even),
        _ => (-even, odd),
    }
}

/// ln x for a finite x ≥ 1.
pub fn wide_ln(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    let bits = x.to_bits();
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let halve = mantissa > std::f64::consts::SQRT_2;
    let m = if halve { 0.5 * mantissa } else { mantissa };
    let e = f64::from((bits >> 52) as i32 - 1023) + if halve { 1.0 } else { 0.0 };
    let s = (m - 1.0) / (m + 1.0);
    let p = (1..11)
        .rev()
        .map(|k| 1.0 / f64::from(2 * k - 1))
        .fold(1.0 / 21.0, |sum: f64, c| sum.mul_add(s * s, c));
    e.mul_add(std::f64::consts::LN_2, 2.0 * s * p)
}

pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

pub fn exp_m1(x: f32) -> f32 {
    tanh(x * 0.5) * (exp(x) + 1.0)
}

#[cfg(test)]
mod tests {
    /// To a few units in the last place of the standard library's.
    #[test]
    fn functions_are_what_they_are_called() {
        for i in -20_000..=20_000 {
            let x = i as f32 * 1e-3;
            let wide = f64::from(x);
            let near = |ours: f32, exact: f64| (f64::from(ours) - exact).abs() <= 5e-7 * exact.abs();
            assert!(near(super::exp(x), wide.exp()) && near(super::tanh(x), wide.tanh()), "{x}");
            assert!(x < 0.0 || near(super::ln_1p(x), wide.ln_1p()), "{x}");
            assert!(x <= 0.0 || near(super::ln(x), wide.ln()) || (x - 1.0).abs() < 0.1, "{x}");
            let turn = (i as u32).wrapping_mul(107_374);
            let (sine, cosine) = super::sin_cos_of_turn(turn);
            let (exact, beside) = (std::f64::consts::TAU * f64::from(turn) / 2f64.powi(32)).sin_cos();
            assert!(
                (f64::from(sine) - exact).abs() < 2e-7 && (f64::from(cosine) - beside).abs() < 2e-7,
                "{turn}"
            );
            let x = 1.0 + (wide + 20.0) * 30.0;
            assert!((super::wide_ln(x) - x.ln()).abs() <= 1e-15 * x.ln().max(1.0), "{x}");
        }
        // Abramowitz & Stegun, table 7.1.
        for (x, exact) in [(0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0)] {
            assert!((f64::from(super::erf(x)) - exact).abs() < 3e-7);
        }
    }
}

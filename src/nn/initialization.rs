//! Start values of linear layers (and of convolutions, whose fan counts the filter's area).
//!
//! - `pytorch`: the default of `torch.nn.Linear`, uniform on ±1/√n for weight and bias, n the number of
//!   inputs. It is what `kaiming_uniform_` with a = √5 comes to, so relu's gain is *not* in it.
//! - `xavier`: uniform on ±√(6/(n + m)), m the number of outputs (Glorot & Bengio 2010); biases at 0.
//! - `kaiming`: uniform on ±√(6/n), relu's gain (He et al. 2015); biases at 0.

use crate::random::Stream;

/// Names of the schemes, the default first.
pub const SCHEMES: &[&str] = &["pytorch", "xavier", "kaiming"];

/// Weight (`fan_out` × `fan_in`) and bias (`fan_out`) by the named scheme.
///
/// Drawn in f64 and rounded to f32: a value can lie outside the bound by half of an f32's last place.
///
/// # Panics
/// If the scheme is not one of [`SCHEMES`]: the spec's check lets no other through.
#[must_use]
pub fn linear(scheme: &str, fan_in: usize, fan_out: usize, stream: &mut Stream) -> (Vec<f64>, Vec<f64>) {
    conv(scheme, (fan_in, fan_out), 1, true, stream)
}

/// Filters (outputs × channels × area) and bias (outputs; empty where none is wanted) by the named
/// scheme, as [`linear`]'s: a fan counts channels times area.
///
/// # Panics
/// If the scheme is not one of [`SCHEMES`].
#[must_use]
pub fn conv(
    scheme: &str,
    (channels, outputs): (usize, usize),
    area: usize,
    biased: bool,
    stream: &mut Stream,
) -> (Vec<f64>, Vec<f64>) {
    let (fan_in, fan_out) = ((channels * area) as f64, (outputs * area) as f64);
    let (bound, bias_bound) = match scheme {
        "pytorch" => (1.0 / fan_in.sqrt(), 1.0 / fan_in.sqrt()),
        "xavier" => ((6.0 / (fan_in + fan_out)).sqrt(), 0.0),
        "kaiming" => ((6.0 / fan_in).sqrt(), 0.0),
        other => panic!("no initialisation is named {other}"),
    };
    let mut draw = |n: usize, bound: f64| -> Vec<f64> {
        (0..n).map(|_| f64::from(stream.uniform(-bound, bound) as f32)).collect()
    };
    let weight = draw(channels * outputs * area, bound);
    let bias = draw(if biased { outputs } else { 0 }, bias_bound);
    (weight, bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform on ±bound: variance bound²/3, nothing outside.
    #[test]
    fn schemes_have_their_bounds_and_variances() {
        for (scheme, bound) in [
            ("pytorch", (1.0f64 / 784.0).sqrt()),
            ("xavier", (6.0f64 / 884.0).sqrt()),
            ("kaiming", (6.0f64 / 784.0).sqrt()),
        ] {
            let (weight, bias) = linear(scheme, 784, 100, &mut Stream::new(0, "init", 0));
            let variance = weight.iter().map(|w| w * w).sum::<f64>() / weight.len() as f64;
            assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.02, "{scheme}: {variance}");
            assert!(weight.iter().all(|w| w.abs() <= bound * 1.000_001));
            assert_eq!(bias.iter().all(|&b| b == 0.0), scheme != "pytorch");
        }
    }
}

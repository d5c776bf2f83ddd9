//! Start values of linear layers (and of convolutions, whose fan counts the filter's area).
//!
//! - `pytorch`: the default of `torch.nn.Linear`, uniform on ±1/√n for weight and bias, n the number of
//!   inputs. It is what `kaiming_uniform_` with a = √5 comes to, so relu's gain is *not* in it.
//! - `xavier`: uniform on ±gain·√(6/(n + m)), m the number of outputs (Glorot & Bengio 2010); biases at 0.
//!   The gain is 1 unless set.
//! - `kaiming`: uniform on ±√(6/n), relu's gain (He et al. 2015); biases at 0.
//! - `orthogonal`: gain times a matrix with orthonormal rows or columns (Saxe et al. 2014, as
//!   `torch.nn.init.orthogonal_`); biases at 0. The gain is √2 in hidden layers and 1 at the head unless
//!   set, as agents of policy-gradient methods start (Huang et al. 2022, `CleanRL`).

use super::orthogonal::orthogonal;
use crate::random::Stream;
use crate::spec::{Choice, Kind, Parameter as Setting};

/// Names of the schemes, the default first.
pub const SCHEMES: &[&str] = &["pytorch", "xavier", "kaiming", "orthogonal"];

/// Setting `initialization` of a network.
pub const SCHEME: Setting = Setting {
    name: "initialization",
    summary: "start values of weights and biases",
    kind: Kind::Text { default: Some("pytorch"), one_of: SCHEMES },
};
/// Setting `gain` of a network.
pub const GAIN: Setting = Setting {
    name: "gain",
    summary: "factor on the start of hidden layers, for orthogonal (1.414… if absent) and xavier (1)",
    kind: Kind::Number { default: None, min: 0.0, max: 1e3 },
};
/// Setting `head_gain` of a network.
pub const HEAD_GAIN: Setting = Setting {
    name: "head_gain",
    summary: "factor on the start of the last layer, for orthogonal and xavier; 1 if absent",
    kind: Kind::Number { default: None, min: 0.0, max: 1e3 },
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Scheme {
    Pytorch,
    Xavier,
    Kaiming,
    Orthogonal,
}

/// How a network's layers start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initialization {
    scheme: Scheme,
    gain: f64,
    head_gain: f64,
}

impl Initialization {
    /// `PyTorch`'s default of every layer.
    pub const PYTORCH: Self = Self { scheme: Scheme::Pytorch, gain: 1.0, head_gain: 1.0 };

    /// What a network's settings say; the error is a sentence.
    ///
    /// # Panics
    /// If the scheme is not one of [`SCHEMES`]: the spec's check lets no other through.
    pub fn of(network: &Choice) -> Result<Self, String> {
        let scheme = match network.text(SCHEME.name) {
            "pytorch" => Scheme::Pytorch,
            "xavier" => Scheme::Xavier,
            "kaiming" => Scheme::Kaiming,
            "orthogonal" => Scheme::Orthogonal,
            other => panic!("no initialisation is named {other}"),
        };
        let gains = [GAIN.name, HEAD_GAIN.name].map(|name| (name, network.optional_number(name)));
        if matches!(scheme, Scheme::Pytorch | Scheme::Kaiming)
            && let Some((name, _)) = gains.iter().find(|(_, gain)| gain.is_some())
        {
            return Err(format!(
                "network.{name} is set, but initialization is \"{}\", which has no gain: remove {name}, or set \
                 initialization = \"orthogonal\" or \"xavier\"",
                network.text(SCHEME.name)
            ));
        }
        let usual = if scheme == Scheme::Orthogonal { std::f64::consts::SQRT_2 } else { 1.0 };
        let [(_, gain), (_, head_gain)] = gains;
        Ok(Self { scheme, gain: gain.unwrap_or(usual), head_gain: head_gain.unwrap_or(1.0) })
    }

    /// The same for the last layer.
    #[must_use]
    pub fn of_head(self) -> Self {
        Self { gain: self.head_gain, ..self }
    }

    /// Weight (`fan_out` × `fan_in`) and bias (`fan_out`) of a linear layer.
    ///
    /// Drawn in f64 and rounded to f32: a value can lie outside the bound by half of an f32's last place.
    #[must_use]
    pub fn linear(self, fan_in: usize, fan_out: usize, stream: &mut Stream) -> (Vec<f64>, Vec<f64>) {
        self.conv((fan_in, fan_out), 1, true, stream)
    }

    /// Filters (outputs × channels × area) and bias (outputs; empty where none is wanted), as
    /// [`Initialization::linear`]'s: a fan counts channels times area.
    #[must_use]
    pub fn conv(
        self,
        (channels, outputs): (usize, usize),
        area: usize,
        biased: bool,
        stream: &mut Stream,
    ) -> (Vec<f64>, Vec<f64>) {
        let (fan_in, fan_out) = ((channels * area) as f64, (outputs * area) as f64);
        let (bound, bias_bound) = match self.scheme {
            Scheme::Pytorch => (1.0 / fan_in.sqrt(), 1.0 / fan_in.sqrt()),
            Scheme::Xavier => (self.gain * (6.0 / (fan_in + fan_out)).sqrt(), 0.0),
            Scheme::Kaiming => ((6.0 / fan_in).sqrt(), 0.0),
            Scheme::Orthogonal => {
                let matrix = orthogonal(outputs, channels * area, stream);
                let weight = matrix.into_iter().map(|w| f64::from((self.gain * w) as f32)).collect();
                return (weight, vec![0.0; if biased { outputs } else { 0 }]);
            }
        };
        let mut draw = |n: usize, bound: f64| -> Vec<f64> {
            (0..n).map(|_| f64::from(stream.uniform(-bound, bound) as f32)).collect()
        };
        let weight = draw(channels * outputs * area, bound);
        let bias = draw(if biased { outputs } else { 0 }, bias_bound);
        (weight, bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Value;

    fn choice(settings: &[(&str, Value)]) -> Choice {
        let parameters = settings.iter().map(|(key, value)| ((*key).to_string(), value.clone()));
        Choice { name: "mlp".into(), parameters: parameters.collect() }
    }

    fn scheme(name: &str) -> (&'static str, Value) {
        ("initialization", Value::Text(name.into()))
    }

    /// Uniform on ±bound: variance bound²/3, nothing outside.
    #[test]
    fn schemes_have_their_bounds_and_variances() {
        for (name, bound) in [
            ("pytorch", (1.0f64 / 784.0).sqrt()),
            ("xavier", (6.0f64 / 884.0).sqrt()),
            ("kaiming", (6.0f64 / 784.0).sqrt()),
        ] {
            let start = Initialization::of(&choice(&[scheme(name)])).unwrap();
            let (weight, bias) = start.linear(784, 100, &mut Stream::new(0, "init", 0));
            let variance = weight.iter().map(|w| w * w).sum::<f64>() / weight.len() as f64;
            assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.02, "{name}: {variance}");
            assert!(weight.iter().all(|w| w.abs() <= bound * 1.000_001));
            assert_eq!(bias.iter().all(|&b| b == 0.0), name != "pytorch");
        }
    }

    #[test]
    fn gains_scale_hidden_layers_and_head_apart() {
        let start = |settings: &[(&str, Value)]| Initialization::of(&choice(settings)).unwrap();
        let norm = |start: Initialization| -> f64 {
            let (weight, bias) = start.linear(6, 4, &mut Stream::new(0, "init", 0));
            assert!(bias.iter().all(|&b| b == 0.0));
            weight.iter().map(|w| w * w).sum::<f64>()
        };
        // Four orthonormal rows, each times the gain.
        let usual = start(&[scheme("orthogonal")]);
        assert!((norm(usual) - 8.0).abs() < 1e-5 && (norm(usual.of_head()) - 4.0).abs() < 1e-5);
        let set = [scheme("orthogonal"), ("gain", Value::Number(3.0)), ("head_gain", Value::Number(0.01))];
        let set = start(&set);
        assert!((norm(set) - 36.0).abs() < 1e-4 && (norm(set.of_head()) - 4e-4).abs() < 1e-9);
        let (plain, doubled) =
            (start(&[scheme("xavier")]), start(&[scheme("xavier"), ("gain", Value::Number(2.0))]));
        assert!((norm(doubled) / norm(plain) - 4.0).abs() < 1e-6);
    }

    #[test]
    fn a_gain_without_a_scheme_that_has_one_is_refused() {
        let refused = Initialization::of(&choice(&[scheme("kaiming"), ("gain", Value::Number(1.0))]));
        assert!(refused.unwrap_err().contains("remove gain"));
    }
}

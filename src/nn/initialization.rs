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
//! - `variance-preserving`: uniform with the variance 1/(n·E φ(z)²), z ~ N(0, 1), φ the activation behind which the
//!   layer stands as it starts, so that pre-activations keep their variance from layer to layer (KAT, Yang & Wang
//!   2024, arXiv 2409.10594); 1/n for a layer that reads the inputs. Biases at 0. No gain can be set.
//! - `normal`, of transformers: N(0, 0.02²), biases at 0 (Radford et al. 2019; Touvron et al. 2021, arXiv
//!   2012.12877).

use super::orthogonal::orthogonal;
use crate::random::Stream;
use crate::spec::{Choice, Kind, Parameter as Setting};

/// Names of the schemes, the default first.
pub const SCHEMES: &[&str] = &["pytorch", "xavier", "kaiming", "orthogonal", "variance-preserving"];

/// Setting `initialization` of a network.
pub const SCHEME: Setting = Setting {
    name: "initialization",
    summary: "start values of weights and biases",
    kind: Kind::Text { default: Some("pytorch"), one_of: SCHEMES },
};
/// Setting `initialization` of a transformer.
pub const SCHEME_OF_TRANSFORMERS: Setting = Setting {
    name: SCHEME.name,
    summary: "start values of weights and biases; normal: N(0, 0.02²), biases 0",
    kind: Kind::Text {
        default: Some("normal"),
        one_of: &["normal", "pytorch", "xavier", "kaiming", "orthogonal", "variance-preserving"],
    },
};
/// Deviation of `normal`.
const DEVIATION: f64 = 0.02;
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
    /// N(0, 2/fan-out): torchvision's residual networks.
    KaimingNormal,
    Orthogonal,
    Preserving,
    /// N(0, 0.02²).
    Normal,
}

/// How a network's layers start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initialization {
    scheme: Scheme,
    gain: f64,
    head_gain: f64,
    /// Whether biases are `PyTorch`'s whatever the weights are.
    usual_biases: bool,
}

/// What one layer's weight and bias are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    scheme: Scheme,
    gain: f64,
    usual_biases: bool,
    /// Channels (inputs of a linear layer), outputs, and the area of a filter (1).
    channels: usize,
    outputs: usize,
    area: usize,
}

impl Initialization {
    /// `PyTorch`'s default of every layer.
    pub const PYTORCH: Self = Self { scheme: Scheme::Pytorch, gain: 1.0, head_gain: 1.0, usual_biases: true };

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
            "variance-preserving" => Scheme::Preserving,
            "normal" => Scheme::Normal,
            other => panic!("no initialisation is named {other}"),
        };
        let gains = [GAIN.name, HEAD_GAIN.name].map(|name| (name, network.optional_number(name)));
        if matches!(scheme, Scheme::Pytorch | Scheme::Kaiming | Scheme::Preserving | Scheme::Normal)
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
        let (gain, head_gain) = (gain.unwrap_or(usual), head_gain.unwrap_or(1.0));
        Ok(Self { scheme, gain, head_gain, usual_biases: scheme == Scheme::Pytorch })
    }

    /// What a residual network's setting says of its convolutions, whose biases, where there are any, are
    /// `PyTorch`'s. Its `kaiming` is torchvision's: normal, by the outputs.
    #[must_use]
    pub fn of_filters(network: &Choice) -> Self {
        let scheme = match network.text(SCHEME.name) {
            "kaiming" => Scheme::KaimingNormal,
            "xavier" => Scheme::Xavier,
            _ => Scheme::Pytorch,
        };
        Self { scheme, ..Self::PYTORCH }
    }

    /// Whether layers start by what they read.
    #[must_use]
    pub fn preserves(self) -> bool {
        self.scheme == Scheme::Preserving
    }

    /// Whether weights are drawn from N(0, 0.02²).
    #[must_use]
    pub fn is_normal(self) -> bool {
        self.scheme == Scheme::Normal
    }

    /// For a hidden linear layer of that many inputs and outputs.
    #[must_use]
    pub fn linear(self, inputs: usize, outputs: usize) -> Start {
        self.conv((inputs, outputs), 1)
    }

    /// For the last layer.
    #[must_use]
    pub fn head(self, inputs: usize, outputs: usize) -> Start {
        Start { gain: self.head_gain, ..self.linear(inputs, outputs) }
    }

    /// For a convolution: a fan counts channels times the filter's area.
    #[must_use]
    pub fn conv(self, (channels, outputs): (usize, usize), area: usize) -> Start {
        let Self { scheme, gain, usual_biases, .. } = self;
        Start { scheme, gain, usual_biases, channels, outputs, area }
    }
}

impl Start {
    /// Weight (outputs × channels × area), row-major, and bias (outputs; empty where none is wanted), drawn
    /// in this order.
    ///
    /// Drawn in f64 and rounded to f32: a value can lie outside the bound by half of an f32's last place.
    #[must_use]
    pub fn draw(self, biased: bool, stream: &mut Stream) -> (Vec<f64>, Vec<f64>) {
        let weight = match self.scheme {
            Scheme::Orthogonal => {
                let matrix = orthogonal(self.outputs, self.incoming(), stream);
                matrix.into_iter().map(|w| rounded(self.gain * w)).collect()
            }
            _ => self.weights(self.outputs * self.incoming(), stream),
        };
        let bias = (0..if biased { self.outputs } else { 0 }).map(|_| self.bias(stream)).collect();
        (weight, bias)
    }

    /// New values for one unit: its row of the weight (channels × area) and its bias, whether the layer has
    /// one or not. An orthogonal layer gives a row of the length that its rows have, in a random direction.
    #[must_use]
    pub fn draw_unit(self, stream: &mut Stream) -> (Vec<f64>, f64) {
        let weight = match self.scheme {
            Scheme::Orthogonal => {
                let row = orthogonal(1, self.incoming(), stream);
                // With more rows than columns the columns have the length 1, and a row that of its share.
                let share = (self.incoming() as f64 / self.outputs as f64).sqrt().min(1.0);
                row.into_iter().map(|w| rounded(self.gain * share * w)).collect()
            }
            _ => self.weights(self.incoming(), stream),
        };
        (weight, self.bias(stream))
    }

    /// Uniform on ±√(6/n), whatever the network's scheme is; biases at 0.
    #[must_use]
    pub fn kaiming(self) -> Self {
        Self { scheme: Scheme::Kaiming, usual_biases: false, ..self }
    }

    /// For a layer that reads features of this second moment: a scheme that preserves variances takes it into
    /// account, the others do not.
    #[must_use]
    pub fn reading(self, second_moment: f64) -> Self {
        let gain =
            if self.scheme == Scheme::Preserving { 1.0 / second_moment.max(1e-6).sqrt() } else { self.gain };
        Self { gain, ..self }
    }

    /// For a layer whose features are added to a sum of `terms`, as GPT-2 starts them: `normal` has its deviation
    /// divided by √terms, the other schemes are left as they are.
    #[must_use]
    pub fn one_of(self, terms: usize) -> Self {
        let normal = self.scheme == Scheme::Normal;
        Self { gain: if normal { self.gain / (terms as f64).sqrt() } else { self.gain }, ..self }
    }

    /// N(0, 0.02²) for `count` numbers of an embedding.
    #[must_use]
    pub fn of_embedding(count: usize) -> Self {
        let of = Initialization { scheme: Scheme::Normal, usual_biases: false, ..Initialization::PYTORCH };
        of.linear(count, 1)
    }

    /// Weights of each unit.
    #[must_use]
    pub fn incoming(self) -> usize {
        self.channels * self.area
    }

    /// Half-widths of the intervals around 0 that weights and biases are drawn from uniformly, one draw each; `None` if
    /// weights are drawn in another way.
    #[must_use]
    pub fn widths(self) -> Option<[f64; 2]> {
        let (fan_in, fan_out) = (self.incoming() as f64, (self.outputs * self.area) as f64);
        let weight = match self.scheme {
            Scheme::KaimingNormal | Scheme::Normal | Scheme::Orthogonal => return None,
            Scheme::Xavier => self.gain * (6.0 / (fan_in + fan_out)).sqrt(),
            Scheme::Kaiming => (6.0 / fan_in).sqrt(),
            Scheme::Preserving => self.gain * (3.0 / fan_in).sqrt(),
            Scheme::Pytorch => 1.0 / fan_in.sqrt(),
        };
        Some([weight, self.width_of_biases()])
    }

    fn width_of_biases(self) -> f64 {
        if self.usual_biases { 1.0 / (self.incoming() as f64).sqrt() } else { 0.0 }
    }

    fn weights(self, count: usize, stream: &mut Stream) -> Vec<f64> {
        if let Some([bound, _]) = self.widths() {
            return stream.uniforms(count, -bound, bound).into_iter().map(rounded).collect();
        }
        let deviation = match self.scheme {
            Scheme::KaimingNormal => (2.0 / (self.outputs * self.area) as f64).sqrt(),
            _ => self.gain * DEVIATION,
        };
        (0..count).map(|_| rounded(deviation * stream.normal())).collect()
    }

    fn bias(self, stream: &mut Stream) -> f64 {
        let bound = self.width_of_biases();
        rounded(stream.uniform(-bound, bound))
    }
}

/// The nearest f32.
fn rounded(x: f64) -> f64 {
    f64::from(x as f32)
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
            ("variance-preserving", (3.0f64 / 784.0).sqrt()),
        ] {
            let start = Initialization::of(&choice(&[scheme(name)])).unwrap();
            let (weight, bias) = start.linear(784, 100).draw(true, &mut Stream::new(0, "init", 0));
            let variance = weight.iter().map(|w| w * w).sum::<f64>() / weight.len() as f64;
            assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.02, "{name}: {variance}");
            assert!(weight.iter().all(|w| w.abs() <= bound * 1.000_001));
            assert_eq!(bias.iter().all(|&b| b == 0.0), name != "pytorch");
        }
    }

    #[test]
    fn gains_scale_hidden_layers_and_head_apart() {
        let start = |settings: &[(&str, Value)]| Initialization::of(&choice(settings)).unwrap();
        let norm = |start: Start| -> f64 {
            let (weight, bias) = start.draw(true, &mut Stream::new(0, "init", 0));
            assert!(bias.iter().all(|&b| b == 0.0));
            weight.iter().map(|w| w * w).sum::<f64>()
        };
        // Four orthonormal rows, each times the gain.
        let usual = start(&[scheme("orthogonal")]);
        assert!((norm(usual.linear(6, 4)) - 8.0).abs() < 1e-5);
        assert!((norm(usual.head(6, 4)) - 4.0).abs() < 1e-5);
        let set = [scheme("orthogonal"), ("gain", Value::Number(3.0)), ("head_gain", Value::Number(0.01))];
        let set = start(&set);
        assert!((norm(set.linear(6, 4)) - 36.0).abs() < 1e-4);
        assert!((norm(set.head(6, 4)) - 4e-4).abs() < 1e-9);
        let (plain, doubled) =
            (start(&[scheme("xavier")]), start(&[scheme("xavier"), ("gain", Value::Number(2.0))]));
        assert!((norm(doubled.linear(6, 4)) / norm(plain.linear(6, 4)) - 4.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_read_scales_the_start_that_preserves_variances_alone() {
        let norm = |name: &str, moment: f64| -> f64 {
            let start = Initialization::of(&choice(&[scheme(name)])).unwrap().linear(40, 20).reading(moment);
            start.draw(true, &mut Stream::new(0, "init", 0)).0.iter().map(|w| w * w).sum()
        };
        assert!((norm("variance-preserving", 0.25) / norm("variance-preserving", 1.0) - 4.0).abs() < 1e-6);
        assert_eq!(norm("xavier", 0.25), norm("xavier", 1.0));
    }

    /// A unit's values are of the layer's distribution: over many units, the same mean square.
    #[test]
    fn a_unit_is_drawn_as_its_layer_was() {
        for name in SCHEMES {
            for (inputs, outputs) in [(40, 20), (20, 40)] {
                let start = Initialization::of(&choice(&[scheme(name)])).unwrap().linear(inputs, outputs);
                let square = |values: &[f64]| values.iter().map(|w| w * w).sum::<f64>() / values.len() as f64;
                let mut stream = Stream::new(2, "init", 0);
                let layers: Vec<f64> = (0..50).flat_map(|_| start.draw(true, &mut stream).0).collect();
                let units: Vec<f64> =
                    (0..50 * outputs).flat_map(|_| start.draw_unit(&mut stream).0).collect();
                let ratio = square(&units) / square(&layers);
                assert!((ratio - 1.0).abs() < 0.03, "{name} {inputs} × {outputs}: {ratio}");
            }
        }
    }

    #[test]
    fn a_gain_without_a_scheme_that_has_one_is_refused() {
        let refused = Initialization::of(&choice(&[scheme("kaiming"), ("gain", Value::Number(1.0))]));
        assert!(refused.unwrap_err().contains("remove gain"));
    }
}

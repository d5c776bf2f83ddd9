//! A multilayer perceptron of any depth and width.

use candle_core::{DType, Tensor};

use super::activation;
use super::builder::{Builder, check_map, for_width};
use super::initialization::{self, Initialization};
use super::network::{Dims, Network, NetworkError, Parts, Registered};
use super::work;
use crate::kernels::dense::{Dense, DenseParts};
use crate::kernels::fused_activation::Captured;
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting, Value};

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    check,
    build: |b, stream| {
        let inputs = b.dims.0 * b.dims.1 * b.dims.2;
        Ok(Box::new(Mlp::new(b.network, b.activation, inputs, b.outputs, stream, b.dtype)?))
    },
    work: |network, dims, outputs| {
        Some(work::linears(dims.0 * dims.1 * dims.2, &sizes(network, "hidden"), outputs))
    },
};

const ENTRY: Entry = Entry {
    name: "mlp",
    summary: "linear layers with an activation after each hidden one",
    source: "",
    parameters: &[
        Setting {
            name: "hidden",
            summary: "features of each hidden layer",
            kind: Kind::Integers { default: &[100, 100], min: 1, max: 65_536, lengths: (0, 64) },
        },
        initialization::SCHEME,
        initialization::GAIN,
        initialization::HEAD_GAIN,
        Setting {
            name: "norm",
            summary: "layer: layer normalisation with scale and shift before each activation; none if absent",
            kind: Kind::Text { default: None, one_of: &["layer", "none"] },
        },
    ],
};

/// The network: parameters in `PyTorch`'s order, and one op's parts per layer.
pub struct Mlp {
    built: Builder,
    layers: Linears,
}

/// Linear layers one after the other, the last ones of a network.
pub(super) struct Linears {
    /// Number of the first one among the network's layers.
    first: usize,
    parts: Vec<DenseParts>,
}

impl Mlp {
    /// Draws the start values from `stream`: layer by layer, weight before bias.
    pub fn new(
        network: &Choice,
        activation: &Choice,
        inputs: usize,
        outputs: usize,
        stream: &mut Stream,
        dtype: DType,
    ) -> Result<Self, NetworkError> {
        let start = Initialization::of(network).map_err(NetworkError::Settings)?;
        let mut built = Builder::new(dtype);
        let (hidden, normalized) = (sizes(network, "hidden"), normalizes(network));
        let sizes = (inputs, hidden.as_slice(), outputs);
        let layers = Linears::add(&mut built, (start, activation, normalized), sizes, stream)?;
        built.feed_forward();
        Ok(Self { built, layers })
    }
}

impl Linears {
    /// Hidden layers with the activation after each, behind a layer normalisation where `normalized`, and
    /// the head.
    pub(super) fn add(
        built: &mut Builder,
        (start, choice, normalized): (Initialization, &Choice, bool),
        (inputs, hidden, outputs): (usize, &[usize], usize),
        stream: &mut Stream,
    ) -> Result<Self, NetworkError> {
        let first = built.parts.layers.len();
        let (mut parts, mut fan_in) = (Vec::new(), inputs);
        // Linear layers of a network with convolutions read the features of the last one.
        let moment = start_moment(start, choice)?;
        let mut read = if first == 0 { 1.0 } else { moment };
        for &width in hidden {
            let activation = for_width(choice, width, "hidden layer")?;
            let units = width / activation.expansion;
            let begin = start.linear(fan_in, units).reading(read);
            let mut part = built.linear(begin, (fan_in, units), stream)?;
            if normalized {
                part.norm = Some(built.layer_norm()?);
            }
            part.activation = Some(built.activation(activation, width)?);
            parts.push(part);
            (fan_in, read) = (width, moment);
        }
        let head = start.head(fan_in, outputs).reading(read);
        parts.push(built.linear(head, (fan_in, outputs), stream)?);
        Ok(Self { first, parts })
    }

    pub(super) fn forward(
        &self,
        built: &Builder,
        inputs: &Tensor,
        pass: &Pass,
    ) -> candle_core::Result<Tensor> {
        let weight = |index| built.weight(self.first + index).as_tensor();
        let (last, below) = self.parts.split_last().expect("a network has a head");
        let below = below.iter().enumerate().map(|(index, parts)| (parts.clone(), weight(index).clone()));
        let op = Dense::stacked(below.collect(), last.clone(), pass.clone());
        pass.apply(inputs, weight(self.parts.len() - 1), op)
    }

    pub(super) fn capture(&self, built: &Builder, inputs: &Tensor) -> candle_core::Result<Vec<Captured>> {
        let (mut all, mut x) = (Vec::new(), inputs.clone());
        for (index, parts) in self.parts.iter().enumerate() {
            let Some(activation) = &parts.activation else { continue };
            let linear = DenseParts { activation: None, ..parts.clone() };
            let weight = built.weight(self.first + index);
            let z = Pass::Evaluate.apply(&x, weight.as_tensor(), Dense::new(linear, Pass::Evaluate))?;
            let (rows, units) = z.dims2()?;
            let captured = activation.capture(z.flatten_all()?.to_vec1()?, units)?;
            x = Tensor::from_slice(
                &captured.features,
                (rows, units * activation.expansion),
                inputs.device(),
            )?;
            all.push(captured);
        }
        Ok(all)
    }
}

/// The second moment of an activation's features on a normal variable, if layers start by it; 1 otherwise.
pub(super) fn start_moment(start: Initialization, choice: &Choice) -> Result<f64, NetworkError> {
    if !start.preserves() {
        return Ok(1.0);
    }
    let one = activation::build(choice, 1).map_err(NetworkError::Settings)?;
    Ok(activation::second_moment(&one))
}

/// A checked list of sizes.
pub(super) fn sizes(network: &Choice, name: &str) -> Vec<usize> {
    let sizes = network.integers(name).iter();
    sizes.map(|&size| usize::try_from(size).expect("checked against the catalogue")).collect()
}

fn normalizes(network: &Choice) -> bool {
    network.get("norm") == Some(&Value::Text("layer".into()))
}

/// Whether the activation can stand after every hidden layer.
fn check(network: &Choice, activation: &Choice, _: Option<Dims>) -> Result<(), NetworkError> {
    Initialization::of(network).map_err(NetworkError::Settings)?;
    check_map(activation, sizes(network, "hidden").len())?;
    check_widths(activation, sizes(network, "hidden"), "hidden layer")
}

/// Whether the activation can stand after layers of these widths.
pub(super) fn check_widths(
    activation: &Choice,
    mut widths: Vec<usize>,
    layer: &str,
) -> Result<(), NetworkError> {
    widths.sort_unstable();
    widths.dedup();
    widths.into_iter().try_for_each(|width| for_width(activation, width, layer).map(|_| ()))
}

impl Network for Mlp {
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        self.layers.forward(&self.built, inputs, pass)
    }

    fn capture(&self, inputs: &Tensor, _: usize) -> candle_core::Result<Vec<Captured>> {
        self.layers.capture(&self.built, inputs)
    }

    fn parts(&self) -> &Parts {
        &self.built.parts
    }
}

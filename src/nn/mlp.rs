//! A multilayer perceptron of any depth and width.

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{DType, Tensor, TensorId};

use super::activation;
use super::builder::{Builder, check_map, for_width};
use super::initialization::{self, Initialization};
use super::injection::Injection;
use super::network::{Dims, Network, NetworkError, Parts, Registered};
use super::work;
use crate::data::Content;
use crate::kernels::dense::{Dense, DenseParts, Record};
use crate::kernels::fused_activation::Captured;
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting, Value};

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    reads: Content::Images,
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
    injection: Injection,
    /// Of the last training pass, if it was one op: its inputs, and what that kept.
    last: RefCell<Option<(TensorId, Record)>>,
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
        let layers = parts.iter().enumerate();
        let layers =
            layers.map(|(index, parts)| (built.weight(first + index).as_tensor().clone(), parts.clone()));
        let injection = Injection::new(layers.collect());
        Ok(Self { first, parts, injection, last: RefCell::new(None) })
    }

    pub(super) fn forward(
        &self,
        built: &Builder,
        inputs: &Tensor,
        pass: &Pass,
    ) -> candle_core::Result<Tensor> {
        let Some(from) = self.injection.begins() else {
            return self.through(built, 0..self.parts.len(), inputs, pass);
        };
        let x = if from == 0 { inputs.clone() } else { self.through(built, 0..from, inputs, pass)? };
        let own = self.through(built, from..self.parts.len(), &x, pass)?;
        Injection::join(own, &self.injection.outputs(&x, pass)?)
    }

    /// What these layers make of `x`, in one op.
    fn through(
        &self,
        built: &Builder,
        layers: Range<usize>,
        x: &Tensor,
        pass: &Pass,
    ) -> candle_core::Result<Tensor> {
        let weight = |index| built.weight(self.first + index).as_tensor();
        let top = layers.end - 1;
        let below = (layers.start..top).map(|index| (self.parts[index].clone(), weight(index).clone()));
        let op = Dense::stacked(below.collect(), self.parts[top].clone(), pass.clone());
        if matches!(pass, Pass::Train(_)) {
            *self.last.borrow_mut() = Some((x.id(), op.record()));
        }
        pass.apply(x, weight(top), op)
    }

    /// [`Network::injection`].
    pub(super) fn injection(&self) -> &Injection {
        &self.injection
    }

    /// [`Network::captured`].
    fn captured(&self, inputs: &Tensor) -> candle_core::Result<Option<Vec<Captured>>> {
        let last = self.last.borrow();
        let record = last.as_ref().filter(|(of, _)| *of == inputs.id());
        record.map_or(Ok(None), |(_, record)| record.capture(&self.parts))
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

    fn captured(&self, inputs: &Tensor) -> candle_core::Result<Option<Vec<Captured>>> {
        self.layers.captured(inputs)
    }

    fn injection(&self) -> Option<&Injection> {
        Some(self.layers.injection())
    }

    fn parts(&self) -> &Parts {
        &self.built.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;
    use crate::spec::Spec;

    fn plan(activation: &str) -> crate::spec::Plan {
        let text = format!(
            "name = 'x'\ndata = {{ dataset = 'generated-digits' }}\noptimizer = 'adam'\nactivation = {activation}\n\
             network = {{ kind = 'mlp', hidden = [6, 4], norm = 'layer' }}\n\
             stream = {{ family = 'shuffled-labels', tasks = 1, steps = 1, batch_size = 1 }}\n"
        );
        Spec::parse(&text, "x.toml", &[], &catalogue()).unwrap().plans(None).unwrap().remove(0)
    }

    /// To the bit, of the last training pass alone, and only while its loss is there.
    #[test]
    fn a_training_pass_keeps_what_capture_computes() {
        for (activation, keeps) in [
            ("'relu'", true),
            ("'tanh'", true),
            ("'crelu'", false),
            ("'rational'", false),
            ("'rrelu'", false),
        ] {
            let network =
                crate::nn::build(&plan(activation), (1, 2, 2), 3, &mut Stream::new(1, "init", 0)).unwrap();
            let pass = Pass::train(Stream::new(0, "activation", 0));
            let inputs = |seed| {
                let values = (0..20).map(|i| ((i * seed) as f32).sin()).collect();
                Tensor::from_vec(values, (5, 4), &candle_core::Device::Cpu).unwrap()
            };
            let (first, second) = (inputs(1), inputs(2));
            let before = network.forward(&first, &pass).unwrap();
            let outputs = network.forward(&second, &pass).unwrap();
            network.forward(&first, &Pass::Evaluate).unwrap();
            assert!(network.captured(&first).unwrap().is_none(), "{activation}");
            let expected = network.capture(&second, usize::MAX).unwrap();
            match network.captured(&second).unwrap() {
                Some(kept) => {
                    assert!(keeps, "{activation}");
                    assert_eq!(format!("{kept:?}"), format!("{expected:?}"), "{activation}");
                }
                None => assert!(!keeps, "{activation}"),
            }
            drop((before, outputs));
            assert!(network.captured(&second).unwrap().is_none(), "{activation}: the loss is gone");
        }
    }
}

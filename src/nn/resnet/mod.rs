//! ResNet-18 for small images (He et al. 2016, arXiv 1512.03385), with the stem that `CIFAR` code bases
//! give it: a 3 × 3 convolution of stride 1 and no max-pooling. Four stages of two basic blocks with
//! `width`, 2, 4 and 8 times `width` channels, strides 1, 2, 2, 2; where a block changes the shape, its
//! shortcut is a 1 × 1 convolution with a norm (option B of the paper); global average pooling; the head.
//!
//! The 17 activations are where the original has relu: after the stem, and in each block between the two
//! convolutions and after the sum. Parameters have torchvision's names, so that a checkpoint loads into
//! its model (with a 3 × 3 `conv1` and the identity for `maxpool`) by `load_state_dict`.

mod capture;
mod op;
mod unit;

use std::sync::Arc;

use candle_core::{DType, Tensor};

use self::capture::Capture;
use self::op::{Body, ResNetOp};
use self::unit::{Block, Unit};
use super::activation::{self, Activation};
use super::builder::{Builder, check_map};
use super::initialization::Initialization;
use super::network::{Dims, Network, NetworkError, Parts, Registered};
use super::work::LayerWork;
use crate::data::Content;
use crate::kernels::conv::geometry::positions;
use crate::kernels::fused_activation::Captured;
use crate::kernels::images;
use crate::kernels::norm::{Norm, Scheme};
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// Channels of the stages, in widths, and the strides of their first blocks.
pub const STAGES: [(usize, usize); 4] = [(1, 1), (2, 2), (4, 2), (8, 2)];
/// Images of a look at the features: a feature map of many is large.
const AT_A_TIME: usize = 64;

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    reads: Content::Images,
    check,
    build: |b, stream| {
        Ok(Box::new(ResNet::new(b.network, b.activation, b.dims, b.outputs, stream, b.dtype)?))
    },
    work,
};

const ENTRY: Entry = Entry {
    name: "resnet18",
    summary: "ResNet-18 with a 3×3 stem without pooling, for images of 28 to 64 pixels",
    source: "He et al. 2016, arXiv 1512.03385; names and start values as in torchvision",
    parameters: &[
        Setting {
            name: "width",
            summary: "channels of the first stage; the others have 2, 4 and 8 times as many",
            kind: Kind::Integer { default: Some(64), min: 1, max: 4096 },
        },
        Setting {
            name: "norm",
            summary: "batch; group: independent of the batch; none: the convolutions get biases",
            kind: Kind::Text { default: Some("batch"), one_of: &["batch", "group", "none"] },
        },
        Setting {
            name: "groups",
            summary: "of norm = \"group\", in every layer; 32 if absent",
            kind: Kind::Integer { default: None, min: 1, max: 4096 },
        },
        Setting {
            name: "initialization",
            summary: "kaiming: filters N(0, 2/fan-out) as torchvision; pytorch: its layers' defaults; xavier",
            kind: Kind::Text { default: Some("kaiming"), one_of: &["kaiming", "pytorch", "xavier"] },
        },
    ],
};

/// The network.
pub struct ResNet {
    built: Builder,
    body: Arc<Body>,
    /// Channels, height and width of the images.
    dims: (usize, usize, usize),
}

/// How the convolutions are normalised.
#[derive(Clone, Copy)]
enum Normalization {
    Batch,
    Group(usize),
    None,
}

impl Normalization {
    fn of(network: &Choice) -> Result<Self, NetworkError> {
        let groups = network.get("groups").map(|_| network.integer("groups"));
        match (network.text("norm"), groups) {
            ("group", groups) => {
                let (groups, width) = (groups.unwrap_or(32), network.integer("width"));
                if width % groups != 0 {
                    return Err(NetworkError::Settings(format!(
                        "{groups} groups do not divide the first stage's {width} channels: set network.groups to a \
                         divisor of network.width"
                    )));
                }
                Ok(Self::Group(usize::try_from(groups).expect("checked against the catalogue")))
            }
            (name, Some(_)) => Err(NetworkError::Settings(format!(
                "network.groups is set, but norm is \"{name}\": remove groups or set norm = \"group\""
            ))),
            ("batch", None) => Ok(Self::Batch),
            _ => Ok(Self::None),
        }
    }
}

/// Behind the stem and behind both convolutions of eight blocks.
const ACTIVATIONS: usize = 17;

/// Whether norm and activation fit the widths.
fn check(network: &Choice, activation: &Choice, _: Option<Dims>) -> Result<(), NetworkError> {
    Normalization::of(network)?;
    check_map(activation, ACTIVATIONS)?;
    let width = width(network);
    STAGES.iter().try_for_each(|(times, _)| build_for(activation, times * width).map(|_| ()))
}

fn width(network: &Choice) -> usize {
    usize::try_from(network.integer("width")).expect("checked against the catalogue")
}

fn work(network: &Choice, dims: Dims, classes: usize) -> Option<Vec<LayerWork>> {
    let width = width(network);
    let (mut channels, mut height, mut across) = (width, dims.1, dims.2);
    let mut layers = vec![LayerWork::convolution((dims.0, width), 3, height * across)];
    for (times, stride) in STAGES {
        for stride in [stride, 1] {
            let outputs = times * width;
            height = positions(height, 3, stride, 1)?;
            across = positions(across, 3, stride, 1)?;
            let places = height * across;
            layers.push(LayerWork::convolution((channels, outputs), 3, places));
            layers.push(LayerWork::convolution((outputs, outputs), 3, places));
            if stride != 1 || channels != outputs {
                layers.push(LayerWork::convolution((channels, outputs), 1, places));
            }
            channels = outputs;
        }
    }
    layers.push(LayerWork::dense(channels, classes));
    Some(layers)
}

fn build_for(choice: &Choice, channels: usize) -> Result<Activation, NetworkError> {
    let activation = activation::build(choice, channels).map_err(NetworkError::Settings)?;
    if activation.expansion != 1 {
        return Err(NetworkError::Settings(format!(
            "{} widens its layer, and a residual network adds layers of equal width: take another activation or \
             another network",
            choice.name
        )));
    }
    Ok(activation)
}

/// A network in the making.
struct Making<'a> {
    built: Builder,
    norm: Normalization,
    start: Initialization,
    activation: &'a Choice,
    stream: &'a mut Stream,
}

impl Making<'_> {
    /// A convolution `name` with its norm `norm`, from and to `channels`, and an activation where `active`.
    fn unit(
        &mut self,
        (name, norm): (&str, &str),
        channels: (usize, usize),
        (filter, stride): (usize, usize),
        active: bool,
    ) -> Result<Unit, NetworkError> {
        let (inputs, outputs) = channels;
        let biased = matches!(self.norm, Normalization::None);
        let (start, shape) = (self.start.conv(channels, filter * filter), [outputs, inputs, filter, filter]);
        let layer = self.built.layer(name.into(), start, &shape, biased, self.stream)?;
        let weight = self.built.place(self.built.parts.layers[layer].weight);
        let norm = self.norm(norm, layer)?;
        let mut fused = None;
        if active {
            let activation = build_for(self.activation, outputs)?;
            fused = Some(self.built.activation(activation, outputs)?);
        }
        Ok(Unit { layer, stride, padding: filter / 2, weight, norm: Norm { activation: fused, ..norm } })
    }

    fn norm(&mut self, name: &str, layer: usize) -> Result<Norm, NetworkError> {
        let units = self.built.parts.layers[layer].units();
        let (scheme, statistics) = match self.norm {
            Normalization::None => {
                let bias = self.built.parts.layers[layer].bias.expect("without a norm there is a bias");
                let shift = self.built.place(bias);
                return Ok(Norm { scheme: Scheme::None, scale: None, shift, activation: None });
            }
            Normalization::Group(groups) => (Scheme::Group { groups }, None),
            Normalization::Batch => {
                let mean = self.built.buffer(format!("{name}.running_mean"), vec![0.0; units]);
                let variance = self.built.buffer(format!("{name}.running_var"), vec![1.0; units]);
                let values = |at: usize| Arc::clone(&self.built.parts.buffers[at].values);
                let scheme = Scheme::Batch { mean: values(mean), variance: values(variance) };
                (scheme, Some((mean, variance)))
            }
        };
        let (scale, shift) = self.built.norm(name, statistics)?;
        Ok(Norm { scheme, scale: Some(scale), shift, activation: None })
    }

    fn block(&mut self, name: &str, channels: (usize, usize), stride: usize) -> Result<Block, NetworkError> {
        let part = |what: &str| format!("{name}.{what}");
        let first = self.unit((&part("conv1"), &part("bn1")), channels, (3, stride), true)?;
        let second = self.unit((&part("conv2"), &part("bn2")), (channels.1, channels.1), (3, 1), true)?;
        let shortcut = if stride == 1 && channels.0 == channels.1 {
            None
        } else {
            let names = (part("downsample.0"), part("downsample.1"));
            Some(self.unit((&names.0, &names.1), channels, (1, stride), false)?)
        };
        Ok(Block { first, second, shortcut })
    }

    /// Says which layers multiply whose features: those of the stem and of every block's sum go into the
    /// next block's first convolution and its shortcut, the last ones, averaged, into the head.
    fn feed(&mut self, stem: usize, blocks: &[Block], head: usize) {
        let mut from = stem;
        for Block { first, second, shortcut } in blocks {
            self.built.feed(from, first.layer);
            match shortcut {
                Some(shortcut) => self.built.feed(from, shortcut.layer),
                None => self.built.parts.layers[from].bypassed = true,
            }
            self.built.feed(first.layer, second.layer);
            from = second.layer;
        }
        self.built.feed(from, head);
    }
}

impl ResNet {
    /// Draws the start values from `stream`, in the order of the parameters. `dims` are channels, height
    /// and width of the images.
    pub fn new(
        network: &Choice,
        activation: &Choice,
        dims: (usize, usize, usize),
        classes: usize,
        stream: &mut Stream,
        dtype: DType,
    ) -> Result<Self, NetworkError> {
        let width = width(network);
        let mut making = Making {
            built: Builder::new(dtype),
            norm: Normalization::of(network)?,
            start: Initialization::of_filters(network),
            activation,
            stream,
        };
        let stem = making.unit(("conv1", "bn1"), (dims.0, width), (3, 1), true)?;
        let (mut blocks, mut channels) = (Vec::new(), width);
        for (stage, (times, stride)) in STAGES.into_iter().enumerate() {
            for (block, stride) in [stride, 1].into_iter().enumerate() {
                let name = format!("layer{}.{block}", stage + 1);
                blocks.push(making.block(&name, (channels, times * width), stride)?);
                channels = times * width;
            }
        }
        let start = Initialization::PYTORCH.linear(channels, classes);
        let head = making.built.layer("fc".into(), start, &[classes, channels], true, making.stream)?;
        making.feed(stem.layer, &blocks, head);
        let built = making.built;
        let bias = built.parts.layers[head].bias.expect("asked for");
        let (head, head_bias) = (built.place(built.parts.layers[head].weight), built.place(bias));
        let body = Arc::new(Body { stem, blocks, head, head_bias });
        Ok(Self { built, body, dims })
    }
}

impl Network for ResNet {
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        let images = images::rows(inputs, self.dims)?;
        let any = self.built.parts.parameters[0].values.as_tensor();
        pass.apply(&images, any, ResNetOp::new(Arc::clone(&self.body), pass.clone()))
    }

    fn capture(&self, inputs: &Tensor, samples: usize) -> candle_core::Result<Vec<Captured>> {
        let count = inputs.dim(0)?;
        let mut capture = Capture::new(count, samples);
        for from in (0..count).step_by(AT_A_TIME) {
            let some = inputs.narrow(0, from, AT_A_TIME.min(count - from))?;
            self.body.look(&images::rows(&some.force_contiguous()?, self.dims)?, &mut capture)?;
        }
        self.body.captured(capture)
    }

    fn parts(&self) -> &Parts {
        &self.built.parts
    }
}

//! ResNet-18 for small images (He et al. 2016, arXiv 1512.03385), with the stem that `CIFAR` code bases
//! give it: a 3 × 3 convolution of stride 1 and no max-pooling. Four stages of two basic blocks with
//! `width`, 2, 4 and 8 times `width` channels, strides 1, 2, 2, 2; where a block changes the shape, its
//! shortcut is a 1 × 1 convolution with a norm (option B of the paper); global average pooling; the head.
//!
//! The 17 activations are where the original has relu: after the stem, and in each block between the two
//! convolutions and after the sum. Parameters have torchvision's names, so that a checkpoint loads into
//! its model (with a 3 × 3 `conv1` and the identity for `maxpool`) by `load_state_dict`.

mod body;

use std::sync::{Arc, Mutex};

use candle_core::{DType, Tensor};

use self::body::{Block, Body, Trained, Unit, Watch, Whole};
use super::activation::{self, Activation};
use super::initialization::Initialization;
use super::network::{ActivationSite, Buffer, Layer, Network, NetworkError};
use super::parameter::{Parameter, Role};
use crate::kernels::activation_layer::{Site, Tap};
use crate::kernels::images;
use crate::kernels::norm::{Kept, Norm, Scheme};
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// Channels of the stages, in widths, and the strides of their first blocks.
pub const STAGES: [(usize, usize); 4] = [(1, 1), (2, 2), (4, 2), (8, 2)];
/// Images of a look at the features: a feature map of many is large.
const AT_A_TIME: usize = 64;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
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
    parameters: Vec<Parameter>,
    layers: Vec<Layer>,
    sites: Vec<ActivationSite>,
    buffers: Vec<Buffer>,
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

/// Whether norm and activation fit the widths.
pub fn check(network: &Choice, activation: &Choice) -> Result<(), NetworkError> {
    Normalization::of(network)?;
    let width = width(network);
    STAGES.iter().try_for_each(|(times, _)| build_for(activation, times * width).map(|_| ()))
}

fn width(network: &Choice) -> usize {
    usize::try_from(network.integer("width")).expect("checked against the catalogue")
}

fn build_for(choice: &Choice, channels: usize) -> Result<Activation, NetworkError> {
    let activation = activation::build(choice, channels).map_err(NetworkError::Settings)?;
    if activation.widening != 1 {
        return Err(NetworkError::Settings(format!(
            "{} widens its layer, and a residual network adds layers of equal width: take another activation or \
             another network",
            choice.name
        )));
    }
    Ok(activation)
}

/// A network in the making.
struct Builder<'a> {
    parameters: Vec<Parameter>,
    layers: Vec<Layer>,
    sites: Vec<ActivationSite>,
    buffers: Vec<Buffer>,
    norm: Normalization,
    scheme: &'a str,
    activation: &'a Choice,
    stream: &'a mut Stream,
    dtype: DType,
}

impl Builder<'_> {
    fn add(
        &mut self,
        name: String,
        role: Role,
        start: &[f64],
        shape: &[usize],
    ) -> candle_core::Result<Trained> {
        let parameter = Parameter::new(name, role, start, shape, self.dtype)?;
        let trained = (parameter.values.as_tensor().clone(), Arc::clone(&parameter.gradient));
        self.parameters.push(parameter);
        Ok(trained)
    }

    /// A convolution `name` with its norm `norm`, in `channels`, and an activation where `active`.
    fn unit(
        &mut self,
        (name, norm): (&str, &str),
        channels: (usize, usize),
        (filter, stride): (usize, usize),
        active: bool,
    ) -> Result<Unit, NetworkError> {
        let (inputs, outputs) = channels;
        let (fan_in, fan_out) = (inputs * filter * filter, outputs * filter * filter);
        let stream = &mut *self.stream;
        let bound = 1.0 / (fan_in as f64).sqrt();
        let mut uniform = |bound: f64| -> Vec<f64> {
            (0..fan_in * outputs).map(|_| stream.uniform(-bound, bound)).collect()
        };
        let start = match self.scheme {
            "kaiming" => {
                let deviation = (2.0 / fan_out as f64).sqrt();
                (0..fan_in * outputs).map(|_| deviation * stream.normal()).collect()
            }
            "xavier" => uniform((6.0 / (fan_in + fan_out) as f64).sqrt()),
            _ => uniform(bound),
        };
        let index = self.parameters.len();
        let weight =
            self.add(format!("{name}.weight"), Role::Weight, &start, &[outputs, inputs, filter, filter])?;
        let norm = self.norm((name, norm), outputs, bound)?;
        let (site, declared) = if active { self.site(outputs)? } else { (None, None) };
        self.layers.push(Layer { name: name.into(), weight: index, site: declared, units: outputs });
        Ok(Unit { stride, padding: filter / 2, weight, norm: Norm { site, ..norm } })
    }

    fn norm(
        &mut self,
        (conv, norm): (&str, &str),
        channels: usize,
        bound: f64,
    ) -> Result<Norm, NetworkError> {
        let scheme = match self.norm {
            Normalization::None => {
                // The default of PyTorch's convolutions, whatever the filters start from.
                let start: Vec<f64> = (0..channels).map(|_| self.stream.uniform(-bound, bound)).collect();
                let shift = self.add(format!("{conv}.bias"), Role::Bias, &start, &[channels])?;
                return Ok(Norm { scheme: Scheme::None, scale: None, shift, site: None });
            }
            Normalization::Group(groups) => Scheme::Group { groups },
            Normalization::Batch => Scheme::Batch {
                mean: self.buffer(format!("{norm}.running_mean"), vec![0.0; channels]),
                variance: self.buffer(format!("{norm}.running_var"), vec![1.0; channels]),
            },
        };
        let scale = self.add(format!("{norm}.weight"), Role::Norm, &vec![1.0; channels], &[channels])?;
        let shift = self.add(format!("{norm}.bias"), Role::Norm, &vec![0.0; channels], &[channels])?;
        Ok(Norm { scheme, scale: Some(scale), shift, site: None })
    }

    fn buffer(&mut self, name: String, start: Vec<f32>) -> Kept {
        let values = Arc::new(Mutex::new(start));
        self.buffers.push(Buffer { name, values: Arc::clone(&values) });
        values
    }

    /// The next activation site, with its number.
    fn site(&mut self, units: usize) -> Result<(Option<Site>, Option<usize>), NetworkError> {
        let activation = build_for(self.activation, units)?;
        let shared = activation.coefficients.as_ref().is_some_and(|c| c.network_wide);
        let index = if shared { 0 } else { self.sites.len() };
        if index == self.sites.len() {
            let name = if shared { "activations".to_string() } else { format!("activations.{index}") };
            let mut parameter = None;
            if let Some(coefficients) = &activation.coefficients {
                parameter = Some(self.parameters.len());
                let per_set = coefficients.names.len();
                let shape = [coefficients.start.len() / per_set, per_set];
                let role = Role::Coefficients(index);
                self.add(format!("{name}.coefficients"), role, &coefficients.start, &shape)?;
                let values = self.parameters.last_mut().expect("just added");
                values.learning_rate = coefficients.learning_rate;
                values.weight_decay = coefficients.weight_decay;
            }
            self.sites.push(ActivationSite {
                name,
                parameter,
                coefficients: activation.coefficients.clone(),
            });
        }
        let coefficients = self.sites[index].parameter.map(|p| {
            let parameter = &self.parameters[p];
            (parameter.values.as_tensor().clone(), Arc::clone(&parameter.gradient))
        });
        Ok((Some(Site { kernel: activation.kernel, widening: 1, coefficients }), Some(index)))
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
        let mut builder = Builder {
            parameters: Vec::new(),
            layers: Vec::new(),
            sites: Vec::new(),
            buffers: Vec::new(),
            norm: Normalization::of(network)?,
            scheme: network.text("initialization"),
            activation,
            stream,
            dtype,
        };
        let stem = builder.unit(("conv1", "bn1"), (dims.0, width), (3, 1), true)?;
        let (mut blocks, mut channels) = (Vec::new(), width);
        for (stage, (times, stride)) in STAGES.into_iter().enumerate() {
            for (block, stride) in [stride, 1].into_iter().enumerate() {
                let name = format!("layer{}.{block}", stage + 1);
                blocks.push(builder.block(&name, (channels, times * width), stride)?);
                channels = times * width;
            }
        }
        let (weight, bias) = Initialization::PYTORCH.linear(channels, classes, builder.stream);
        let index = builder.parameters.len();
        let head = builder.add("fc.weight".into(), Role::Weight, &weight, &[classes, channels])?;
        let head_bias = builder.add("fc.bias".into(), Role::Bias, &bias, &[classes])?;
        builder.layers.push(Layer { name: "fc".into(), weight: index, site: None, units: classes });
        let Builder { parameters, layers, sites, buffers, .. } = builder;
        let body = Arc::new(Body { stem, blocks, head, head_bias });
        Ok(Self { parameters, layers, sites, buffers, body, dims })
    }
}

impl Network for ResNet {
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        let images = images::rows(inputs, self.dims)?;
        let any = self.parameters[0].values.as_tensor();
        pass.apply(&images, any, Whole::new(Arc::clone(&self.body), pass.clone()))
    }

    /// One position of each image, whatever the `samples`: feature maps of more images than there are
    /// samples are not asked for.
    fn taps(&self, inputs: &Tensor, _samples: usize) -> candle_core::Result<Vec<Tap>> {
        let (count, mut watch) = (inputs.dim(0)?, Watch::new());
        for from in (0..count).step_by(AT_A_TIME) {
            let some = inputs.narrow(0, from, AT_A_TIME.min(count - from))?;
            self.body.watch(&images::rows(&some.force_contiguous()?, self.dims)?, &mut watch)?;
        }
        self.body.taps(watch)
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn sites(&self) -> &[ActivationSite] {
        &self.sites
    }
}

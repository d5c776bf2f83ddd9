//! A small convolutional network: convolutions with max-pooling, then linear layers.
//!
//! The default is the network of the CIFAR benchmarks of L2 Init (Kumar et al. 2023, arXiv 2308.11958):
//! two convolutions of 16 filters of 5 × 5 without padding, each followed by max-pooling over 2 × 2, and
//! two linear layers of 100.
//!
//! Order within a layer: convolution, activation, pooling. The linear layers see what pooling leaves as
//! `PyTorch` flattens it, channel by channel, so that weights can be exchanged.

use candle_core::{DType, Tensor};

use super::builder::{Builder, Filters, check_map, for_width};
use super::initialization::{self, Initialization};
use super::injection::Injection;
use super::mlp::{Linears, check_widths, sizes, start_moment};
use super::network::{Blueprint, Dims, Network, NetworkError, Parts, Registered};
use super::samples;
use super::work::{self, LayerWork};
use crate::data::Content;
use crate::kernels::conv::geometry::positions;
use crate::kernels::conv::{Conv, ConvParts};
use crate::kernels::fused_activation::Captured;
use crate::kernels::images;
use crate::kernels::max_pool::Pool;
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    reads: Content::Images,
    check,
    build: |b, stream| Ok(Box::new(Cnn::new(b.network, b.activation, b.dims, b.outputs, stream, b.dtype)?)),
    work,
};

const ENTRY: Entry = Entry {
    name: "cnn",
    summary: "convolutions with max-pooling over 2 × 2 after each, then linear layers; an activation after each",
    source: "Kumar et al. 2023, arXiv 2308.11958",
    parameters: &[
        Setting {
            name: "channels",
            summary: "filters of each convolution",
            kind: Kind::Integers { default: &[16, 16], min: 1, max: 4096, lengths: (1, 16) },
        },
        Setting {
            name: "kernel",
            summary: "rows and columns of every filter",
            kind: Kind::Integer { default: Some(5), min: 1, max: 31 },
        },
        Setting {
            name: "padding",
            summary: "zeros around the images before each convolution",
            kind: Kind::Integer { default: Some(0), min: 0, max: 30 },
        },
        Setting {
            name: "hidden",
            summary: "features of each hidden linear layer",
            kind: Kind::Integers { default: &[100, 100], min: 1, max: 65_536, lengths: (0, 64) },
        },
        initialization::SCHEME,
        initialization::GAIN,
        initialization::HEAD_GAIN,
    ],
};

/// Pooling after every convolution.
const POOL: Pool = Pool { size: 2, stride: 2 };
/// Images that the probes look at in one pass.
const PROBED: usize = 128;

/// The network: parameters in `PyTorch`'s order, and one op's parts per layer.
pub struct Cnn {
    built: Builder,
    dims: (usize, usize, usize),
    convs: Vec<ConvParts>,
    linears: Linears,
}

/// One convolution's sizes, images and filters.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Channels in.
    pub channels: usize,
    /// Features out: filters times what the activation makes of one.
    pub features: usize,
    /// Its filters.
    pub filters: Filters,
    /// Pooling after it.
    pub pool: Option<Pool>,
    /// Rows and columns before pooling.
    pub positions: (usize, usize),
    /// Rows and columns after it.
    pub pooled: (usize, usize),
}

/// The convolutions of a network on images of `dims` (channels, height, width).
fn stages(network: &Choice, dims: (usize, usize, usize)) -> Result<Vec<Stage>, NetworkError> {
    let (kernel, padding) = (size(network, "kernel"), size(network, "padding"));
    let (mut channels, mut height, mut width) = dims;
    let mut stages = Vec::new();
    for features in sizes(network, "channels") {
        let along = |extent| {
            let before = positions(extent, kernel, 1, padding)?;
            positions(before, POOL.size, POOL.stride, 0).map(|after| (before, after))
        };
        let (Some(rows), Some(columns)) = (along(height), along(width)) else {
            return Err(NetworkError::Settings(format!(
                "convolution {} of the cnn gets images of {height} × {width}, too small for filters of \
                 {kernel} × {kernel} with padding {padding} and pooling over 2 × 2: take fewer channels, a \
                 smaller kernel or more padding",
                stages.len()
            )));
        };
        let (positions, pooled) = ((rows.0, columns.0), (rows.1, columns.1));
        let filters = Filters { size: kernel, stride: 1, padding };
        stages.push(Stage { channels, features, filters, pool: Some(POOL), positions, pooled });
        (channels, height, width) = (features, pooled.0, pooled.1);
    }
    Ok(stages)
}

fn work(network: &Choice, dims: Dims, classes: usize) -> Option<Vec<LayerWork>> {
    work_of(&stages(network, dims).ok()?, &sizes(network, "hidden"), classes)
}

/// Layers of such convolutions with linear ones behind them.
pub(super) fn work_of(stages: &[Stage], hidden: &[usize], classes: usize) -> Option<Vec<LayerWork>> {
    let last = stages.last()?;
    let flat = last.features * last.pooled.0 * last.pooled.1;
    let mut layers: Vec<LayerWork> = stages
        .iter()
        .map(|stage| {
            let places = stage.positions.0 * stage.positions.1;
            LayerWork::convolution((stage.channels, stage.features), stage.filters.size, places)
        })
        .collect();
    layers.extend(work::linears(flat, hidden, classes));
    Some(layers)
}

fn size(network: &Choice, name: &str) -> usize {
    usize::try_from(network.integer(name)).expect("checked against the catalogue")
}

impl Cnn {
    /// For images of `dims` (channels, height, width). Draws the start values from `stream`: layer by
    /// layer, weight before bias.
    pub fn new(
        network: &Choice,
        activation: &Choice,
        dims: (usize, usize, usize),
        classes: usize,
        stream: &mut Stream,
        dtype: DType,
    ) -> Result<Self, NetworkError> {
        let blueprint = Blueprint { network, activation, dims, outputs: classes, dtype };
        Self::of(&stages(network, dims)?, &blueprint, stream)
    }

    /// Of these convolutions, and the linear layers and start values that the blueprint's settings say.
    pub(super) fn of(
        stages: &[Stage],
        blueprint: &Blueprint<'_>,
        stream: &mut Stream,
    ) -> Result<Self, NetworkError> {
        let Blueprint { network, activation, dims, outputs: classes, dtype } = *blueprint;
        let start = Initialization::of(network).map_err(NetworkError::Settings)?;
        let mut built = Builder::new(dtype);
        let mut convs = Vec::new();
        let (mut read, moment) = (1.0, start_moment(start, activation)?);
        for &Stage { channels, features, filters, pool, .. } in stages {
            let activation = for_width(activation, features, "convolution")?;
            let outputs = features / activation.expansion;
            let area = filters.size * filters.size;
            let (sizes, start) = ((channels, outputs), start.conv((channels, outputs), area).reading(read));
            let mut parts = built.conv(start, sizes, filters, stream)?;
            parts.activation = Some(built.activation(activation, features)?);
            parts.pool = pool;
            convs.push(parts);
            read = moment;
        }
        let last = stages.last().expect("at least one convolution");
        let flat = last.features * last.pooled.0 * last.pooled.1;
        let hidden = sizes(network, "hidden");
        let sizes = (flat, hidden.as_slice(), classes);
        let linears = Linears::add(&mut built, (start, activation, false), sizes, stream)?;
        built.feed_forward();
        Ok(Self { built, dims, convs, linears })
    }

    /// Taps of the convolutions on one block of images, the first of which has number `first` of `all`,
    /// and what comes out of the last one.
    fn capture_block(
        &self,
        inputs: &Tensor,
        (first, all): (usize, usize),
        samples: usize,
        pre_activations: &mut [Vec<f32>],
    ) -> candle_core::Result<Tensor> {
        let count = inputs.dim(0)?;
        let mut x = images::rows(inputs, self.dims)?;
        for (layer, parts) in self.convs.iter().enumerate() {
            let (_, height, width, _) = x.dims4()?;
            let (_, _, rows, columns) = self.built.weight(layer).dims4()?;
            let along = |extent, filter| positions(extent, filter, parts.stride, parts.padding);
            let of_image =
                along(height, rows).zip(along(width, columns)).map_or(0, |(rows, columns)| rows * columns);
            let rows = samples::rows(first..first + count, all, of_image, samples);
            let op = Conv::capturing(parts.clone(), rows);
            x = x.apply_op2_no_bwd(self.built.weight(layer).as_tensor(), &op)?;
            pre_activations[layer].extend(op.captured());
        }
        images::planes(&x)
    }
}

/// Whether the activation can stand after every convolution and hidden layer, and images of `dims`
/// (channels, height, width), where they are known, are large enough.
fn check(network: &Choice, activation: &Choice, dims: Option<Dims>) -> Result<(), NetworkError> {
    Initialization::of(network).map_err(NetworkError::Settings)?;
    check_map(activation, sizes(network, "channels").len() + sizes(network, "hidden").len())?;
    check_widths(activation, sizes(network, "channels"), "convolution")?;
    check_widths(activation, sizes(network, "hidden"), "hidden layer")?;
    dims.map_or(Ok(()), |dims| stages(network, dims).map(|_| ()))
}

impl Network for Cnn {
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        let mut x = images::rows(inputs, self.dims)?;
        for (layer, parts) in self.convs.iter().enumerate() {
            let weight = self.built.weight(layer);
            x = pass.apply(&x, weight.as_tensor(), Conv::new(parts.clone(), pass.clone()))?;
        }
        self.linears.forward(&self.built, &images::planes(&x)?, pass)
    }

    fn capture(&self, inputs: &Tensor, samples: usize) -> candle_core::Result<Vec<Captured>> {
        let all = inputs.dim(0)?;
        let mut pre_activations = vec![Vec::new(); self.convs.len()];
        let mut flat = Vec::new();
        for first in (0..all).step_by(PROBED) {
            let block = inputs.narrow(0, first, PROBED.min(all - first))?;
            flat.push(self.capture_block(&block, (first, all), samples, &mut pre_activations)?);
        }
        let mut captured = Vec::new();
        for (values, parts) in pre_activations.into_iter().zip(&self.convs) {
            let activation = parts.activation.as_ref().expect("every convolution has one");
            let outputs = self.built.weight(captured.len()).dim(0)?;
            captured.push(activation.capture(values, outputs)?);
        }
        captured.extend(self.linears.capture(&self.built, &Tensor::cat(&flat, 0)?)?);
        Ok(captured)
    }

    fn injection(&self) -> Option<&Injection> {
        Some(self.linears.injection())
    }

    fn parts(&self) -> &Parts {
        &self.built.parts
    }
}

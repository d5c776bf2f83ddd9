//! What networks are put together from: layers with their parameters, and the activations behind them.
//!
//! Parameters are drawn and kept in the order in which layers are added, weight before bias, then those
//! of a normalisation, then an activation's coefficients.

use std::sync::{Arc, Mutex};

use candle_core::{DType, Tensor, Var};

use super::activation::{self, Activation};
use super::initialization::Start;
use super::layout::{Feed, Layer, NormPlaces};
use super::network::{ActivationLayer, Buffer, NetworkError, Parts};
use super::parameter::{Parameter, Role};
use crate::kernels::conv::ConvParts;
use crate::kernels::dense::DenseParts;
use crate::kernels::fused_activation::FusedActivation;
use crate::kernels::gradient::Gradient;
use crate::kernels::layer_norm::LayerNorm;
use crate::random::Stream;
use crate::spec::{Choice, Value};

/// A parameter's values and where its gradient goes.
pub(super) type Place = (Tensor, Arc<Gradient>);

/// Parameters, layers and activation layers so far.
pub struct Builder {
    pub(super) parts: Parts,
    dtype: DType,
    /// Activations put in so far.
    sites: usize,
    /// The activation layer of each set of a map that was met so far.
    mapped: Vec<usize>,
}

/// Filters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Filters {
    /// Rows, and columns, of a filter.
    pub size: usize,
    /// Step between neighbouring positions.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
}

impl Builder {
    /// Nothing yet; values in `dtype` (f32 trains, f64 checks).
    #[must_use]
    pub fn new(dtype: DType) -> Self {
        Self { parts: Parts::default(), dtype, sites: 0, mapped: Vec::new() }
    }

    /// Adds the linear layer `layers.N`.
    pub fn linear(
        &mut self,
        start: Start,
        (inputs, outputs): (usize, usize),
        stream: &mut Stream,
    ) -> Result<DenseParts, NetworkError> {
        let name = format!("layers.{}", self.parts.layers.len());
        let layer = self.layer(name, start, &[outputs, inputs], true, stream)?;
        let weight = self.place(self.parts.layers[layer].weight);
        let bias = self.place(self.parts.layers[layer].bias.expect("asked for"));
        Ok(DenseParts {
            bias: bias.0,
            weight_gradient: weight.1,
            bias_gradient: bias.1,
            norm: None,
            activation: None,
        })
    }

    /// Adds the convolution `layers.N` with a bias.
    pub fn conv(
        &mut self,
        start: Start,
        (channels, outputs): (usize, usize),
        Filters { size, stride, padding }: Filters,
        stream: &mut Stream,
    ) -> Result<ConvParts, NetworkError> {
        let name = format!("layers.{}", self.parts.layers.len());
        let layer = self.layer(name, start, &[outputs, channels, size, size], true, stream)?;
        let weight_gradient = self.place(self.parts.layers[layer].weight).1;
        let bias = self.parts.layers[layer].bias.map(|bias| self.place(bias));
        Ok(ConvParts { stride, padding, weight_gradient, bias, activation: None, pool: None })
    }

    /// Adds a layer drawn from `start`, with a weight of `shape`, whose first dimension is that of its
    /// units; gives its number.
    pub fn layer(
        &mut self,
        name: String,
        start: Start,
        shape: &[usize],
        biased: bool,
        stream: &mut Stream,
    ) -> Result<usize, NetworkError> {
        let (weights, biases) = start.draw(biased, stream);
        let weight = self.parameter(format!("{name}.weight"), Role::Weight, &weights, shape)?;
        let mut bias = None;
        if biased {
            bias = Some(self.parameter(format!("{name}.bias"), Role::Bias, &biases, &shape[..1])?);
        }
        self.parts.layers.push(Layer {
            name,
            weight,
            bias,
            norm: None,
            activation: None,
            features: shape[0],
            expansion: 1,
            feeds: Vec::new(),
            bypassed: false,
            start,
        });
        Ok(self.parts.layers.len() - 1)
    }

    /// Adds scale (1) and shift (0) of a normalisation of the layer added last: `NAME.weight` and
    /// `NAME.bias`.
    pub fn norm(
        &mut self,
        name: &str,
        statistics: Option<(usize, usize)>,
    ) -> Result<(Place, Place), NetworkError> {
        let units = self.parts.layers.last().expect("a layer comes first").units();
        let scale = self.parameter(format!("{name}.weight"), Role::Norm, &vec![1.0; units], &[units])?;
        let shift = self.parameter(format!("{name}.bias"), Role::Norm, &vec![0.0; units], &[units])?;
        let layer = self.parts.layers.last_mut().expect("a layer comes first");
        layer.norm = Some(NormPlaces { scale, shift, statistics });
        Ok((self.place(scale), self.place(shift)))
    }

    /// Adds a layer normalisation `norms.N` of the layer added last, before its activation.
    pub fn layer_norm(&mut self) -> Result<LayerNorm, NetworkError> {
        let name = format!("norms.{}", self.parts.layers.len() - 1);
        let (scale, shift) = self.norm(&name, None)?;
        Ok(LayerNorm { scale, shift })
    }

    /// Adds a layer normalisation `NAME` of so many features, in front of the layers to come.
    pub(super) fn norm_in_front(&mut self, name: &str, features: usize) -> Result<LayerNorm, NetworkError> {
        let scale =
            self.parameter(format!("{name}.weight"), Role::Norm, &vec![1.0; features], &[features])?;
        let shift = self.parameter(format!("{name}.bias"), Role::Norm, &vec![0.0; features], &[features])?;
        self.parts.norms.push(NormPlaces { scale, shift, statistics: None });
        Ok(LayerNorm { scale: self.place(scale), shift: self.place(shift) })
    }

    /// Adds an embedding of this shape, drawn from N(0, 0.02²).
    pub(super) fn embedding(
        &mut self,
        name: String,
        shape: &[usize],
        stream: &mut Stream,
    ) -> Result<Place, NetworkError> {
        let start = Start::of_embedding(shape.iter().product());
        let (values, _) = start.draw(false, stream);
        let at = self.parameter(name, Role::Embedding, &values, shape)?;
        self.parts.embeddings.push((at, start));
        Ok(self.place(at))
    }

    /// Adds values that are kept without being trained; gives their number.
    pub fn buffer(&mut self, name: String, start: Vec<f32>) -> usize {
        self.parts.buffers.push(Buffer { name, values: Arc::new(Mutex::new(start)) });
        self.parts.buffers.len() - 1
    }

    /// Puts an activation after the layer added last, which then has `width` features.
    pub fn activation(
        &mut self,
        activation: Activation,
        width: usize,
    ) -> Result<FusedActivation, NetworkError> {
        let next = self.parts.activations.len();
        let (index, shared) = match &activation.coefficients {
            Some(c) if !c.map.is_empty() => {
                let set = *c.map.get(self.sites).ok_or_else(|| unlike(&c.map, self.sites + 1))?;
                // Sets are numbered in the order in which they appear.
                (self.mapped.get(set).copied().unwrap_or(next), false)
            }
            Some(c) if c.network_wide => (0, true),
            _ => (next, false),
        };
        self.sites += 1;
        if index == next {
            self.declare_activation(&activation, index, shared)?;
            self.mapped.push(index);
        }
        let coefficients = self.parts.activations[index].parameter.map(|parameter| self.place(parameter));
        let layer = self.parts.layers.last_mut().expect("a layer comes first");
        (layer.activation, layer.features, layer.expansion) = (Some(index), width, activation.expansion);
        Ok(FusedActivation { kernel: activation.kernel, expansion: activation.expansion, coefficients })
    }

    fn declare_activation(
        &mut self,
        activation: &Activation,
        index: usize,
        shared: bool,
    ) -> Result<(), NetworkError> {
        let name = if shared { "activations".to_string() } else { format!("activations.{index}") };
        let mut parameter = None;
        if let Some(coefficients) = &activation.coefficients {
            let per_set = coefficients.names.len();
            let shape = [coefficients.start.len() / per_set, per_set];
            let role = Role::Coefficients(index);
            let at = self.parameter(format!("{name}.coefficients"), role, &coefficients.start, &shape)?;
            self.parts.parameters[at].learning_rate = coefficients.learning_rate;
            self.parts.parameters[at].weight_decay = coefficients.weight_decay;
            parameter = Some(at);
        }
        self.parts.activations.push(ActivationLayer {
            name,
            parameter,
            coefficients: activation.coefficients.clone(),
        });
        Ok(())
    }

    fn parameter(
        &mut self,
        name: String,
        role: Role,
        start: &[f64],
        shape: &[usize],
    ) -> Result<usize, NetworkError> {
        self.parts.parameters.push(Parameter::new(name, role, start, shape, self.dtype)?);
        Ok(self.parts.parameters.len() - 1)
    }

    /// Says that the features of layer `from` are multiplied by the weight of layer `to`.
    pub fn feed(&mut self, from: usize, to: usize) {
        let columns: usize = self.weight(to).dims()[1..].iter().product();
        let columns_per_feature = columns / self.parts.layers[from].features;
        self.parts.layers[from].feeds.push(Feed { layer: to, columns_per_feature });
    }

    /// Says so of every layer and the one after it.
    pub fn feed_forward(&mut self) {
        (1..self.parts.layers.len()).for_each(|to| self.feed(to - 1, to));
    }

    /// Values and gradient of parameter number `index`.
    #[must_use]
    pub(super) fn place(&self, index: usize) -> Place {
        let parameter = &self.parts.parameters[index];
        (parameter.values.as_tensor().clone(), Arc::clone(&parameter.gradient))
    }

    /// The weight of layer number `layer`.
    #[must_use]
    pub fn weight(&self, layer: usize) -> &Var {
        &self.parts.parameters[self.parts.layers[layer].weight].values
    }
}

/// Whether a map of layers to sets is one of this many activation layers.
pub(super) fn check_map(choice: &Choice, sites: usize) -> Result<(), NetworkError> {
    match choice.get("map") {
        Some(Value::Integers(map)) if map.len() != sites => Err(unlike(map, sites)),
        _ => Ok(()),
    }
}

fn unlike<T: std::fmt::Debug>(map: &[T], sites: usize) -> NetworkError {
    NetworkError::Settings(format!(
        "map = {map:?} names the sets of {} activation layers, and the network has {}{sites}: name one for each",
        map.len(),
        if sites > map.len() { "at least " } else { "" },
    ))
}

/// The activation for a layer of `width` features; those that widen have fewer units than features.
/// `layer` is what errors call such a layer.
pub fn for_width(choice: &Choice, width: usize, layer: &str) -> Result<Activation, NetworkError> {
    let activation = activation::build(choice, width).map_err(NetworkError::Settings)?;
    let expansion = activation.expansion;
    if !width.is_multiple_of(expansion) {
        return Err(NetworkError::Settings(format!(
            "{} gives {expansion} features a unit, so a {layer} needs a multiple of {expansion} features, \
             not {width}",
            choice.name
        )));
    }
    Ok(activation)
}

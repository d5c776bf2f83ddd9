//! What networks are put together from: layers with their parameters, and the activations behind them.
//!
//! Parameters are drawn and kept in the order in which layers are added, weight before bias, and an
//! activation's coefficients behind the layer that it stands after.

use std::sync::Arc;

use candle_core::{DType, Var};

use super::activation::{self, Activation};
use super::initialization::Initialization;
use super::network::{ActivationSite, Layer, NetworkError};
use super::parameter::{Parameter, Role};
use crate::kernels::activation_layer::Site;
use crate::kernels::conv::ConvParts;
use crate::kernels::dense::DenseParts;
use crate::kernels::layer_norm::LayerNorm;
use crate::random::Stream;
use crate::spec::Choice;

/// Parameters, layers and sites so far.
pub struct Builder {
    pub(super) parameters: Vec<Parameter>,
    pub(super) layers: Vec<Layer>,
    pub(super) sites: Vec<ActivationSite>,
    start: Initialization,
    normalizes: bool,
    dtype: DType,
}

/// Filters of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Filters {
    /// Channels in.
    pub channels: usize,
    /// Filters: units of the layer.
    pub outputs: usize,
    /// Rows, and columns, of a filter.
    pub size: usize,
    /// Step between neighbouring positions.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

impl Builder {
    /// Nothing yet; start values by `start`, in `dtype` (f32 trains, f64 checks).
    #[must_use]
    pub fn new(start: Initialization, dtype: DType) -> Self {
        let (parameters, layers, sites) = (Vec::new(), Vec::new(), Vec::new());
        Self { parameters, layers, sites, start, normalizes: false, dtype }
    }

    /// From now on [`Builder::layer_norm`] gives a normalisation.
    pub fn normalize_layers(&mut self) {
        self.normalizes = true;
    }

    /// Adds a hidden linear layer.
    pub fn linear(
        &mut self,
        fan_in: usize,
        fan_out: usize,
        stream: &mut Stream,
    ) -> Result<DenseParts, NetworkError> {
        self.add_linear(self.start, (fan_in, fan_out), stream)
    }

    /// Adds the last linear layer.
    pub fn head(
        &mut self,
        fan_in: usize,
        fan_out: usize,
        stream: &mut Stream,
    ) -> Result<DenseParts, NetworkError> {
        self.add_linear(self.start.of_head(), (fan_in, fan_out), stream)
    }

    fn add_linear(
        &mut self,
        start: Initialization,
        (fan_in, fan_out): (usize, usize),
        stream: &mut Stream,
    ) -> Result<DenseParts, NetworkError> {
        let start = start.linear(fan_in, fan_out, stream);
        let weight = self.layer(&start, &[fan_out, fan_in], true)?;
        let (weight, bias) = (&self.parameters[weight], &self.parameters[weight + 1]);
        Ok(DenseParts {
            bias: bias.values.as_tensor().clone(),
            weight_gradient: Arc::clone(&weight.gradient),
            bias_gradient: Arc::clone(&bias.gradient),
            norm: None,
            site: None,
        })
    }

    /// The layer normalisation of the layer added last, where the network has one: scales of 1, shifts of 0.
    /// Called before its activation is added.
    pub fn layer_norm(&mut self) -> Result<Option<LayerNorm>, NetworkError> {
        if !self.normalizes {
            return Ok(None);
        }
        let layer = self.layers.last().expect("a layer comes first");
        let (name, units) = (layer.name.replacen("layers", "norms", 1), layer.units);
        let mut add = |what: &str, start: f64| -> Result<_, NetworkError> {
            let start = vec![start; units];
            let name = format!("{name}.{what}");
            let parameter = Parameter::new(name, Role::Norm, &start, &[units], self.dtype)?;
            let place = (parameter.values.as_tensor().clone(), Arc::clone(&parameter.gradient));
            self.parameters.push(parameter);
            Ok(place)
        };
        Ok(Some(LayerNorm { scale: add("weight", 1.0)?, shift: add("bias", 0.0)? }))
    }

    /// Adds a convolution. Without a bias, none is drawn.
    pub fn conv(&mut self, filters: Filters, stream: &mut Stream) -> Result<ConvParts, NetworkError> {
        let Filters { channels, outputs, size, stride, padding, bias } = filters;
        let start = self.start.conv((channels, outputs), size * size, bias, stream);
        let weight = self.layer(&start, &[outputs, channels, size, size], bias)?;
        let bias = bias.then(|| {
            let bias = &self.parameters[weight + 1];
            (bias.values.as_tensor().clone(), Arc::clone(&bias.gradient))
        });
        let weight_gradient = Arc::clone(&self.parameters[weight].gradient);
        Ok(ConvParts { stride, padding, weight_gradient, bias, site: None, pool: None })
    }

    /// Adds a layer of the given start values; its first dimension is that of its units. Gives the
    /// number of its weight among the parameters, which its bias follows.
    fn layer(
        &mut self,
        (weight, bias): &(Vec<f64>, Vec<f64>),
        shape: &[usize],
        biased: bool,
    ) -> Result<usize, NetworkError> {
        let name = format!("layers.{}", self.layers.len());
        let (first, units) = (self.parameters.len(), shape[0]);
        let make = |what: &str, role, start: &[f64], shape: &[usize]| {
            Parameter::new(format!("{name}.{what}"), role, start, shape, self.dtype)
        };
        let weight = make("weight", Role::Weight, weight, shape)?;
        let bias = if biased { Some(make("bias", Role::Bias, bias, &[units])?) } else { None };
        self.parameters.push(weight);
        self.parameters.extend(bias);
        self.layers.push(Layer { name, weight: first, site: None, units });
        Ok(first)
    }

    /// Puts an activation after the layer added last, which then has `width` features.
    pub fn site(&mut self, activation: Activation, width: usize) -> Result<Site, NetworkError> {
        let shared = activation.coefficients.as_ref().is_some_and(|c| c.network_wide);
        let index = if shared { 0 } else { self.sites.len() };
        if index == self.sites.len() {
            self.declare_site(&activation, index, shared)?;
        }
        let coefficients = self.sites[index].parameter.map(|p| {
            let parameter = &self.parameters[p];
            (parameter.values.as_tensor().clone(), Arc::clone(&parameter.gradient))
        });
        let layer = self.layers.last_mut().expect("a layer comes first");
        (layer.site, layer.units) = (Some(index), width);
        Ok(Site { kernel: activation.kernel, widening: activation.widening, coefficients })
    }

    fn declare_site(
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
            let mut values = Parameter::new(
                format!("{name}.coefficients"),
                Role::Coefficients(index),
                &coefficients.start,
                &shape,
                self.dtype,
            )?;
            values.learning_rate = coefficients.learning_rate;
            values.weight_decay = coefficients.weight_decay;
            parameter = Some(self.parameters.len());
            self.parameters.push(values);
        }
        self.sites.push(ActivationSite { name, parameter, coefficients: activation.coefficients.clone() });
        Ok(())
    }

    /// The weight of layer number `layer`.
    #[must_use]
    pub fn weight(&self, layer: usize) -> &Var {
        &self.parameters[self.layers[layer].weight].values
    }
}

/// The activation for a layer of `width` features; those that widen have fewer units than features.
/// `layer` is what errors call such a layer.
pub fn for_width(choice: &Choice, width: usize, layer: &str) -> Result<Activation, NetworkError> {
    let activation = activation::build(choice, width).map_err(NetworkError::Settings)?;
    let widening = activation.widening;
    if !width.is_multiple_of(widening) {
        return Err(NetworkError::Settings(format!(
            "{} gives {widening} features a unit, so a {layer} needs a multiple of {widening} features, \
             not {width}",
            choice.name
        )));
    }
    Ok(activation)
}

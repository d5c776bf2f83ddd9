//! A multilayer perceptron of any depth and width.

use std::sync::Arc;

use candle_core::{DType, Tensor};

use super::activation::{self, Activation};
use super::initialization::{self, SCHEMES};
use super::network::{ActivationSite, Layer, Network, NetworkError, Pass};
use super::parameter::{Parameter, Role};
use crate::kernels::dense::{Dense, DenseParts, Site, Tap};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "mlp",
    summary: "linear layers with an activation after each hidden one",
    source: "",
    parameters: &[
        Setting {
            name: "hidden",
            summary: "features of each hidden layer",
            kind: Kind::Integers { default: &[100, 100], min: 1, max: 65_536, lengths: (0, 64) },
        },
        Setting {
            name: "initialization",
            summary: "start values of weights and biases",
            kind: Kind::Text { default: Some("pytorch"), one_of: SCHEMES },
        },
    ],
};

/// The network: parameters in `PyTorch`'s order, and one op's parts per layer.
pub struct Mlp {
    parameters: Vec<Parameter>,
    layers: Vec<Layer>,
    sites: Vec<ActivationSite>,
    parts: Vec<DenseParts>,
}

impl Mlp {
    /// Draws the start values from `stream`: layer by layer, weight before bias.
    pub fn new(
        network: &Choice,
        activation: &Choice,
        inputs: usize,
        classes: usize,
        stream: &mut Stream,
        dtype: DType,
    ) -> Result<Self, NetworkError> {
        let scheme = network.text("initialization");
        let mut built =
            Self { parameters: Vec::new(), layers: Vec::new(), sites: Vec::new(), parts: Vec::new() };
        let mut fan_in = inputs;
        for &width in network.integers("hidden") {
            let width = usize::try_from(width).expect("checked against the catalogue");
            let activation = build_for_width(activation, width)?;
            let units = width / activation.widening;
            built.add_linear(scheme, fan_in, units, stream, dtype)?;
            built.add_site(activation, width, dtype)?;
            fan_in = width;
        }
        built.add_linear(scheme, fan_in, classes, stream, dtype)?;
        Ok(built)
    }

    fn add_linear(
        &mut self,
        scheme: &str,
        fan_in: usize,
        fan_out: usize,
        stream: &mut Stream,
        dtype: DType,
    ) -> Result<(), NetworkError> {
        let name = format!("layers.{}", self.layers.len());
        let (weight, bias) = initialization::linear(scheme, fan_in, fan_out, stream);
        let make = |what: &str, role, start: &[f64], shape: &[usize]| {
            Parameter::new(format!("{name}.{what}"), role, start, shape, dtype)
        };
        let weight = make("weight", Role::Weight, &weight, &[fan_out, fan_in])?;
        let bias = make("bias", Role::Bias, &bias, &[fan_out])?;
        self.parts.push(DenseParts {
            bias: bias.values.as_tensor().clone(),
            weight_gradient: Arc::clone(&weight.gradient),
            bias_gradient: Arc::clone(&bias.gradient),
            site: None,
        });
        self.layers.push(Layer { name, weight: self.parameters.len(), site: None, units: fan_out });
        self.parameters.extend([weight, bias]);
        Ok(())
    }

    /// Puts an activation after the layer added last, which then has `width` features.
    fn add_site(&mut self, activation: Activation, width: usize, dtype: DType) -> Result<(), NetworkError> {
        let shared = activation.coefficients.as_ref().is_some_and(|c| c.network_wide);
        let index = if shared { 0 } else { self.sites.len() };
        if index == self.sites.len() {
            self.declare_site(&activation, index, shared, dtype)?;
        }
        let coefficients = self.sites[index].parameter.map(|p| {
            let parameter = &self.parameters[p];
            (parameter.values.as_tensor().clone(), Arc::clone(&parameter.gradient))
        });
        let site = Site { kernel: activation.kernel, widening: activation.widening, coefficients };
        let (layer, parts) = (self.layers.last_mut(), self.parts.last_mut());
        let (layer, parts) = (layer.expect("a linear layer comes first"), parts.expect("likewise"));
        (layer.site, layer.units) = (Some(index), width);
        parts.site = Some(site);
        Ok(())
    }

    fn declare_site(
        &mut self,
        activation: &Activation,
        index: usize,
        shared: bool,
        dtype: DType,
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
                dtype,
            )?;
            values.learning_rate = coefficients.learning_rate;
            values.weight_decay = coefficients.weight_decay;
            parameter = Some(self.parameters.len());
            self.parameters.push(values);
        }
        self.sites.push(ActivationSite { name, parameter, coefficients: activation.coefficients.clone() });
        Ok(())
    }

    fn weight(&self, layer: usize) -> &candle_core::Var {
        &self.parameters[self.layers[layer].weight].values
    }
}

/// Whether the activation can stand after every hidden layer.
pub fn check(network: &Choice, activation: &Choice) -> Result<(), NetworkError> {
    let mut widths = network.integers("hidden").to_vec();
    widths.sort_unstable();
    widths.dedup();
    for width in widths {
        build_for_width(activation, usize::try_from(width).expect("checked against the catalogue"))?;
    }
    Ok(())
}

/// The activation for a layer of `width` features; those that widen have fewer units than features.
fn build_for_width(choice: &Choice, width: usize) -> Result<Activation, NetworkError> {
    let activation = activation::build(choice, width).map_err(NetworkError::Settings)?;
    let widening = activation.widening;
    if !width.is_multiple_of(widening) {
        return Err(NetworkError::Settings(format!(
            "{} gives {widening} features a unit, so a hidden layer needs a multiple of {widening} features, \
             not {width}",
            choice.name
        )));
    }
    Ok(activation)
}

impl Network for Mlp {
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        let mut x = inputs.clone();
        for (index, parts) in self.parts.iter().enumerate() {
            x = match pass {
                Pass::Train(draws) => {
                    x.apply_op2(self.weight(index), Dense::new(parts.clone(), Some(Arc::clone(draws))))?
                }
                Pass::Evaluate => {
                    x.apply_op2_no_bwd(self.weight(index).as_tensor(), &Dense::new(parts.clone(), None))?
                }
            };
        }
        Ok(x)
    }

    fn taps(&self, inputs: &Tensor) -> candle_core::Result<Vec<Tap>> {
        let mut taps = Vec::new();
        let mut x = inputs.clone();
        for (index, parts) in self.parts.iter().enumerate() {
            let Some(site) = &parts.site else { continue };
            let linear = DenseParts { site: None, ..parts.clone() };
            let z = x.apply_op2_no_bwd(self.weight(index).as_tensor(), &Dense::new(linear, None))?;
            let (rows, units) = z.dims2()?;
            let tap = site.tap(z.flatten_all()?.to_vec1()?, units)?;
            x = Tensor::from_slice(&tap.features, (rows, units * site.widening), inputs.device())?;
            taps.push(tap);
        }
        Ok(taps)
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn sites(&self) -> &[ActivationSite] {
        &self.sites
    }
}

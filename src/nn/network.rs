//! What the training loop and the probes know of a network.

use std::sync::{Arc, Mutex};

use candle_core::Tensor;

use super::activation::{CoefficientRule, Coefficients};
use super::{Cnn, Mlp, Parameter, ResNet};
use crate::kernels::activation_layer::Tap;
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Plan};

/// Why a network could not be built.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Settings that do not go together.
    #[error("{0}.")]
    Settings(String),
    /// candle refused.
    #[error("the network could not be built: {0}")]
    Candle(#[from] candle_core::Error),
}

/// A layer as the probes name it.
#[derive(Clone, Debug)]
pub struct Layer {
    /// layers.0, layers.1, …
    pub name: String,
    /// Index of its weight in [`Network::parameters`].
    pub weight: usize,
    /// Index of its activation in [`Network::sites`]; `None` for the head.
    pub site: Option<usize>,
    /// Features that it puts out.
    pub units: usize,
}

/// An activation with coefficients, where it stands.
#[derive(Clone)]
pub struct ActivationSite {
    /// activations.0, …; `activations` alone where the network shares one set.
    pub name: String,
    /// Index of its coefficients in [`Network::parameters`]; `None` if it has none.
    pub parameter: Option<usize>,
    /// Start, names and rule of its coefficients.
    pub coefficients: Option<Coefficients>,
}

impl ActivationSite {
    /// The rule of the coefficients, if there are any.
    #[must_use]
    pub fn rule(&self) -> Option<&dyn CoefficientRule> {
        self.coefficients.as_ref().map(|c| &*c.rule)
    }
}

/// Values that a network keeps without training them: running statistics. Part of every checkpoint.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// `PyTorch` name: `bn1.running_mean`.
    pub name: String,
    /// The values; only a training pass changes them.
    pub values: Arc<Mutex<Vec<f32>>>,
}

/// A network.
pub trait Network: Send {
    /// Logits (batch, classes) of inputs (batch, features).
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor>;

    /// What every layer with an activation computes on the inputs, in evaluation mode: one tap for each
    /// of [`Network::layers`] that has a site, in their order. The units of a
    /// convolution are its channels, its rows are images × positions, of which so many `samples` are
    /// taken.
    fn taps(&self, inputs: &Tensor, samples: usize) -> candle_core::Result<Vec<Tap>>;

    /// All trained values, in a fixed order.
    fn parameters(&self) -> &[Parameter];

    /// All values that it keeps without training them, in a fixed order.
    fn buffers(&self) -> &[Buffer] {
        &[]
    }

    /// Layers in forward order, the head last.
    fn layers(&self) -> &[Layer];

    /// Activation sites in forward order; one entry for all where the network shares its coefficients.
    fn sites(&self) -> &[ActivationSite];
}

/// Catalogue section `networks`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    vec![super::mlp::ENTRY, super::cnn::ENTRY, super::resnet::ENTRY]
}

/// Whether the plan's activation and network go together: found out before anything is drawn or trained.
pub fn check(plan: &Plan) -> Result<(), NetworkError> {
    match plan.network.name.as_str() {
        "mlp" => super::mlp::check(&plan.network, &plan.activation),
        "resnet18" => super::resnet::check(&plan.network, &plan.activation),
        "cnn" => {
            let manifest = crate::data::manifest(&plan.data().dataset).ok();
            let dims = manifest.map(|m| (m.channels, m.height, m.width));
            super::cnn::check(&plan.network, &plan.activation, dims)
        }
        _ => Ok(()),
    }
}

/// The network of a plan for inputs of `dims` (channels, height, width) and `classes` classes, drawn
/// from `stream`.
pub fn build(
    plan: &Plan,
    dims: (usize, usize, usize),
    classes: usize,
    stream: &mut Stream,
) -> Result<Box<dyn Network>, NetworkError> {
    let choice: &Choice = &plan.network;
    match choice.name.as_str() {
        "mlp" => Ok(Box::new(Mlp::new(
            choice,
            &plan.activation,
            dims.0 * dims.1 * dims.2,
            classes,
            stream,
            candle_core::DType::F32,
        )?)),
        "resnet18" => Ok(Box::new(ResNet::new(
            choice,
            &plan.activation,
            dims,
            classes,
            stream,
            candle_core::DType::F32,
        )?)),
        "cnn" => {
            Ok(Box::new(Cnn::new(choice, &plan.activation, dims, classes, stream, candle_core::DType::F32)?))
        }
        other => Err(NetworkError::Settings(format!("there is no network named {other}"))),
    }
}

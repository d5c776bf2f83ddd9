//! What the training loop, the probes and the registry know of a network.

use std::sync::{Arc, Mutex};

use candle_core::{DType, Tensor};

use super::activation::{CoefficientRule, Coefficients};
use super::initialization::Start;
use super::injection::Injection;
use super::layout::{Layer, NormPlaces};
use super::parameter::{Parameter, Role};
use super::work::LayerWork;
use crate::data::Content;
use crate::kernels::fused_activation::Captured;
use crate::kernels::pass::Pass;
use crate::random::Stream;
use crate::spec::{Choice, Entry};

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

/// An activation with coefficients, where it stands.
#[derive(Clone)]
pub struct ActivationLayer {
    /// activations.0, …; `activations` alone where the network shares one set.
    pub name: String,
    /// Index of its coefficients in [`Network::parameters`]; `None` if it has none.
    pub parameter: Option<usize>,
    /// Start, names and rule of its coefficients.
    pub coefficients: Option<Coefficients>,
}

impl ActivationLayer {
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

    /// The activations of every hidden layer on the inputs, in evaluation mode: one entry for each of
    /// [`Network::layers`] that has an activation, in their order. The units of a convolution are its
    /// channels. Its rows are images × positions, of which `samples` are taken.
    fn capture(&self, inputs: &Tensor, samples: usize) -> candle_core::Result<Vec<Captured>>;

    /// What [`Network::capture`] gives of all samples, to the bit, told from the last training pass if that was
    /// on these inputs, with the weights as they are, and its loss is still there; `None` where it cannot be.
    fn captured(&self, inputs: &Tensor) -> candle_core::Result<Option<Vec<Captured>>> {
        let _ = inputs;
        Ok(None)
    }

    /// Its last linear layers, to whose outputs those of frozen copies can be added; `None` where there is no
    /// such place.
    fn injection(&self) -> Option<&Injection> {
        None
    }

    /// What it is made of.
    fn parts(&self) -> &Parts;

    /// All trained values, in a fixed order.
    fn parameters(&self) -> &[Parameter] {
        &self.parts().parameters
    }

    /// All values that it keeps without training them, in a fixed order.
    fn buffers(&self) -> &[Buffer] {
        &self.parts().buffers
    }

    /// Layers in forward order, the head last.
    fn layers(&self) -> &[Layer] {
        &self.parts().layers
    }

    /// Activation layers in forward order; one entry for all where the network shares its coefficients.
    fn activations(&self) -> &[ActivationLayer] {
        &self.parts().activations
    }
}

/// What a network is made of, each list in a fixed order.
#[derive(Default)]
pub struct Parts {
    /// See [`Network::parameters`].
    pub parameters: Vec<Parameter>,
    /// See [`Network::layers`].
    pub layers: Vec<Layer>,
    /// See [`Network::activations`].
    pub activations: Vec<ActivationLayer>,
    /// See [`Network::buffers`].
    pub buffers: Vec<Buffer>,
    /// Normalisations that stand in front of layers and belong to none, in forward order.
    pub norms: Vec<NormPlaces>,
    /// Indices of embeddings in [`Network::parameters`], ascending, and what each was drawn from.
    pub embeddings: Vec<(usize, Start)>,
}

/// Channels, height and width of the inputs.
pub type Dims = (usize, usize, usize);

/// What a network is built from.
#[derive(Clone, Copy, Debug)]
pub struct Blueprint<'a> {
    /// Entry and settings.
    pub network: &'a Choice,
    /// After each hidden layer.
    pub activation: &'a Choice,
    /// Of the inputs.
    pub dims: Dims,
    /// Features of the last layer: classes.
    pub outputs: usize,
    /// f32 trains, f64 checks.
    pub dtype: DType,
}

/// Builds a network with start values from the stream.
pub type Build = fn(&Blueprint<'_>, &mut Stream) -> Result<Box<dyn Network>, NetworkError>;

/// A registered network.
pub struct Registered {
    /// Name, summary, source, parameters.
    pub entry: Entry,
    /// What its inputs are.
    pub reads: Content,
    /// Whether network and activation go together, on inputs of these sizes where they are known; the error
    /// is a sentence.
    pub check: fn(&Choice, &Choice, Option<Dims>) -> Result<(), NetworkError>,
    /// The network with start values from the stream.
    pub build: Build,
    /// What its layers cost for inputs of these sizes and that many outputs, in forward order; `None` where
    /// it cannot be built.
    pub work: fn(&Choice, Dims, usize) -> Option<Vec<LayerWork>>,
}

/// The rule of coefficients; nothing else has one.
#[must_use]
pub fn rule_of(network: &dyn Network, role: Role) -> Option<&dyn CoefficientRule> {
    match role {
        Role::Coefficients(site) => network.activations()[site].rule(),
        Role::Weight | Role::Bias | Role::Norm | Role::Embedding => None,
    }
}

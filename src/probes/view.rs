//! What a probe is shown of a layer, and what it says about it.

use crate::nn::activation::Curve;

/// One layer at one moment. A part that is not known, or that a layer does not have, is empty or
/// `None`, and the probes that read it are silent.
#[derive(Clone, Copy, Debug, Default)]
pub struct LayerView<'a> {
    /// Name in the rows: `layers.0`.
    pub name: &'a str,
    /// Rows of `features`. A convolution's samples are images × positions.
    pub samples: usize,
    /// Columns of `features`. A convolution's units are its channels.
    pub units: usize,
    /// Post-activations (samples, units), row-major; empty for the head.
    pub features: &'a [f32],
    /// z, (samples, units before the activation), row-major; empty for the head.
    pub pre_activations: &'a [f32],
    /// φ'(z) of every pre-activation, in their order; `None` where it has no meaning.
    pub slopes: Option<&'a [f32]>,
    /// The weight in any layout, without the bias.
    pub weight: &'a [f32],
    /// Gradient of the weight, of the last minibatch's loss.
    pub gradient: Option<&'a [f32]>,
    /// What methods added to it before the optimiser saw it.
    pub penalty: Option<&'a [f32]>,
    /// Change of the weight in that step.
    pub update: Option<&'a [f32]>,
    /// z on training examples of this task and of the one before, if both are looked at.
    pub on_tasks: Option<[&'a [f32]; 2]>,
    /// Features that the activation makes of one z; 0 counts as 1.
    pub expansion: usize,
    /// The layer's rational curve; of several sets, their [`super::worst`].
    pub curve: Option<Curve>,
}

impl LayerView<'_> {
    pub(super) fn pre_activation_units(&self) -> usize {
        self.units / self.expansion.max(1)
    }
}

/// One row of probes.csv, less the run's own columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Probe, with the part's name where it has several (`dormant_units_0.025`).
    pub probe: String,
    /// What was measured; always finite.
    pub value: f64,
    /// Units of the layer: together with `samples` the cap on any rank. `None` of a whole network.
    pub units: Option<usize>,
    /// Samples that the value was measured on; `None` where it rests on no sample (weights, curves).
    pub samples: Option<usize>,
}

//! A network to look at: what observers and probes get. Nothing of it can be changed through this.

use std::sync::PoisonError;

use candle_core::{Result, Tensor};

use crate::kernels::fused_activation::Captured;
use crate::nn::{ActivationLayer, Injection, Layer, Network, Pass};

/// A network that can be read and evaluated, and not changed.
#[derive(Clone, Copy)]
pub struct View<'a> {
    network: &'a dyn Network,
}

impl<'a> View<'a> {
    /// Of this network.
    #[must_use]
    pub fn new(network: &'a dyn Network) -> Self {
        Self { network }
    }

    /// Layers in forward order, the head last.
    #[must_use]
    pub fn layers(&self) -> &'a [Layer] {
        self.network.layers()
    }

    /// Activation sites in forward order.
    #[must_use]
    pub fn activations(&self) -> &'a [ActivationLayer] {
        self.network.activations()
    }

    /// A copy of the values of parameter number `parameter`.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn values(&self, parameter: usize) -> Result<Vec<f32>> {
        self.network.parameters()[parameter].to_vec()
    }

    /// Number of parameters: tensors, not values.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.network.parameters().len()
    }

    /// Its last linear layers with their frozen copies, where it has such.
    #[must_use]
    pub fn injection(&self) -> Option<&'a Injection> {
        self.network.injection()
    }

    /// A copy of every buffer: running statistics, in the network's order.
    #[must_use]
    pub fn buffers(&self) -> Vec<Vec<f32>> {
        let buffers = self.network.buffers().iter();
        buffers.map(|buffer| buffer.values.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// A copy of every layer's weight.
    pub fn weights(&self) -> Result<Vec<Vec<f32>>> {
        self.layers().iter().map(|layer| self.values(layer.weight)).collect()
    }

    /// Outputs (batch, outputs) of inputs (batch, features), in evaluation mode.
    pub fn outputs(&self, inputs: &Tensor) -> Result<Tensor> {
        self.network.forward(inputs, &Pass::Evaluate)
    }

    /// What every layer with an activation computes on the inputs, as [`Network::capture`].
    pub fn features(&self, inputs: &Tensor, samples: usize) -> Result<Vec<Captured>> {
        self.network.capture(inputs, samples)
    }
}

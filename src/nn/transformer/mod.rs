//! What `vit` and `gpt` have in common: blocks of attention and a feed-forward pair with the network's activation
//! between, a last normalisation, a head; their settings, and the network that is made of them.

mod block;
mod capture;
mod embedding;
mod linear;
mod make;
mod op;
mod settings;

use std::sync::Arc;

use candle_core::Tensor;

use self::op::{Body, TransformerOp};
use super::builder::Builder;
use super::network::{Network, Parts};
use crate::kernels::fused_activation::Captured;
use crate::kernels::pass::Pass;

pub(super) use self::embedding::Cut;
pub(super) use self::make::{Kind, build};
pub(super) use self::op::Readout;
pub(super) use self::settings::{RATIO, Settings, depth, heads, size, width};

/// The network.
pub(super) struct Transformer {
    built: Builder,
    body: Arc<Body>,
}

impl Network for Transformer {
    fn forward(&self, inputs: &Tensor, pass: &Pass) -> candle_core::Result<Tensor> {
        let any = self.built.parts.parameters[0].values.as_tensor();
        pass.apply(inputs, any, TransformerOp::new(Arc::clone(&self.body), pass.clone()))
    }

    fn capture(&self, inputs: &Tensor, samples: usize) -> candle_core::Result<Vec<Captured>> {
        self.body.capture(inputs, samples)
    }

    fn parts(&self) -> &Parts {
        &self.built.parts
    }
}

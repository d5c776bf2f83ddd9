//! How a pass through a network is run, forward and backward.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CustomOp2, Result, Tensor};

use super::element::Mode;
use crate::random::Stream;

/// How a forward pass is run, and what its backward pass may write.
#[derive(Clone)]
pub enum Pass {
    /// Training. Recorded for the backward pass, which writes the gradient of every parameter, and ∂x
    /// where the inputs are part of candle's graph. Randomised activations draw from the stream and
    /// running statistics move.
    Train(Arc<Mutex<Stream>>),
    /// The gradient by the inputs alone, as an actor takes it through a critic. The values are those of
    /// [`Pass::Evaluate`]; the backward pass gives ∂x and writes no parameter's gradient. Nothing is drawn
    /// and no statistics move. Inputs that are not part of candle's graph record nothing.
    Through,
    /// The gradient of every parameter at the values of [`Pass::Evaluate`], as probes take it. Recorded like a
    /// training pass, but nothing is drawn, no statistics move, and running statistics are constants.
    Differentiate,
    /// Values alone. Not recorded, nothing drawn, no statistics moved.
    Evaluate,
}

impl Pass {
    /// A training pass whose randomised activations draw from `stream`.
    #[must_use]
    pub fn train(stream: Stream) -> Self {
        Self::Train(Arc::new(Mutex::new(stream)))
    }

    /// Whether parameters get their gradients.
    #[must_use]
    pub fn trains(&self) -> bool {
        matches!(self, Self::Train(_) | Self::Differentiate)
    }

    /// Whether a backward pass can follow.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        !matches!(self, Self::Evaluate)
    }

    /// Applies a layer's op to its inputs `x` and its weight `w` as this pass records it.
    pub fn apply(
        &self,
        x: &Tensor,
        w: &Tensor,
        op: impl CustomOp2 + Send + Sync + 'static,
    ) -> Result<Tensor> {
        match self {
            Self::Train(_) | Self::Differentiate => x.apply_op2(w, op),
            // A weight that is a variable would put the op on candle's graph whatever x is.
            Self::Through => x.apply_op2(&w.detach(), op),
            Self::Evaluate => x.apply_op2_no_bwd(w, &op),
        }
    }

    /// Runs `body` in this pass's mode: the stream is locked for as long as a training pass draws.
    pub(crate) fn with_mode<R>(&self, body: impl FnOnce(&mut Mode<'_>) -> R) -> R {
        match self {
            Self::Train(draws) => {
                body(&mut Mode::Train(&mut draws.lock().unwrap_or_else(PoisonError::into_inner)))
            }
            Self::Through | Self::Differentiate | Self::Evaluate => body(&mut Mode::Evaluate),
        }
    }
}

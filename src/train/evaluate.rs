//! Accuracy and loss on a set of examples, in evaluation mode.

use candle_core::Result;

use super::batch::batch;
use crate::kernels::loss::cross_entropy;
use crate::nn::{Network, Pass};
use crate::tasks::Examples;

/// Examples per forward pass: large enough for a quick product, small enough for the cache.
const BATCH: usize = 256;

/// Accuracy and mean loss over a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Share of examples whose largest logit is the label's.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
}

/// Evaluates `network` on all of `examples`.
pub fn evaluate(network: &dyn Network, examples: &Examples) -> Result<Evaluation> {
    let positions: Vec<u32> = (0..examples.labels.len() as u32).collect();
    let (mut correct, mut loss) = (0, 0.0);
    for positions in positions.chunks(BATCH) {
        let (inputs, targets) = batch(examples, positions)?;
        let batch = cross_entropy(&network.forward(&inputs, &Pass::Evaluate)?, targets)?;
        correct += batch.correct;
        loss += f64::from(batch.loss.to_scalar::<f32>()?) * positions.len() as f64;
    }
    let n = positions.len() as f64;
    Ok(Evaluation { accuracy: correct as f64 / n, loss: loss / n })
}

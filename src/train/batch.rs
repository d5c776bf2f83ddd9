//! Examples as candle sees them.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::kernels::loss::Targets;
use crate::tasks::{Answers, Examples};

/// Inputs (positions, features) and targets of the examples at `positions`: one copy of the pixels,
/// into the tensor's own memory.
pub fn batch(examples: &Examples, positions: &[u32]) -> Result<(Tensor, Targets)> {
    let mut inputs = Vec::new();
    examples.inputs.gather(positions, &mut inputs);
    let labels = positions.iter().map(|&p| examples.labels[p as usize]).collect();
    let shape = (positions.len(), examples.inputs.features());
    let among = match &examples.answers {
        Answers::All => None,
        answers => Some(Arc::new(positions.iter().filter_map(|&p| answers.at(p).cloned()).collect())),
    };
    Ok((Tensor::from_vec(inputs, shape, &Device::Cpu)?, Targets { labels: Arc::new(labels), among }))
}

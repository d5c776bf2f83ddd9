//! Examples as candle sees them.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::tasks::Examples;

/// Inputs (positions, features) and labels of the examples at `positions`: one copy of the pixels,
/// into the tensor's own memory.
pub fn batch(examples: &Examples, positions: &[u32]) -> Result<(Tensor, Arc<Vec<u32>>)> {
    let mut inputs = Vec::new();
    examples.inputs.gather(positions, &mut inputs);
    let labels = positions.iter().map(|&p| examples.labels[p as usize]).collect();
    let shape = (positions.len(), examples.inputs.features());
    Ok((Tensor::from_vec(inputs, shape, &Device::Cpu)?, Arc::new(labels)))
}

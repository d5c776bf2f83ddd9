//! Examples as candle sees them.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use crate::kernels::loss::Targets;
use crate::tasks::{Crops, Examples};

/// An example of an earlier task that a batch is extended by.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Those of its task, or some of them.
    pub examples: Arc<Examples>,
    /// Which one.
    pub position: u32,
}

/// Inputs (positions, features) and targets of the examples at `positions`: one copy of the pixels,
/// into the tensor's own memory.
pub fn batch(examples: &Examples, positions: &[u32]) -> Result<(Tensor, Targets)> {
    training_batch((examples, positions), &[], None)
}

/// The same with rows of earlier tasks behind the task's own, every image cropped where there are crops.
pub fn training_batch(
    (examples, positions): (&Examples, &[u32]),
    replayed: &[Replayed],
    mut crops: Option<Crops>,
) -> Result<(Tensor, Targets)> {
    let rows = || {
        let own = positions.iter().map(|&position| (examples, position));
        own.chain(replayed.iter().map(|row| (&*row.examples, row.position)))
    };
    let shape = (positions.len() + replayed.len(), examples.inputs.features());
    let mut inputs = Vec::with_capacity(shape.0 * shape.1);
    for (examples, position) in rows() {
        match &mut crops {
            Some(crops) => examples.inputs.append_cropped(position, crops.draw(), &mut inputs),
            None => examples.inputs.append(position, &mut inputs),
        }
    }
    let labels = rows().map(|(examples, position)| examples.labels[position as usize]).collect();
    let among: Option<Vec<_>> = rows().map(|(examples, at)| examples.answers.at(at).cloned()).collect();
    let targets = Targets { labels: Arc::new(labels), among: among.map(Arc::new) };
    Ok((Tensor::from_vec(inputs, shape, &Device::Cpu)?, targets))
}

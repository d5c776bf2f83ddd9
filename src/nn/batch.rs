//! Examples as candle sees them.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, bail};

use crate::kernels::loss::{BatchLoss, Targets, cross_entropy};
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

/// Mean cross-entropy of a network's `outputs` for `inputs` (examples, features), and how many rows are correct.
///
/// Outputs have a row for each example, or, of text, one for each of its places, which answers with the character that
/// follows there: see [`places`].
pub fn loss(inputs: &Tensor, outputs: &Tensor, targets: Targets) -> Result<BatchLoss> {
    cross_entropy(outputs, places(inputs, outputs, targets)?)
}

/// The targets of every row of `outputs`. Where each example has a row for each of its characters, they are the
/// characters behind these, the example's own label behind the last; with a head a task, as rows of that head.
pub fn places(inputs: &Tensor, outputs: &Tensor, targets: Targets) -> Result<Targets> {
    let (rows, examples) = (outputs.dim(0)?, targets.labels.len());
    if rows == examples {
        return Ok(targets);
    }
    let (given, length) = inputs.dims2()?;
    if given != examples || rows != examples * length {
        bail!("{rows} rows of outputs for {examples} targets of {given} examples with {length} places");
    }
    let characters: Vec<f32> = inputs.detach().to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1()?;
    let mut labels = Vec::with_capacity(rows);
    for (example, characters) in characters.chunks_exact(length).enumerate() {
        let first = targets.among.as_ref().and_then(|among| among[example].first()).copied().unwrap_or(0);
        labels.extend(characters[1..].iter().map(|&character| first + character as u32));
        labels.push(targets.labels[example]);
    }
    let among = targets.among.as_ref().map(|among| {
        Arc::new(among.iter().flat_map(|among| std::iter::repeat_n(Arc::clone(among), length)).collect())
    });
    Ok(Targets { labels: Arc::new(labels), among })
}

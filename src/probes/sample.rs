//! Examples that the probes of a whole network look at: inputs with their labels, drawn from a task.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};

use crate::kernels::loss::Targets;
use crate::nn::batch;
use crate::random::Stream;
use crate::tasks::{Examples, draw};

/// Rows of a forward and backward pass: the memory of a convolution's is of one batch.
const BATCH: usize = 256;

/// Some examples of one task.
pub(super) struct Sample {
    inputs: Tensor,
    targets: Targets,
}

impl Sample {
    /// `count` of `examples` drawn without replacement; all of them where there are no more. Tasks with as
    /// many examples are looked at in the same positions.
    pub(super) fn of(examples: &Examples, count: usize, seed: u64) -> Result<Self> {
        let positions = positions(examples.len(), count, seed);
        let (inputs, targets) = batch(examples, &positions)?;
        Ok(Self { inputs, targets })
    }

    /// These rows, in f32.
    #[cfg(test)]
    pub(super) fn new(inputs: Tensor, targets: Targets) -> Self {
        Self { inputs, targets }
    }

    /// Number of examples.
    pub(super) fn len(&self) -> usize {
        self.targets.labels.len()
    }

    /// The first `count`, or all.
    pub(super) fn first(&self, count: usize) -> Result<Self> {
        let count = count.min(self.len());
        Ok(Self { inputs: self.inputs.narrow(0, 0, count)?, targets: self.targets.range(0..count) })
    }

    /// The examples at these positions of the sample, which may repeat.
    pub(super) fn at(&self, positions: &[u32]) -> Result<Self> {
        let index = Tensor::from_slice(positions, positions.len(), self.inputs.device())?;
        let labels = positions.iter().map(|&at| self.targets.labels[at as usize]).collect();
        let among = self.targets.among.as_ref().map(|among| {
            Arc::new(positions.iter().map(|&at| Arc::clone(&among[at as usize])).collect::<Vec<_>>())
        });
        let targets = Targets { labels: Arc::new(labels), among };
        Ok(Self { inputs: self.inputs.index_select(&index, 0)?, targets })
    }

    /// Inputs (examples, features).
    pub(super) fn inputs(&self) -> &Tensor {
        &self.inputs
    }

    /// Labels, and the answers that count.
    pub(super) fn targets(&self) -> &Targets {
        &self.targets
    }

    /// All examples in order, some at a time, with inputs in `dtype`.
    pub(super) fn batches(&self, dtype: DType) -> Result<Vec<(Tensor, Targets)>> {
        let starts = (0..self.len()).step_by(BATCH);
        let batch = |from: usize| {
            let count = BATCH.min(self.len() - from);
            let inputs = self.inputs.narrow(0, from, count)?.contiguous()?.to_dtype(dtype)?;
            Ok((inputs, self.targets.range(from..from + count)))
        };
        starts.map(batch).collect()
    }
}

/// Inputs (examples, features) of `count` of a task's training examples, or of all.
///
/// # Errors
/// If candle refuses an operation.
pub fn task_inputs(examples: &Examples, count: usize, seed: u64) -> Result<Tensor> {
    Ok(Sample::of(examples, count, seed)?.inputs)
}

/// Positions of `count` of `all` examples, drawn without replacement; all in their order where there are no more.
fn positions(all: usize, count: usize, seed: u64) -> Vec<u32> {
    if count >= all {
        return (0..all as u32).collect();
    }
    draw(&mut Stream::new(seed, "probe-examples", 0), all, count)
}

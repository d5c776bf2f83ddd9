//! Between slices, on which an agent's small mathematics is written, and the tensors that networks take.

use candle_core::{Device, Result, Tensor};

use crate::kernels::storage::Slices;
use crate::nn::{Network, Pass};

/// (rows, features) from values.
pub fn matrix(values: Vec<f32>, features: usize) -> Result<Tensor> {
    let rows = values.len() / features;
    Tensor::from_vec(values, (rows, features), &Device::Cpu)
}

/// Rows of `a` (rows, n) with those of `b` (rows, m) behind them.
pub fn beside<T: Copy>(a: &[T], n: usize, b: &[T], m: usize) -> Vec<T> {
    let mut both = Vec::with_capacity(a.len() + b.len());
    for (a, b) in a.chunks_exact(n).zip(b.chunks_exact(m)) {
        both.extend_from_slice(a);
        both.extend_from_slice(b);
    }
    both
}

/// A scalar whose gradient by `outputs` is `gradient`: how a loss on slices enters candle's graph.
pub fn upstream<T: Slices>(outputs: &Tensor, gradient: Vec<T>) -> Result<Tensor> {
    (outputs * Tensor::from_vec(gradient, outputs.shape(), &Device::Cpu)?)?.sum_all()
}

/// All values of a tensor, row-major.
pub fn values<T: Slices>(tensor: &Tensor) -> Result<Vec<T>> {
    tensor.flatten_all()?.to_vec1()
}

/// A network's outputs alone.
pub fn evaluate(network: &dyn Network, inputs: &Tensor) -> Result<Vec<f32>> {
    values(&network.forward(inputs, &Pass::Evaluate)?)
}

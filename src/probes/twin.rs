//! A copy of a network in f64, to be differentiated: what is measured on it cannot reach the original.
//!
//! Its values are those of evaluation mode: randomised activations at their means, running statistics as
//! constants. Second derivatives are central differences of its gradients with a step of 10⁻⁹ along a unit
//! vector. That leaves six digits of an f64, and hardly ever crosses the kink of a relu: there the gradient jumps, and
//! a quotient of differences has the jump over the step. (At 10⁻⁵, one crossing among 10⁵ pre-activations put
//! eigenvalues of ±100 into a network of relus.) Automatic differentiation sees no kinks either.

use std::sync::PoisonError;

use candle_core::{DType, Device, Error, Result, Tensor};

use super::sample::Sample;
use crate::nn::{self, Blueprint, Network, Pass};
use crate::random::Stream;
use crate::spec::Plan;
use crate::trained::View;

/// Step of the central differences, along a vector of norm 1.
const STEP: f64 = 1e-9;

/// The copy.
pub(super) struct Twin {
    network: Box<dyn Network>,
    /// All values, parameter by parameter.
    values: Vec<f64>,
}

impl Twin {
    /// Of a network of `plan` with inputs of `dims` and so many outputs.
    pub(super) fn new(
        plan: &Plan,
        sizes: ((usize, usize, usize), usize),
        original: View<'_>,
    ) -> Result<Self> {
        let network = copy(plan, sizes, original, DType::F64)?;
        let mut values = Vec::new();
        for (parameter, own) in network.parameters().iter().enumerate() {
            let copied = original.values(parameter)?;
            debug_assert_eq!(copied.len(), own.values.elem_count());
            values.extend(copied.into_iter().map(f64::from));
        }
        let twin = Self { network, values };
        twin.set(&twin.values)?;
        Ok(twin)
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The gradient of output number `output`, summed over the rows of f64 `inputs`.
    pub(super) fn output_gradient(&self, inputs: &Tensor, output: usize) -> Result<Vec<f64>> {
        nn::reset_gradients(self.network.parameters());
        let outputs = self.network.forward(inputs, &Pass::Differentiate)?;
        outputs.narrow(1, output, 1)?.sum_all()?.backward()?;
        self.gradients()
    }

    fn set(&self, values: &[f64]) -> Result<()> {
        let mut from = 0;
        for parameter in self.network.parameters() {
            let count = parameter.values.elem_count();
            let shape = parameter.values.shape().clone();
            parameter.values.set(&Tensor::from_slice(&values[from..from + count], shape, &Device::Cpu)?)?;
            from += count;
        }
        Ok(())
    }

    /// The gradients written since the last reset, parameter by parameter.
    fn gradients(&self) -> Result<Vec<f64>> {
        let mut all = Vec::with_capacity(self.len());
        for parameter in self.network.parameters() {
            match parameter.gradient.lock().read::<f64>()? {
                Some(gradient) => all.extend_from_slice(gradient),
                None => all.resize(all.len() + parameter.values.elem_count(), 0.0),
            }
        }
        Ok(all)
    }

    /// The mean loss over the sample, and its gradient.
    pub(super) fn loss_and_gradient(&self, sample: &Sample) -> Result<(f64, Vec<f64>)> {
        nn::reset_gradients(self.network.parameters());
        let mut loss = 0.0;
        for (inputs, targets) in sample.batches(DType::F64)? {
            let share = targets.labels.len() as f64 / sample.len() as f64;
            let logits = self.network.forward(&inputs, &Pass::Differentiate)?;
            let scaled = nn::loss(&inputs, &logits, targets)?.loss.affine(share, 0.0)?;
            loss += scaled.to_scalar::<f64>()?;
            scaled.backward()?;
        }
        Ok((loss, self.gradients()?))
    }

    /// The Hessian of the mean loss over the sample, times `vector`.
    pub(super) fn hessian_times(&self, sample: &Sample, vector: &[f64]) -> Result<Vec<f64>> {
        let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm == 0.0 {
            return Ok(vec![0.0; vector.len()]);
        }
        let step = STEP / norm;
        let gradient_at = |step: f64| {
            let moved: Vec<f64> =
                self.values.iter().zip(vector).map(|(value, v)| v.mul_add(step, *value)).collect();
            self.set(&moved)?;
            Ok::<_, Error>(self.loss_and_gradient(sample)?.1)
        };
        let (above, below) = (gradient_at(step)?, gradient_at(-step)?);
        self.set(&self.values)?;
        Ok(above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * step)).collect())
    }
}

/// A network of the plan in `dtype`, drawn from `stream`.
pub(super) fn drawn(
    plan: &Plan,
    (dims, outputs): ((usize, usize, usize), usize),
    dtype: DType,
    stream: &mut Stream,
) -> Result<Box<dyn Network>> {
    let blueprint = Blueprint { network: &plan.network, activation: &plan.activation, dims, outputs, dtype };
    nn::build_from(&blueprint, stream).map_err(Error::wrap)
}

/// A network of the plan in `dtype` with the original's buffers and frozen copies. Its parameters are yet to be copied.
///
/// # Errors
/// If a method has given the original other parameters than the plan's network has.
pub(super) fn copy(
    plan: &Plan,
    sizes: ((usize, usize, usize), usize),
    original: View<'_>,
    dtype: DType,
) -> Result<Box<dyn Network>> {
    let network = drawn(plan, sizes, dtype, &mut Stream::new(plan.seed, "probe-twin", 0))?;
    if network.parameters().len() != original.parameters() {
        candle_core::bail!(
            "probes on a copy of the network cannot follow a method that changes which parameters it has: \
             leave the probes or the method out"
        );
    }
    for (own, values) in network.buffers().iter().zip(original.buffers()) {
        *own.values.lock().unwrap_or_else(PoisonError::into_inner) = values;
    }
    if let (Some(own), Some(theirs)) = (network.injection(), original.injection()) {
        own.follow(theirs)?;
    }
    Ok(network)
}

//! Linear layers one after the other as one op: y = φ(norm(x Wᵀ + b)) of each, with bias, layer normalisation
//! and activation inside.
//!
//! candle records a single node for them. Its own backward pass would make a tensor of zeros for ∂x of every
//! layer and add to it. The backward pass of [`Pass::Train`] writes the gradients of weights, biases,
//! normalisations and coefficients to their [`Gradient`](super::gradient::Gradient)s and returns ∂x alone, and
//! that only where the input is itself part of the graph (so the first layer computes none). That of
//! [`Pass::Through`] returns ∂x and writes nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

pub use super::dense_layer::DenseParts;
use super::dense_layer::{Saved, copy};
use super::fused_activation::Captured;
use super::pass::Pass;
use super::storage::{Slices, contiguous, give_back, with_slice};

/// A layer below the last one, and its weight (outputs, inputs).
pub type Below = (DenseParts, Tensor);

/// The op: apply with [`Pass::apply`] on x (batch, inputs) and the last layer's weight (outputs, inputs).
pub struct Dense {
    below: Vec<Below>,
    last: DenseParts,
    pass: Pass,
    kept: Arc<Mutex<Kept>>,
}

/// What the forward pass keeps for the backward pass.
#[derive(Default)]
struct Kept {
    /// Of every layer.
    saved: Vec<Saved>,
    /// Features of every layer but the last, in scratch buffers.
    features: Vec<CpuStorage>,
}

/// What a recorded pass keeps in an op, for as long as candle keeps the op: until the loss is dropped.
pub struct Record(Weak<Mutex<Kept>>);

impl Record {
    /// What [`FusedActivation::capture`](super::fused_activation::FusedActivation::capture) gives in evaluation mode
    /// of each of the op's layers that has an activation, from the same inputs; `None` where the pass may have
    /// differed from it in a bit, or is gone.
    ///
    /// # Errors
    /// If candle refuses an operation.
    pub fn capture(&self, layers: &[DenseParts]) -> Result<Option<Vec<Captured>>> {
        let Some(kept) = self.0.upgrade() else { return Ok(None) };
        let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.saved.len() != layers.len() {
            return Ok(None);
        }
        let hidden = layers.iter().zip(&kept.saved).filter(|(parts, _)| parts.activation.is_some());
        hidden.map(|(parts, saved)| parts.captured(saved)).collect()
    }
}

impl Dense {
    /// An op of one layer for one call: apply it with [`Pass::apply`] of the same pass.
    #[must_use]
    pub fn new(parts: DenseParts, pass: Pass) -> Self {
        Self::stacked(Vec::new(), parts, pass)
    }

    /// The same with the layers that come before it.
    #[must_use]
    pub fn stacked(below: Vec<Below>, last: DenseParts, pass: Pass) -> Self {
        Self { below, last, pass, kept: Arc::default() }
    }

    /// A view of what the pass keeps.
    #[must_use]
    pub fn record(&self) -> Record {
        Record(Arc::downgrade(&self.kept))
    }

    fn run<T: Slices>(
        &self,
        x: &[T],
        (rows, mut inputs): (usize, usize),
        (w, outputs): (&[T], usize),
    ) -> Result<(CpuStorage, Shape)> {
        let mut kept = Kept::default();
        let through = |parts: &DenseParts, x: &[T], w: &[T], inputs, outputs| {
            if w.len() != inputs * outputs {
                bail!("dense: {inputs} inputs for a weight of {} × {outputs}", w.len() / outputs);
            }
            parts.forward(&self.pass, x, w, (rows, inputs, outputs))
        };
        for (parts, weight) in &self.below {
            let (outputs, x) = (weight.dim(0)?, last(&kept.features, x)?);
            let (y, saved) = with_slice(weight, |w| through(parts, x, w, inputs, outputs))??;
            inputs = parts.width(outputs);
            kept.features.push(T::store(y));
            kept.saved.extend(saved);
        }
        let (y, saved) = through(&self.last, last(&kept.features, x)?, w, inputs, outputs)?;
        if let Some(saved) = saved {
            kept.saved.push(saved);
            *self.kept() = kept;
        }
        Ok((T::store(y), Shape::from((rows, self.last.width(outputs)))))
    }

    fn back<T: Slices>(&self, x: &Tensor, w: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let kept = self.kept();
        if kept.saved.is_empty() {
            bail!("backward before forward");
        }
        let gradient = with_slice(&dy.contiguous()?, copy::<T>)?;
        let dx = with_slice(x, |inputs| {
            with_slice(y, |outputs| self.pull_back(&kept, (x, w), (inputs, outputs), gradient))
        })???;
        dx.map(|dx| Tensor::from_vec(dx, x.shape(), x.device())).transpose()
    }

    /// Layer by layer, from the gradient by the last one's outputs.
    fn pull_back<T: Slices>(
        &self,
        kept: &Kept,
        (x, w): (&Tensor, &Tensor),
        (inputs, outputs): (&[T], &[T]),
        mut gradient: Vec<T>,
    ) -> Result<Option<Vec<T>>> {
        let mut y = outputs;
        let below = self.below.iter().map(|(parts, weight)| (parts, weight));
        let layers = below.chain([(&self.last, w)]).zip(&kept.saved).enumerate();
        for (number, ((parts, weight), saved)) in layers.collect::<Vec<_>>().into_iter().rev() {
            let (read, tensor) = match number.checked_sub(1) {
                Some(before) => (T::slice(&kept.features[before])?, None),
                None => (inputs, Some(x)),
            };
            let wanted = number > 0 || x.track_op();
            let passed = parts.backward(&self.pass, saved, weight, (read, tensor), (y, gradient), wanted)?;
            let Some(passed) = passed else { return Ok(None) };
            (y, gradient) = (read, passed);
        }
        Ok(Some(gradient))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Features of the layer before, or the inputs `x` of the first layer.
fn last<'a, T: Slices>(features: &'a [CpuStorage], x: &'a [T]) -> Result<&'a [T]> {
    features.last().map_or(Ok(x), T::slice)
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.features.drain(..).for_each(give_back);
    }
}

impl CustomOp2 for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (sizes, outputs) = (lx.shape().dims2()?, lw.shape().dims2()?.0);
        match x {
            CpuStorage::F32(x) => {
                self.run::<f32>(contiguous(x, lx)?, sizes, (contiguous(f32::slice(w)?, lw)?, outputs))
            }
            CpuStorage::F64(x) => {
                self.run::<f64>(contiguous(x, lx)?, sizes, (contiguous(f64::slice(w)?, lw)?, outputs))
            }
            _ => bail!("dense takes f32 or f64"),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dx = match x.dtype() {
            DType::F32 => self.back::<f32>(x, w, y, dy)?,
            _ => self.back::<f64>(x, w, y, dy)?,
        };
        Ok((dx, None))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::{Device, Var};

    use super::*;
    use crate::kernels::fused_activation::FusedActivation;
    use crate::kernels::gradient::Gradient;
    use crate::nn::activation;
    use crate::random::Stream;
    use crate::spec::{Choice, Value};

    /// swish'(-60) is about -5e-25: what comes back through such a unit would be subnormal numbers.
    #[test]
    fn a_saturated_unit_sends_back_zeros() {
        let beta = [("beta".to_string(), Value::Number(1.0))];
        let swish = activation::build(&Choice { name: "swish".into(), parameters: beta.into() }, 2).unwrap();
        let tensor =
            |values: &[f32], shape: &[usize]| Tensor::from_slice(values, shape, &Device::Cpu).unwrap();
        let gradient = |len| Arc::new(Gradient::new(len, DType::F32).unwrap());
        let parts = DenseParts {
            bias: tensor(&[-60.0, 1.0], &[2]),
            weight_gradient: gradient(2),
            bias_gradient: gradient(2),
            norm: None,
            activation: Some(FusedActivation { kernel: swish.kernel, expansion: 1, coefficients: None }),
        };
        let (x, w) = (Var::from_tensor(&tensor(&[1.0], &[1, 1])).unwrap(), tensor(&[1e-3, 1e-3], &[2, 1]));
        let pass = Pass::train(Stream::new(0, "activation", 0));
        let y = pass.apply(&x, &w, Dense::new(parts.clone(), pass.clone())).unwrap();
        // 1e-15·5e-25 is subnormal; so would 60·e^-60 be times such a number.
        let loss = (&y * 1e-15).unwrap().sum_all().unwrap();
        loss.backward().unwrap();
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0], 0.0);
        for gradient in [&parts.weight_gradient, &parts.bias_gradient] {
            let [saturated, other] = gradient.to_f32().unwrap()[..] else { panic!("two units") };
            assert!(saturated == 0.0 && other > 1e-16, "{saturated} and {other}");
        }
    }
}

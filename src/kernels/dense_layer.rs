//! One linear layer on slices, y = φ(norm(x Wᵀ + b)): forward, and the gradients of all that it is made of.
//!
//! Its temporaries are [`Scratch`](super::scratch::Scratch): a batch of 256 rows has a quarter of a megabyte in each.

use std::sync::Arc;

use candle_core::{CpuStorage, DType, Result, Tensor, bail};

use super::affine::affine;
use super::deferred::Deferred;
use super::element::{Gradients, Saved as SavedElements, flush, is_flushed};
use super::fused_activation::{Captured, FusedActivation, kernel};
use super::gradient::{Gradient, add_bias_gradient};
use super::layer_norm::{LayerNorm, Normalized};
use super::matmul::{times_flushed, transposed_times};
use super::pass::Pass;
use super::storage::{Slices, give_back, with_slice};

/// What a layer needs beside its input and weight. Cheap to clone: one op is made per call.
#[derive(Clone)]
pub struct DenseParts {
    /// (outputs)
    pub bias: Tensor,
    /// Gradient of the weight (outputs, inputs).
    pub weight_gradient: Arc<Gradient>,
    /// Gradient of the bias.
    pub bias_gradient: Arc<Gradient>,
    /// Normalisation of the outputs, before the activation.
    pub norm: Option<LayerNorm>,
    /// Activation; `None` for the head.
    pub activation: Option<FusedActivation>,
}

/// What the forward pass saves for the backward pass.
pub(super) struct Saved {
    /// Of the activation.
    pre_activations: CpuStorage,
    extra: CpuStorage,
    /// Of the normalisation: see [`Normalized`].
    normalized: CpuStorage,
    inverse: CpuStorage,
}

impl DenseParts {
    /// Features of each row for so many outputs of the product.
    pub(super) fn width(&self, outputs: usize) -> usize {
        outputs * self.activation.as_ref().map_or(1, |activation| activation.expansion)
    }

    /// Features (rows × [`DenseParts::width`]; scratch) of x (rows × inputs) under w (outputs × inputs), and what a
    /// backward pass needs, where the pass is recorded.
    pub(super) fn forward<T: Slices>(
        &self,
        pass: &Pass,
        x: &[T],
        w: &[T],
        (rows, inputs, outputs): (usize, usize, usize),
    ) -> Result<(Vec<T>, Option<Saved>)> {
        let mut z = with_slice(&self.bias, |bias| affine(x, w, bias, (rows, outputs, inputs)))?;
        let normalized = match &self.norm {
            Some(norm) => norm.forward(&mut z, outputs)?,
            None => Normalized { values: Vec::new(), inverse: Vec::new() },
        };
        let mut extra = Vec::new();
        let (y, z) = match &self.activation {
            None => (z, Vec::new()),
            Some(activation) => {
                let mut y = T::take(rows * self.width(outputs));
                pass.with_mode(|mode| {
                    activation.with_coefficients(|coefficients| {
                        kernel::<T>(activation).forward(coefficients, outputs, &z, &mut y, &mut extra, mode);
                    })
                })?;
                flush(&mut y);
                (y, z)
            }
        };
        if !pass.is_recorded() {
            T::put(z);
            return Ok((y, None));
        }
        let saved = Saved {
            pre_activations: T::store(z),
            extra: T::store(extra),
            normalized: T::store(normalized.values),
            inverse: T::store(normalized.inverse),
        };
        Ok((y, Some(saved)))
    }

    /// What the activation makes of the pre-activations in evaluation mode, if the pass went on with just that.
    pub(super) fn captured(&self, saved: &Saved) -> Result<Option<Captured>> {
        let local = self.activation.as_ref().filter(|activation| kernel::<f32>(activation).local());
        let (Some(activation), CpuStorage::F32(z)) = (local, &saved.pre_activations) else { return Ok(None) };
        let captured = activation.capture(z.clone(), self.bias.elem_count())?;
        // The pass sent on features without what is negligible; evaluation for methods keeps it.
        Ok(is_flushed(&captured.features).then_some(captured))
    }

    /// ∂x (rows × inputs; scratch), where it is `wanted`, from what the layer gave and its gradient: ∂y in a
    /// scratch buffer that is used up. Where the pass trains, the gradients of all parameters go to their
    /// places; that of the weight may keep x, so the `tensor` that x lies in is asked for, if there is one.
    pub(super) fn backward<T: Slices>(
        &self,
        pass: &Pass,
        saved: &Saved,
        w: &Tensor,
        (x, tensor): (&[T], Option<&Tensor>),
        (y, dy): (&[T], Vec<T>),
        wanted: bool,
    ) -> Result<Option<Vec<T>>> {
        let (outputs, inputs) = w.dims2()?;
        let rows = x.len() / inputs;
        let dz = self.pull_back(pass, saved, y, dy, outputs)?;
        if pass.trains() {
            add_bias_gradient(&self.bias_gradient, &dz, outputs)?;
        }
        let mut dx = None;
        if wanted {
            let mut values = T::take(rows * inputs);
            with_slice(w, |w| times_flushed(&dz, w, &mut values, (rows, inputs, outputs), false))?;
            dx = Some(values);
        }
        if !pass.trains() {
            T::put(dz);
            return Ok(dx);
        }
        let mut gradient = self.weight_gradient.lock();
        if w.dtype() == DType::F32 && gradient.is_fresh() && Deferred::pays(rows) {
            let CpuStorage::F32(dz) = T::store(dz) else { bail!("expected f32 values") };
            let copied = || Tensor::from_slice(x, (rows, inputs), w.device());
            gradient.defer(Deferred::new(dz, &tensor.cloned().map_or_else(copied, Ok)?)?);
        } else {
            let (dw, add) = gradient.write::<T>()?;
            transposed_times(&dz, x, dw, (outputs, inputs, rows), add);
            T::put(dz);
        }
        Ok(dx)
    }

    /// The gradient by x Wᵀ + b.
    fn pull_back<T: Slices>(
        &self,
        pass: &Pass,
        saved: &Saved,
        y: &[T],
        mut dy: Vec<T>,
        outputs: usize,
    ) -> Result<Vec<T>> {
        if let Some(activation) = &self.activation {
            let (z, extra) = (T::slice(&saved.pre_activations)?, T::slice(&saved.extra)?);
            let mut dz = T::take(z.len());
            activation.with_gradient(pass.trains(), |coefficients, d_coefficients| {
                let gradients = Gradients { dz: &mut dz, d_coefficients };
                let saved = SavedElements { z, y, extra };
                kernel::<T>(activation).backward(coefficients, outputs, saved, &dy, gradients);
            })?;
            flush(&mut dz);
            T::put(std::mem::replace(&mut dy, dz));
        }
        if let Some(norm) = &self.norm {
            let (normalized, inverse) = (T::slice(&saved.normalized)?, T::slice(&saved.inverse)?);
            norm.backward(normalized, inverse, &mut dy, pass.trains())?;
            flush(&mut dy);
        }
        Ok(dy)
    }
}

/// A copy in a scratch buffer.
pub(super) fn copy<T: Slices>(values: &[T]) -> Vec<T> {
    let mut copy = T::take(values.len());
    copy.copy_from_slice(values);
    copy
}

/// The pre-activations, which are the largest, serve the next pass.
impl Drop for Saved {
    fn drop(&mut self) {
        give_back(std::mem::replace(&mut self.pre_activations, CpuStorage::F32(Vec::new())));
    }
}

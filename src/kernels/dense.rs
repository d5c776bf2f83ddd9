//! One layer as one op: y = φ(norm(x Wᵀ + b)), with bias, layer normalisation and activation inside.
//!
//! candle records a single node for it. The backward pass of [`Pass::Train`] writes the gradients of
//! weight, bias, normalisation and coefficients to their [`Gradient`]s and returns ∂x alone, and that
//! only where the input is itself part of the graph (so the first layer computes none). That of
//! [`Pass::Through`] returns ∂x and writes nothing.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use super::affine::affine;
use super::deferred::Deferred;
use super::element::{Gradients, Saved as SavedElements, flush};
use super::fused_activation::{FusedActivation, kernel};
use super::gradient::{Gradient, add_bias_gradient};
use super::layer_norm::{LayerNorm, Normalized};
use super::matmul::{times, transposed_times};
use super::pass::Pass;
use super::storage::{Slices, contiguous, with_slice};

/// What a [`Dense`] op needs beside its input and weight. Cheap to clone: one op is made per call.
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
struct Saved {
    /// Of the activation.
    pre_activations: CpuStorage,
    extra: CpuStorage,
    /// Of the normalisation: see [`Normalized`].
    normalized: CpuStorage,
    inverse: CpuStorage,
}

/// The op: apply with [`Pass::apply`] on x (batch, inputs) and the weight (outputs, inputs).
pub struct Dense {
    parts: DenseParts,
    pass: Pass,
    saved: Mutex<Option<Saved>>,
}

impl Dense {
    /// An op for one call: apply it with [`Pass::apply`] of the same pass.
    #[must_use]
    pub fn new(parts: DenseParts, pass: Pass) -> Self {
        Self { parts, pass, saved: Mutex::new(None) }
    }

    fn run<T: Slices>(
        &self,
        x: &[T],
        w: &[T],
        (rows, inputs, outputs): (usize, usize, usize),
    ) -> Result<Vec<T>> {
        let mut z = with_slice(&self.parts.bias, |bias| affine(x, w, bias, (rows, outputs, inputs)))?;
        let normalized = match &self.parts.norm {
            Some(norm) => norm.forward(&mut z, outputs)?,
            None => Normalized { values: Vec::new(), inverse: Vec::new() },
        };
        let mut extra = Vec::new();
        let (y, z) = match &self.parts.activation {
            None => (z, Vec::new()),
            Some(activation) => {
                let mut y = vec![T::ZERO; z.len() * activation.expansion];
                self.pass.with_mode(|mode| {
                    activation.with_coefficients(|coefficients| {
                        kernel::<T>(activation).forward(coefficients, outputs, &z, &mut y, &mut extra, mode);
                    })
                })?;
                flush(&mut y);
                (y, z)
            }
        };
        if self.pass.is_recorded() {
            *self.saved() = Some(Saved {
                pre_activations: T::store(z),
                extra: T::store(extra),
                normalized: T::store(normalized.values),
                inverse: T::store(normalized.inverse),
            });
        }
        Ok(y)
    }

    fn back<T: Slices>(&self, x: &Tensor, w: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let dz = with_slice(&dy, |dy| self.pull_back::<T>(y, dy, w.dim(0)?))??;
        with_slice(&dy, |dy| self.products::<T>(x, w, dz.map_or(Cow::Borrowed(dy), Cow::Owned)))?
    }

    /// The gradient by x Wᵀ + b; `None` where that is y itself.
    fn pull_back<T: Slices>(&self, y: &Tensor, dy: &[T], outputs: usize) -> Result<Option<Vec<T>>> {
        let saved = self.saved();
        let Some(saved) = saved.as_ref() else { bail!("backward before forward") };
        let mut dz = None;
        if let Some(activation) = &self.parts.activation {
            let (z, extra) = (T::slice(&saved.pre_activations)?, T::slice(&saved.extra)?);
            let mut through = vec![T::ZERO; z.len()];
            with_slice(y, |y| {
                activation.with_gradient(self.pass.trains(), |coefficients, d_coefficients| {
                    let gradients = Gradients { dz: &mut through, d_coefficients };
                    let saved = SavedElements { z, y, extra };
                    kernel::<T>(activation).backward(coefficients, outputs, saved, dy, gradients);
                })
            })??;
            flush(&mut through);
            dz = Some(through);
        }
        if let Some(norm) = &self.parts.norm {
            let mut through = dz.unwrap_or_else(|| dy.to_vec());
            let (normalized, inverse) = (T::slice(&saved.normalized)?, T::slice(&saved.inverse)?);
            norm.backward(normalized, inverse, &mut through, self.pass.trains())?;
            flush(&mut through);
            dz = Some(through);
        }
        Ok(dz)
    }

    /// ∂x where it is wanted, and the gradients of weight and bias where the pass trains.
    fn products<T: Slices>(&self, x: &Tensor, w: &Tensor, dz: Cow<'_, [T]>) -> Result<Option<Tensor>> {
        let (rows, inputs) = x.dims2()?;
        let outputs = w.dim(0)?;
        if self.pass.trains() {
            add_bias_gradient(&self.parts.bias_gradient, &dz, outputs)?;
        }
        let mut dx = None;
        if x.track_op() {
            let mut values = vec![T::ZERO; rows * inputs];
            with_slice(w, |w| times(&dz, w, &mut values, (rows, inputs, outputs), false))?;
            flush(&mut values);
            dx = Some(Tensor::from_vec(values, (rows, inputs), x.device())?);
        }
        if self.pass.trains() {
            let mut gradient = self.parts.weight_gradient.lock();
            if x.dtype() == DType::F32 && gradient.is_fresh() && Deferred::pays(rows) {
                let CpuStorage::F32(dz) = T::store(dz.into_owned()) else { bail!("expected f32 values") };
                gradient.defer(Deferred::new(dz, x)?);
            } else {
                let (dw, add) = gradient.write::<T>()?;
                with_slice(x, |x| transposed_times(&dz, x, dw, (outputs, inputs, rows), add))?;
            }
        }
        Ok(dx)
    }

    fn saved(&self) -> MutexGuard<'_, Option<Saved>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (rows, inputs) = lx.shape().dims2()?;
        let (outputs, inner) = lw.shape().dims2()?;
        if inner != inputs {
            bail!("dense: {inputs} inputs for a weight of {outputs} × {inner}");
        }
        let expansion = self.parts.activation.as_ref().map_or(1, |activation| activation.expansion);
        let sizes = (rows, inputs, outputs);
        let y = match x {
            CpuStorage::F32(x) => {
                f32::store(self.run(contiguous(x, lx)?, contiguous(f32::slice(w)?, lw)?, sizes)?)
            }
            CpuStorage::F64(x) => {
                f64::store(self.run(contiguous(x, lx)?, contiguous(f64::slice(w)?, lw)?, sizes)?)
            }
            _ => bail!("dense takes f32 or f64"),
        };
        Ok((y, Shape::from((rows, outputs * expansion))))
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
    use candle_core::{Device, Var};

    use super::*;
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

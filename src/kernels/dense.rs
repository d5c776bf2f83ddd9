//! One layer as one op: y = φ(x Wᵀ + b), with bias and activation inside.
//!
//! candle records a single node for it. The backward pass writes ∂W, ∂b and the activation's
//! coefficient gradients to their [`Gradient`]s and returns ∂x alone, and that only where the input
//! is itself part of the graph (so the first layer computes none).

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use super::affine::affine;
use super::element::{Kernel, Mode, settle, vectorized};
use super::gradient::{Gradient, Slices};
use super::matmul::{times, transposed_times};
use super::product::Product;
use crate::random::Stream;

/// An activation as a layer uses it.
#[derive(Clone)]
pub struct Site {
    /// The two passes.
    pub kernel: Arc<dyn Kernel>,
    /// Features per pre-activation.
    pub widening: usize,
    /// Coefficients, flat, and where their gradient goes.
    pub coefficients: Option<(Tensor, Arc<Gradient>)>,
}

/// What a [`Dense`] op needs beside its input and weight. Cheap to clone: one op is made per call.
#[derive(Clone)]
pub struct DenseParts {
    /// (outputs)
    pub bias: Tensor,
    /// Gradient of the weight (outputs, inputs).
    pub weight_gradient: Arc<Gradient>,
    /// Gradient of the bias.
    pub bias_gradient: Arc<Gradient>,
    /// Activation; `None` for the head.
    pub site: Option<Site>,
}

/// What the forward pass leaves for the backward pass.
struct Saved {
    pre_activations: CpuStorage,
    extra: CpuStorage,
}

/// The op: apply with `x.apply_op2(&weight, op)`, x (batch, inputs), weight (outputs, inputs).
pub struct Dense {
    parts: DenseParts,
    /// Present in training: what randomised activations draw from.
    draws: Option<Arc<Mutex<Stream>>>,
    saved: Mutex<Option<Saved>>,
}

/// One layer's values, kept for the probes.
#[derive(Clone, Debug)]
pub struct Tap {
    /// (samples, outputs): before the activation.
    pub pre_activations: Vec<f32>,
    /// (samples, outputs × widening).
    pub features: Vec<f32>,
    /// φ' at every pre-activation; empty for activations that widen.
    pub slopes: Vec<f32>,
}

impl Dense {
    /// An op for one call. With `draws` it is a training pass, without an evaluation.
    #[must_use]
    pub fn new(parts: DenseParts, draws: Option<Arc<Mutex<Stream>>>) -> Self {
        Self { parts, draws, saved: Mutex::new(None) }
    }

    fn run<T: Slices>(
        &self,
        x: &[T],
        w: &[T],
        (rows, inputs, outputs): (usize, usize, usize),
    ) -> Result<Vec<T>> {
        let (bias, layout) = self.parts.bias.storage_and_layout();
        let bias = contiguous(T::slice(cpu(&bias)?)?, layout)?;
        let z = affine(x, w, bias, (rows, outputs, inputs));
        let Some(site) = &self.parts.site else { return Ok(z) };
        let mut y = vec![T::ZERO; z.len() * site.widening];
        let mut extra = Vec::new();
        let mut draws = self.draws.as_ref().map(|d| d.lock().unwrap_or_else(PoisonError::into_inner));
        let mut mode = draws.as_mut().map_or(Mode::Evaluate, |d| Mode::Train(d));
        site.with_coefficients(|coefficients| {
            kernel::<T>(site).forward(coefficients, outputs, &z, &mut y, &mut extra, &mut mode);
        })?;
        settle(&mut y);
        *self.saved() = Some(Saved { pre_activations: T::store(z), extra: T::store(extra) });
        Ok(y)
    }

    fn back<T: Slices>(&self, x: &Tensor, w: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (rows, inputs) = x.dims2()?;
        let outputs = w.dim(0)?;
        let dy = dy.contiguous()?;
        let (dy, dy_layout) = dy.storage_and_layout();
        let dy = contiguous(T::slice(cpu(&dy)?)?, dy_layout)?;
        let dz: Cow<'_, [T]> = if let Some(site) = &self.parts.site {
            let saved = self.saved();
            let Some(saved) = saved.as_ref() else { bail!("backward before forward") };
            let (y, y_layout) = y.storage_and_layout();
            let y = contiguous(T::slice(cpu(&y)?)?, y_layout)?;
            let mut through_activation = vec![T::ZERO; rows * outputs];
            let z = T::slice(&saved.pre_activations)?;
            let extra = T::slice(&saved.extra)?;
            let mut gradient = site.coefficients.as_ref().map(|(_, gradient)| gradient.lock());
            let d_coefficients = match &mut gradient {
                Some(gradient) => gradient.accumulate::<T>()?,
                None => &mut [],
            };
            site.with_coefficients(|coefficients| {
                kernel::<T>(site).backward(
                    coefficients,
                    outputs,
                    z,
                    y,
                    extra,
                    dy,
                    &mut through_activation,
                    d_coefficients,
                );
            })?;
            settle(&mut through_activation);
            Cow::Owned(through_activation)
        } else {
            Cow::Borrowed(dy)
        };
        {
            let mut gradient = self.parts.bias_gradient.lock();
            let db = gradient.accumulate::<T>()?;
            vectorized(
                #[inline(always)]
                || {
                    for row in dz.chunks_exact(outputs) {
                        for (sum, &d) in db.iter_mut().zip(row) {
                            *sum += d;
                        }
                    }
                },
            );
        }
        let dx = if x.track_op() {
            let (w, w_layout) = w.storage_and_layout();
            let w = contiguous(T::slice(cpu(&w)?)?, w_layout)?;
            let mut dx = vec![T::ZERO; rows * inputs];
            times(&dz, w, &mut dx, (rows, inputs, outputs), false);
            settle(&mut dx);
            Some(Tensor::from_vec(dx, (rows, inputs), x.device())?)
        } else {
            None
        };
        let mut gradient = self.parts.weight_gradient.lock();
        if x.dtype() == DType::F32 && gradient.is_fresh() && Product::pays(rows) {
            let CpuStorage::F32(dz) = T::store(dz.into_owned()) else { bail!("expected f32 values") };
            gradient.leave(Product::new(dz, x));
        } else {
            let (x, x_layout) = x.storage_and_layout();
            let x = contiguous(T::slice(cpu(&x)?)?, x_layout)?;
            let (dw, add) = gradient.write::<T>()?;
            transposed_times(&dz, x, dw, (outputs, inputs, rows), add);
        }
        Ok(dx)
    }

    fn saved(&self) -> std::sync::MutexGuard<'_, Option<Saved>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    /// Runs `body` on the coefficients, an empty slice where there are none.
    pub(super) fn with_coefficients<T: Slices, R>(&self, body: impl FnOnce(&[T]) -> R) -> Result<R> {
        match &self.coefficients {
            None => Ok(body(&[])),
            Some((tensor, _)) => {
                let (storage, layout) = tensor.storage_and_layout();
                Ok(body(contiguous(T::slice(cpu(&storage)?)?, layout)?))
            }
        }
    }

    /// Evaluates the site on pre-activations (samples × units) for the probes.
    pub fn tap(&self, pre_activations: Vec<f32>, units: usize) -> Result<Tap> {
        let kernel = kernel::<f32>(self);
        let mut features = vec![0.0; pre_activations.len() * self.widening];
        let mut slopes = vec![0.0; pre_activations.len()];
        self.with_coefficients(|coefficients: &[f32]| {
            let (z, mut extra) = (&pre_activations, Vec::new());
            kernel.forward(coefficients, units, z, &mut features, &mut extra, &mut Mode::Evaluate);
            if self.widening == 1 {
                let mut unused = vec![0.0; coefficients.len()];
                let ones = vec![1.0; z.len()];
                kernel.backward(coefficients, units, z, &features, &extra, &ones, &mut slopes, &mut unused);
            } else {
                slopes.clear();
            }
        })?;
        Ok(Tap { pre_activations, features, slopes })
    }
}

/// The site's kernel for one float type.
pub(super) fn kernel<T: Slices>(site: &Site) -> &dyn super::element::ElementKernel<T> {
    T::kernel(&*site.kernel)
}

/// The CPU side of a storage.
pub(crate) fn cpu(storage: &candle_core::Storage) -> Result<&CpuStorage> {
    match storage {
        candle_core::Storage::Cpu(storage) => Ok(storage),
        _ => bail!("the kernels run on the CPU"),
    }
}

/// The part of a slice that a contiguous layout covers.
pub(crate) fn contiguous<'a, T>(values: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("the kernels take contiguous tensors"),
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
        let widening = self.parts.site.as_ref().map_or(1, |site| site.widening);
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
        Ok((y, Shape::from((rows, outputs * widening))))
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
            site: Some(Site { kernel: swish.kernel, widening: 1, coefficients: None }),
        };
        let (x, w) = (Var::from_tensor(&tensor(&[1.0], &[1, 1])).unwrap(), tensor(&[1e-3, 1e-3], &[2, 1]));
        let y = x.apply_op2(&w, Dense::new(parts.clone(), None)).unwrap();
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

//! The activation of a layer, fused into the layer's op: its kernel and its coefficients.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::element::{ElementKernel, Gradients, Kernel, Mode, Saved, flush};
use super::gradient::Gradient;
use super::scratch::Scratch;
use super::storage::{Slices, with_slice};

/// An activation as a layer's op uses it. Cheap to clone.
#[derive(Clone)]
pub struct FusedActivation {
    /// The two passes.
    pub kernel: Arc<dyn Kernel>,
    /// Features per pre-activation.
    pub expansion: usize,
    /// Coefficients, flat, and their gradient.
    pub coefficients: Option<(Tensor, Arc<Gradient>)>,
}

/// Captured activations of one layer, for probes and methods.
#[derive(Clone, Debug)]
pub struct Captured {
    /// (samples, outputs): before the activation.
    pub pre_activations: Vec<f32>,
    /// (samples, outputs × expansion).
    pub features: Vec<f32>,
    /// φ' at every pre-activation; empty where the activation makes several features of one.
    pub slopes: Vec<f32>,
}

impl FusedActivation {
    /// Runs `body` on the coefficients, an empty slice where there are none.
    pub(super) fn with_coefficients<T: Slices, R>(&self, body: impl FnOnce(&[T]) -> R) -> Result<R> {
        match &self.coefficients {
            None => Ok(body(&[])),
            Some((tensor, _)) => with_slice(tensor, body),
        }
    }

    /// Runs `body` on the coefficients and a buffer that their gradient is added to: the parameter's own if
    /// `wanted`, otherwise a temporary one.
    pub(super) fn with_gradient<T: Slices, R>(
        &self,
        wanted: bool,
        body: impl FnOnce(&[T], &mut [T]) -> R,
    ) -> Result<R> {
        match &self.coefficients {
            Some((_, gradient)) if wanted => {
                let mut gradient = gradient.lock();
                let d_coefficients = gradient.accumulate::<T>()?;
                self.with_coefficients(|coefficients| body(coefficients, d_coefficients))
            }
            _ => self.with_coefficients(|coefficients: &[T]| {
                body(coefficients, &mut vec![T::ZERO; coefficients.len()])
            }),
        }
    }

    /// Features of pre-activations z (rows × units) in a buffer of [`Scratch`], and what the kernel keeps for the
    /// backward pass: in one too where that is as long as z.
    pub fn forward<T: Slices + Scratch>(
        &self,
        z: &[T],
        units: usize,
        mode: &mut Mode<'_>,
    ) -> Result<(Vec<T>, Vec<T>)> {
        let mut y = T::take(z.len() * self.expansion);
        let kernel = kernel::<T>(self);
        let keeps = kernel.saves_elements() || kernel.shares_work() && matches!(mode, Mode::Train(_));
        let mut extra = if keeps { T::take(z.len()) } else { Vec::new() };
        self.with_coefficients(|coefficients| {
            kernel.forward(coefficients, units, z, &mut y, &mut extra, mode);
        })?;
        flush(&mut y);
        Ok((y, extra))
    }

    /// ∂z (rows × units) of ∂y, in a buffer of [`Scratch`]. Adds the coefficients' gradient to its place where the
    /// pass `trains`.
    pub fn backward<T: Slices + Scratch>(
        &self,
        saved: Saved<'_, T>,
        units: usize,
        dy: &[T],
        trains: bool,
    ) -> Result<Vec<T>> {
        let mut dz = T::take(saved.z.len());
        self.with_gradient(trains, |coefficients, d_coefficients| {
            let gradients = Gradients { dz: &mut dz, d_coefficients };
            kernel::<T>(self).backward(coefficients, units, saved, dy, gradients);
        })?;
        flush(&mut dz);
        Ok(dz)
    }

    /// Evaluates the activation on pre-activations (samples × units) for the probes.
    pub fn capture(&self, pre_activations: Vec<f32>, units: usize) -> Result<Captured> {
        let kernel = kernel::<f32>(self);
        let mut features = vec![0.0; pre_activations.len() * self.expansion];
        let mut slopes = vec![0.0; pre_activations.len()];
        self.with_coefficients(|coefficients: &[f32]| {
            let (z, mut extra) = (&pre_activations, Vec::new());
            kernel.forward(coefficients, units, z, &mut features, &mut extra, &mut Mode::Evaluate);
            if self.expansion == 1 {
                let mut unused = vec![0.0; coefficients.len()];
                let ones = vec![1.0; z.len()];
                let saved = Saved { z, y: &features, extra: &extra };
                let gradients = Gradients { dz: &mut slopes, d_coefficients: &mut unused };
                kernel.backward(coefficients, units, saved, &ones, gradients);
            } else {
                slopes.clear();
            }
        })?;
        Ok(Captured { pre_activations, features, slopes })
    }
}

/// The kernel for one float type.
pub(super) fn kernel<T: Slices>(activation: &FusedActivation) -> &dyn ElementKernel<T> {
    T::kernel(&*activation.kernel)
}

//! The activation of a layer inside the layer's op: its kernel and where its coefficients lie.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::element::{ElementKernel, Gradients, Kernel, Mode, Saved};
use super::gradient::Gradient;
use super::storage::{Slices, with_slice};

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

impl Site {
    /// Runs `body` on the coefficients, an empty slice where there are none.
    pub(super) fn with_coefficients<T: Slices, R>(&self, body: impl FnOnce(&[T]) -> R) -> Result<R> {
        match &self.coefficients {
            None => Ok(body(&[])),
            Some((tensor, _)) => with_slice(tensor, body),
        }
    }

    /// Runs `body` on the coefficients and on what their gradient is added to: its place where it is
    /// `wanted`, otherwise one that is thrown away.
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
                let saved = Saved { z, y: &features, extra: &extra };
                let gradients = Gradients { dz: &mut slopes, d_coefficients: &mut unused };
                kernel.backward(coefficients, units, saved, &ones, gradients);
            } else {
                slopes.clear();
            }
        })?;
        Ok(Tap { pre_activations, features, slopes })
    }
}

/// The kernel for one float type.
pub(super) fn kernel<T: Slices>(site: &Site) -> &dyn ElementKernel<T> {
    T::kernel(&*site.kernel)
}

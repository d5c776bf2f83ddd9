//! The backward pass of a convolution with its activation and pooling.

use candle_core::{Result, Tensor, bail};

use super::filters::{FilterGradient, Filters};
use super::geometry::Geometry;
use super::{Conv, Saved};
use crate::kernels::element::{Gradients, Saved as SavedElements, flush};
use crate::kernels::fused_activation::kernel;
use crate::kernels::gradient::add_bias_gradient;
use crate::kernels::max_pool::Pooling;
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::{Slices, with_slice};

impl Conv {
    /// ∂z of the activation, a [`Scratch`] buffer, adding the coefficients' gradient: `Some` where there is an activation.
    fn through_activation<T: Slices + Scratch>(
        &self,
        outputs: usize,
        saved: &Saved,
        y: &[T],
        dy: &[T],
    ) -> Result<Option<Vec<T>>> {
        let Some(activation) = &self.parts.activation else { return Ok(None) };
        let (z, extra) = (T::slice(&saved.pre_activations)?, T::slice(&saved.extra)?);
        let mut dz = T::take(z.len());
        activation.with_gradient(self.pass.trains(), |c, d_coefficients| {
            let gradients = Gradients { dz: &mut dz, d_coefficients };
            kernel::<T>(activation).backward(c, outputs, SavedElements { z, y, extra }, dy, gradients);
        })?;
        flush(&mut dz);
        Ok(Some(dz))
    }

    pub(super) fn back<T: Slices + Scratch>(
        &self,
        x: &Tensor,
        w: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<Option<Tensor>> {
        let g = &Geometry::new(x.dims4()?, w.dims4()?, self.parts.stride, self.parts.padding)?;
        let expansion = self.parts.activation.as_ref().map_or(1, |activation| activation.expansion);
        let pooling = self.parts.pool.map(|pool| pool.over(g.to, g.outputs * expansion)).transpose()?;
        let dy = dy.contiguous()?;
        with_slice(&dy, |dy| with_slice(y, |y| self.pull_back::<T>(x, w, y, dy, g, pooling)))??
    }

    fn pull_back<T: Slices + Scratch>(
        &self,
        x: &Tensor,
        w: &Tensor,
        y: &[T],
        dy: &[T],
        g: &Geometry,
        pooling: Option<Pooling>,
    ) -> Result<Option<Tensor>> {
        let expansion = self.parts.activation.as_ref().map_or(1, |activation| activation.expansion);
        let saved = self.saved();
        // ∂z, of all pre-activations or of those that were picked.
        let made = match (&*saved, &pooling) {
            (None, _) if self.parts.activation.is_some() || pooling.is_some() => {
                bail!("backward before forward")
            }
            (None, _) => None,
            (Some(saved), Some(pooling)) if expansion > 1 => {
                let features = T::slice(&saved.features)?;
                let mut spread = vec![T::ZERO; features.len()];
                pooling.unpick(dy, &saved.places, &mut spread);
                self.through_activation(g.outputs, saved, features, &spread)?
            }
            (Some(saved), _) => self.through_activation(g.outputs, saved, y, dy)?,
        };
        let dz = made.as_deref().unwrap_or(dy);
        if let (Some((_, gradient)), true) = (&self.parts.bias, self.pass.trains()) {
            add_bias_gradient(gradient, dz, g.outputs)?;
        }
        let places = match (&*saved, &pooling) {
            (Some(saved), Some(pooling)) if expansion == 1 => Some((pooling, saved.places.as_slice())),
            _ => None,
        };
        let dx = with_slice(x, |values| self.products(x, values, w, g, dz, places))?;
        made.into_iter().for_each(T::put);
        dx
    }

    /// ∂W and, where it is wanted, ∂x from ∂z, which is spread from the `places` that pooling picked.
    fn products<T: Slices + Scratch>(
        &self,
        x: &Tensor,
        values: &[T],
        w: &Tensor,
        g: &Geometry,
        dz: &[T],
        places: Option<(&Pooling, &[u8])>,
    ) -> Result<Option<Tensor>> {
        let images = g.images_at_a_time();
        let mut spread = T::take(images * g.positions() * g.outputs);
        let mut gradient = self.parts.weight_gradient.lock();
        let mut d_filters = if self.pass.trains() {
            let (dw, add) = gradient.write::<T>()?;
            Some(FilterGradient::new(dw, add, g))
        } else {
            None
        };
        let mut dx = Vec::new();
        let made = with_slice(w, |w| {
            let mut filters = Filters::none();
            if x.track_op() {
                filters = Filters::new(w, g);
                dx.resize(values.len(), T::ZERO);
            }
            for (block, x) in values.chunks(images * g.image()).enumerate() {
                let here = x.len() / g.image();
                let dz = match places {
                    None => {
                        &dz[block * images * g.positions() * g.outputs..][..here * g.positions() * g.outputs]
                    }
                    Some((pooling, places)) => {
                        let at = block * images * pooling.pooled();
                        let at = at..at + here * pooling.pooled();
                        let spread = &mut spread[..here * pooling.image()];
                        pooling.unpick(&dz[at.clone()], &places[at], spread);
                        spread
                    }
                };
                if let Some(d_filters) = &mut d_filters {
                    d_filters.add(x, dz, g);
                }
                if !dx.is_empty() {
                    let at = block * images * g.image();
                    filters.inputs(dz, w, g, &mut dx[at..at + x.len()], true);
                }
            }
            filters.put();
        });
        made?;
        if let Some(d_filters) = d_filters {
            d_filters.finish(g);
        }
        T::put(spread);
        if dx.is_empty() {
            return Ok(None);
        }
        flush(&mut dx);
        Tensor::from_vec(dx, x.dims4()?, x.device()).map(Some)
    }
}

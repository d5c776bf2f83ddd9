//! One convolution as one op: y = pool(φ(x ∗ W + b)), with bias, activation and max-pooling inside.
//!
//! Images lie by rows, (batch, height, width, channels): a unit is a channel, an activation sees
//! (positions × channels) as it sees (samples × units) behind a linear layer, and a filter of 1 × 1 is
//! a plain product. Filters of 3 × 3 with stride 1 over whole vectors of channels go by Winograd's transforms where
//! these pay, all others by patches. The weight is `PyTorch`'s (outputs, channels, rows, columns).
//!
//! As in a [`Dense`](super::dense::Dense) layer, the gradients of weight, bias and coefficients go to
//! their [`Gradient`]s, but for [`Pass::Through`], and ∂x is computed only where the input is part of
//! the graph.

mod backward;
pub(crate) mod filters;
pub mod geometry;
mod im2col;
mod products;
#[cfg(test)]
mod tests;
mod winograd;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use self::filters::Filters;
use self::geometry::Geometry;
use super::element::{Mode, flush};
use super::fused_activation::{FusedActivation, kernel};
use super::gradient::Gradient;
use super::max_pool::{Pool, Pooling};
use super::pass::Pass;
use super::scratch::Scratch;
use super::storage::{Slices, contiguous, give_back, with_slice};

/// What a [`Conv`] op needs beside its input and weight. Cheap to clone: one op is made per call.
#[derive(Clone)]
pub struct ConvParts {
    /// Step between neighbouring positions, in both directions.
    pub stride: usize,
    /// Zeros around the images, on each side.
    pub padding: usize,
    /// Gradient of the weight (outputs, channels, rows, columns).
    pub weight_gradient: Arc<Gradient>,
    /// Bias (outputs) and its gradient.
    pub bias: Option<(Tensor, Arc<Gradient>)>,
    /// Activation.
    pub activation: Option<FusedActivation>,
    /// Max-pooling, after the activation.
    pub pool: Option<Pool>,
}

/// The op: apply with [`Pass::apply`] on x (batch, height, width, channels), weight (outputs,
/// channels, rows, columns); gives (batch, height, width, outputs × expansion).
pub struct Conv {
    parts: ConvParts,
    pass: Pass,
    saved: Mutex<Option<Saved>>,
    captured: Option<Mutex<Capturing>>,
}

/// What the forward pass leaves for the backward pass.
struct Saved {
    /// All pre-activations, or those that pooling picked.
    pre_activations: CpuStorage,
    /// All features, where they are pooled and an activation that widens needs them.
    features: CpuStorage,
    extra: CpuStorage,
    /// Where in its window each pooled value comes from.
    places: Vec<u8>,
}

/// The next step's pre-activations lie where this one's did.
impl Drop for Saved {
    fn drop(&mut self) {
        give_back(std::mem::replace(&mut self.pre_activations, CpuStorage::U8(Vec::new())));
    }
}

/// Rows of the pre-activations (batch × positions, outputs), ascending, that are kept for the probes.
struct Capturing {
    rows: Vec<usize>,
    values: Vec<f32>,
}

/// The activation's part of a pass.
struct Activated<T> {
    z: Vec<T>,
    y: Vec<T>,
    extra: Vec<T>,
    places: Vec<u8>,
}

impl Conv {
    /// An op for one call: apply it with [`Pass::apply`] of the same pass.
    #[must_use]
    pub fn new(parts: ConvParts, pass: Pass) -> Self {
        Self { parts, pass, saved: Mutex::new(None), captured: None }
    }

    /// An evaluation that keeps those `rows` (ascending) of the pre-activations (batch × positions,
    /// outputs): see [`Conv::captured`].
    #[must_use]
    pub fn capturing(parts: ConvParts, rows: Vec<usize>) -> Self {
        Self {
            captured: Some(Mutex::new(Capturing { rows, values: Vec::new() })),
            ..Self::new(parts, Pass::Evaluate)
        }
    }

    /// The pre-activations (rows, outputs) that were to be kept.
    #[must_use]
    pub fn captured(self) -> Vec<f32> {
        let captured = self.captured.map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
        captured.map_or(Vec::new(), |w| w.values)
    }

    fn run<T: Slices + Scratch>(
        &self,
        x: &[T],
        w: &[T],
        g: &Geometry,
        mode: &mut Mode<'_>,
    ) -> Result<Vec<T>> {
        let bias = self.parts.bias.as_ref().map(|(bias, _)| with_slice(bias, <[T]>::to_vec)).transpose()?;
        let layer = Layer { w, filters: Filters::new(w, g), bias: bias.as_deref() };
        let activation = self.parts.activation.as_ref();
        let expansion = activation.map_or(1, |activation| activation.expansion);
        let pooling = self.parts.pool.map(|pool| pool.over(g.to, g.outputs * expansion)).transpose()?;
        let mut y = match (activation, &pooling) {
            (None, None) => {
                let mut z = vec![T::ZERO; g.batch * g.positions() * g.outputs];
                self.pre_activations(x, &layer, g, &mut z);
                z
            }
            (_, Some(pooling)) if expansion == 1 => {
                let made = self.picked(x, &layer, g, pooling, mode)?;
                self.save(made.z, Vec::new(), made.extra, made.places);
                made.y
            }
            (None, Some(_)) => unreachable!("without an activation nothing widens"),
            (Some(activation), pooling) => {
                let mut z = T::take(g.batch * g.positions() * g.outputs);
                self.pre_activations(x, &layer, g, &mut z);
                let mut y = vec![T::ZERO; z.len() * expansion];
                let mut extra = Vec::new();
                activation.with_coefficients(|c| {
                    kernel::<T>(activation).forward(c, g.outputs, &z, &mut y, &mut extra, mode);
                })?;
                match pooling {
                    None => {
                        self.save(z, Vec::new(), extra, Vec::new());
                        y
                    }
                    Some(pooling) => {
                        let mut out = vec![T::ZERO; g.batch * pooling.pooled()];
                        let mut places = vec![0; out.len()];
                        pooling.forward(&y, &mut out, &mut places);
                        self.save(z, y, extra, places);
                        out
                    }
                }
            }
        };
        layer.filters.put();
        flush(&mut y);
        Ok(y)
    }

    /// x ∗ W + b of all images, block by block.
    fn pre_activations<T: Slices + Scratch>(&self, x: &[T], layer: &Layer<'_, T>, g: &Geometry, z: &mut [T]) {
        let images = g.images_at_a_time();
        let blocks =
            x.chunks(images * g.image()).zip(z.chunks_mut(images * g.positions() * g.outputs)).enumerate();
        for (block, (x, z)) in blocks {
            layer.convolve(x, g, z);
            self.capture(block * images * g.positions(), g.outputs, z);
        }
    }

    /// Convolution, activation and pooling block by block, of which only what was picked is kept.
    fn picked<T: Slices + Scratch>(
        &self,
        x: &[T],
        layer: &Layer<'_, T>,
        g: &Geometry,
        pooling: &Pooling,
        mode: &mut Mode<'_>,
    ) -> Result<Activated<T>> {
        let images = g.images_at_a_time();
        let len = images * g.positions() * g.outputs;
        let (mut z, mut y) = (T::take(len), T::take(len));
        let size = g.batch * pooling.pooled();
        let recorded = self.pass.is_recorded();
        let mut made = Activated {
            z: if recorded { T::take(size) } else { Vec::new() },
            y: vec![T::ZERO; size],
            extra: Vec::new(),
            places: vec![0; size],
        };
        // What the activation saves for each element is picked as the elements are.
        let elements = self.parts.activation.as_ref().is_some_and(|s| kernel::<T>(s).saves_elements());
        let mut block_extra = Vec::new();
        for (block, x) in x.chunks(images * g.image()).enumerate() {
            let rows = x.len() / g.image() * g.positions();
            let z = &mut z[..rows * g.outputs];
            layer.convolve(x, g, z);
            self.capture(block * images * g.positions(), g.outputs, z);
            let features: &[T] = match &self.parts.activation {
                None => z,
                Some(activation) => {
                    let y = &mut y[..z.len()];
                    let extra = if elements { &mut block_extra } else { &mut made.extra };
                    if elements {
                        extra.clear();
                    }
                    activation.with_coefficients(|c| {
                        kernel::<T>(activation).forward(c, g.outputs, z, y, extra, mode);
                    })?;
                    y
                }
            };
            let first = block * images * pooling.pooled();
            let here = first..first + x.len() / g.image() * pooling.pooled();
            let (places, y) = (&mut made.places[here.clone()], &mut made.y[here.clone()]);
            pooling.forward(features, y, places);
            if recorded {
                pooling.pick(z, places, &mut made.z[here]);
                if elements {
                    let from = made.extra.len();
                    made.extra.resize(from + places.len(), T::ZERO);
                    pooling.pick(&block_extra, places, &mut made.extra[from..]);
                }
            }
        }
        T::put(z);
        T::put(y);
        Ok(made)
    }

    fn save<T: Slices + Scratch>(&self, z: Vec<T>, y: Vec<T>, extra: Vec<T>, places: Vec<u8>) {
        if !self.pass.is_recorded() {
            return T::put(z);
        }
        *self.saved() = Some(Saved {
            pre_activations: T::store(z),
            features: T::store(y),
            extra: T::store(extra),
            places,
        });
    }

    fn saved(&self) -> MutexGuard<'_, Option<Saved>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the captured rows of a block that begins at row `first`.
    fn capture<T: Slices>(&self, first: usize, outputs: usize, z: &[T]) {
        let Some(captured) = &self.captured else { return };
        let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
        let Capturing { rows, values } = &mut *captured;
        let begin = rows.partition_point(|&row| row < first);
        let end = rows.partition_point(|&row| row < first + z.len() / outputs);
        for row in &rows[begin..end] {
            let row = &z[(row - first) * outputs..][..outputs];
            values.extend(row.iter().map(|&v| v.wide() as f32));
        }
    }
}

/// What a pass multiplies with and adds.
struct Layer<'a, T> {
    w: &'a [T],
    filters: Filters<T>,
    bias: Option<&'a [T]>,
}

impl<T: Slices + Scratch> Layer<'_, T> {
    /// x ∗ W + b of some images.
    fn convolve(&self, x: &[T], g: &Geometry, z: &mut [T]) {
        if let Some(bias) = self.bias {
            z.chunks_exact_mut(g.outputs).for_each(|row| row.copy_from_slice(bias));
        }
        self.filters.forward(x, self.w, g, z, self.bias.is_some());
    }
}

impl CustomOp2 for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x_dims, w_dims) = (lx.shape().dims4()?, lw.shape().dims4()?);
        let g = Geometry::new(x_dims, w_dims, self.parts.stride, self.parts.padding)?;
        let expansion = self.parts.activation.as_ref().map_or(1, |activation| activation.expansion);
        let to = match self.parts.pool {
            None => g.to,
            Some(pool) => pool.over(g.to, g.outputs * expansion)?.to,
        };
        let y = match x {
            CpuStorage::F32(x) => {
                let (x, w) = (contiguous(x, lx)?, contiguous(f32::slice(w)?, lw)?);
                f32::store(self.pass.with_mode(|mode| self.run(x, w, &g, mode))?)
            }
            CpuStorage::F64(x) => {
                let (x, w) = (contiguous(x, lx)?, contiguous(f64::slice(w)?, lw)?);
                f64::store(self.pass.with_mode(|mode| self.run(x, w, &g, mode))?)
            }
            _ => bail!("conv takes f32 or f64"),
        };
        Ok((y, Shape::from((g.batch, to.0, to.1, g.outputs * expansion))))
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

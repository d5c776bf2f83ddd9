//! The network as one op: every layer's forward pass, kept on a tape, and the way back.
//!
//! candle adds each gradient that an op returns to zeros of its own: two more passes over every feature
//! map. Within one op none of that happens, a residual's gradient is added to where it lies, and the
//! buffers of one step serve the next ([`Scratch`]).

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use super::capture::Capture;
use super::unit::{Block, SavedBlock, SavedUnit, Shape4, Unit};
use crate::kernels::affine::affine;
use crate::kernels::element::{Mode, vectorized};
use crate::kernels::fused_activation::Captured;
use crate::kernels::gradient::add_bias_gradient;
use crate::kernels::matmul::{times, transposed_times};
use crate::kernels::pass::Pass;
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::{Slices, contiguous, with_slice};
use crate::kernels::tape::Tape;
use crate::nn::builder::Place;

/// All layers.
pub(super) struct Body {
    pub stem: Unit,
    pub blocks: Vec<Block>,
    /// (classes, features)
    pub head: Place,
    pub head_bias: Place,
}

/// What the whole forward pass leaves.
struct Passed<T> {
    stem: SavedUnit<T>,
    blocks: Vec<SavedBlock<T>>,
    pooled: Vec<T>,
}

impl Body {
    /// Logits, and the tape where the pass is `recorded`.
    fn forward<T: Slices + Scratch>(
        &self,
        x: &[T],
        dims: Shape4,
        mode: &mut Mode<'_>,
        recorded: bool,
        mut capture: Option<&mut Capture>,
    ) -> Result<(Vec<T>, Option<Passed<T>>)> {
        let stem = self.stem.forward(x, dims, None, mode)?;
        if let Some(capture) = &mut capture {
            capture.activation = 0;
            self.stem.look(&stem, None, capture);
        }
        let (mut dims, mut blocks) = (stem.dims(), Vec::new());
        let (mut kept, mut last) = (None, Vec::new());
        if recorded {
            kept = Some(stem);
        } else {
            last = stem.features();
        }
        for block in &self.blocks {
            let x = match (blocks.last(), &kept) {
                (Some(SavedBlock { second, .. }), _) => second.y.as_slice(),
                (None, Some(SavedUnit { y, .. })) => y,
                (None, None) => &last,
            };
            let made = block.forward(x, dims, mode, capture.as_deref_mut())?;
            dims = made.second.dims();
            if recorded {
                blocks.push(made);
            } else {
                T::put(last);
                T::put(made.first.features());
                made.shortcut.into_iter().for_each(|made| T::put(made.features()));
                last = made.second.features();
            }
        }
        let features = blocks.last().map_or(&last, |made: &SavedBlock<T>| &made.second.y);
        let (batch, height, width, channels) = dims;
        let mut pooled = vec![<T as crate::kernels::real::Real>::ZERO; batch * channels];
        let share = T::of(1.0 / (height * width) as f64);
        vectorized(
            #[inline(always)]
            || {
                let images = features.chunks_exact(height * width * channels);
                for (image, out) in images.zip(pooled.chunks_exact_mut(channels)) {
                    for row in image.chunks_exact(channels) {
                        out.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
                    }
                    for sum in out.iter_mut() {
                        *sum *= share;
                    }
                }
            },
        );
        T::put(last);
        let classes = self.head.0.dim(0)?;
        let logits = with_slice(&self.head.0, |w| {
            with_slice(&self.head_bias.0, |bias| affine(&pooled, w, bias, (batch, classes, channels)))
        })??;
        Ok((logits, kept.map(|stem| Passed { stem, blocks, pooled })))
    }

    /// ∂x where it is wanted. Adds all gradients to their places where the pass `trains`.
    fn backward<T: Slices + Scratch>(
        &self,
        mut tape: Passed<T>,
        x: &[T],
        dy: &[T],
        wants_input: bool,
        trains: bool,
    ) -> Result<Option<Vec<T>>> {
        let (classes, channels) = self.head.0.dims2()?;
        let batch = dy.len() / classes;
        if trains {
            add_bias_gradient(&self.head_bias.1, dy, classes)?;
            let mut gradient = self.head.1.lock();
            let (dw, add) = gradient.write::<T>()?;
            transposed_times(dy, &tape.pooled, dw, (classes, channels, batch), add);
        }
        let mut d_pooled = T::take(batch * channels);
        with_slice(&self.head.0, |w| times(dy, w, &mut d_pooled, (batch, channels, classes), false))?;
        let last = tape.blocks.last().map_or(&tape.stem, |made| &made.second);
        let positions = last.g.positions();
        let mut d = T::take(last.y.len());
        let share = T::of(1.0 / positions as f64);
        for (image, row) in d.chunks_exact_mut(positions * channels).zip(d_pooled.chunks_exact(channels)) {
            for to in image.chunks_exact_mut(channels) {
                to.iter_mut().zip(row).for_each(|(to, &d)| *to = d * share);
            }
        }
        T::put(d_pooled);
        for block in self.blocks.iter().rev() {
            let made = tape.blocks.pop().expect("one for each block");
            let x = tape.blocks.last().map_or(&tape.stem.y, |made| &made.second.y);
            d = block.backward(made, x, d, trains)?;
        }
        let mut dx = wants_input.then(|| vec![<T as crate::kernels::real::Real>::ZERO; x.len()]);
        self.stem.backward(tape.stem, x, None, d, dx.as_deref_mut().map(|dx| (dx, false)), trains)?;
        Ok(dx)
    }

    /// Captures what every activation layer gets for images (batch, height, width, channels).
    pub fn look(&self, images: &Tensor, capture: &mut Capture) -> Result<()> {
        let dims = images.dims4()?;
        with_slice::<f32, _>(images, |x| {
            self.forward(x, dims, &mut Mode::Evaluate, false, Some(&mut *capture)).map(|_| ())
        })??;
        capture.first += dims.0;
        Ok(())
    }

    /// The captured activations.
    pub fn captured(&self, capture: Capture) -> Result<Vec<Captured>> {
        let units = self.blocks.iter().flat_map(|block| [&block.first, &block.second]);
        let units = std::iter::once(&self.stem).chain(units);
        units
            .zip(capture.pre_activations)
            .map(|(unit, z)| {
                let activation = unit.norm.activation.as_ref().expect("a unit that was captured has one");
                activation.capture(z, unit.weight.0.dim(0)?)
            })
            .collect()
    }
}

/// The op: apply with [`Pass::apply`] on x (batch, height, width, channels) and any weight of the
/// network, which keeps the op on candle's graph in training; gives (batch, classes).
pub(super) struct ResNetOp {
    body: Arc<Body>,
    pass: Pass,
    tape: Tape,
}

impl ResNetOp {
    /// An op for one call.
    pub fn new(body: Arc<Body>, pass: Pass) -> Self {
        Self { body, pass, tape: Tape::default() }
    }

    fn run<T: Slices + Scratch>(&self, x: &[T], dims: Shape4) -> Result<CpuStorage> {
        let recorded = self.pass.is_recorded();
        let (logits, tape) = self.pass.with_mode(|mode| self.body.forward(x, dims, mode, recorded, None))?;
        self.tape.keep(tape);
        Ok(T::store(logits))
    }

    fn back<T: Slices + Scratch>(&self, x: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let Some(tape) = self.tape.take::<Passed<T>>() else {
            bail!("one backward pass for each forward pass of a residual network")
        };
        let dy = dy.contiguous()?;
        let (wants_input, trains) = (x.track_op(), self.pass.trains());
        let dx =
            with_slice(x, |x| with_slice(&dy, |dy| self.body.backward(*tape, x, dy, wants_input, trains)))???;
        dx.map(|dx| Tensor::from_vec(dx, x.dims4()?, x.device())).transpose()
    }
}

impl CustomOp2 for ResNetOp {
    fn name(&self) -> &'static str {
        "resnet"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let dims = lx.shape().dims4()?;
        let logits = match x {
            CpuStorage::F32(x) => self.run(contiguous(x, lx)?, dims)?,
            CpuStorage::F64(x) => self.run(contiguous(x, lx)?, dims)?,
            _ => bail!("a residual network takes f32 or f64"),
        };
        Ok((logits, Shape::from((dims.0, self.body.head.0.dim(0)?))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        _: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dx = match x.dtype() {
            DType::F32 => self.back::<f32>(x, dy)?,
            _ => self.back::<f64>(x, dy)?,
        };
        Ok((dx, None))
    }
}

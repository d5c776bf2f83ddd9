//! A transformer as one op: every block's forward pass, kept on a tape, and the way back. Why one op for all of it:
//! see [`resnet`](crate::nn::resnet).

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};

use super::block::{Block, SavedBlock};
use super::capture::Capture;
use super::embedding::{Embedding, SavedEmbedding};
use super::linear::{Linear, add};
use crate::kernels::element::Mode;
use crate::kernels::fused_activation::Captured;
use crate::kernels::layer_norm::{LayerNorm, Normalized};
use crate::kernels::pass::Pass;
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::{Slices, contiguous, with_slice};
use crate::kernels::tape::Tape;
use crate::nn::builder::Place;

/// Inputs that go through the network together where nothing is recorded: what lies between its layers is large.
const AT_A_TIME: usize = 32;

/// Which tokens the head reads, behind the last normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// The first, a class token: the last block gives no other.
    Class,
    /// The mean of all.
    Mean,
    /// Every one, each for itself.
    Each,
}

/// All layers.
pub(super) struct Body {
    /// Numbers of an input.
    pub inputs: usize,
    pub tokens: usize,
    pub width: usize,
    pub embedding: Embedding,
    /// (tokens, width)
    pub positions: Place,
    pub blocks: Vec<Block>,
    pub norm: LayerNorm,
    pub readout: Readout,
    pub head: Linear,
}

/// What the whole forward pass leaves.
struct Passed<T> {
    embedded: SavedEmbedding<T>,
    blocks: Vec<SavedBlock<T>>,
    normalized: Normalized<T>,
    read: Vec<T>,
}

impl Body {
    /// Rows of outputs of each input.
    pub fn rows(&self) -> usize {
        if self.readout == Readout::Each { self.tokens } else { 1 }
    }

    /// Logits (inputs · rows, classes), and the tape where the pass is `recorded`.
    fn forward<T: Slices + Scratch>(
        &self,
        x: &[T],
        mode: &mut Mode<'_>,
        recorded: bool,
        mut capture: Option<&mut Capture>,
    ) -> Result<(Vec<T>, Option<Passed<T>>)> {
        let (mut x, embedded) = self.embedding.forward(x, &self.positions, (self.tokens, self.width))?;
        let mut blocks = Vec::new();
        for block in &self.blocks {
            let (y, saved) = block.forward(x, mode, capture.as_deref_mut())?;
            x = y;
            if recorded { blocks.push(saved) } else { saved.put() }
        }
        let (y, normalized) = self.norm.forward_of(&x, self.width)?;
        T::put(x);
        let read = if self.readout == Readout::Mean { self.mean(y) } else { y };
        let logits = self.head.forward(&read, None)?;
        if recorded {
            return Ok((logits, Some(Passed { embedded, blocks, normalized, read })));
        }
        embedded.put();
        normalized.put();
        T::put(read);
        Ok((logits, None))
    }

    fn mean<T: Slices + Scratch>(&self, y: Vec<T>) -> Vec<T> {
        let mut means = T::take(y.len() / self.tokens);
        means.fill(<T as Real>::ZERO);
        let share = <T as Real>::of(1.0 / self.tokens as f64);
        for (mean, sequence) in
            means.chunks_exact_mut(self.width).zip(y.chunks_exact(self.tokens * self.width))
        {
            for token in sequence.chunks_exact(self.width) {
                add(mean, token);
            }
            for mean in mean {
                *mean *= share;
            }
        }
        T::put(y);
        means
    }

    /// ∂x where it is wanted. Adds all gradients to their places where the pass `trains`.
    fn backward<T: Slices + Scratch>(
        &self,
        tape: Passed<T>,
        dy: &[T],
        wanted: Option<usize>,
        trains: bool,
    ) -> Result<Option<Vec<T>>> {
        let Passed { embedded, blocks, normalized, read } = tape;
        let mut d_read = T::take(read.len());
        self.head.backward(&read, dy, Some((&mut d_read, false)), trains)?;
        T::put(read);
        let (width, sequence) = (self.width, self.tokens * self.width);
        if self.readout == Readout::Mean {
            let mut d = T::take(d_read.len() * self.tokens);
            let share = <T as Real>::of(1.0 / self.tokens as f64);
            for (to, from) in d.chunks_exact_mut(sequence).zip(d_read.chunks_exact(width)) {
                for to in to.chunks_exact_mut(width) {
                    to.iter_mut().zip(from).for_each(|(to, &d)| *to = d * share);
                }
            }
            T::put(std::mem::replace(&mut d_read, d));
        }
        self.norm.backward(&normalized.values, &normalized.inverse, &mut d_read, trains)?;
        normalized.put();
        let mut d = d_read;
        for (block, saved) in self.blocks.iter().zip(blocks).rev() {
            d = block.backward(saved, d, trains)?;
        }
        let mut dx = wanted.map(|len| vec![<T as Real>::ZERO; len]);
        self.embedding.backward(embedded, &d, &self.positions, dx.as_deref_mut(), trains)?;
        T::put(d);
        Ok(dx)
    }

    /// The activations of every block on the inputs (count, numbers), `samples` tokens in all.
    pub fn capture(&self, inputs: &Tensor, samples: usize) -> Result<Vec<Captured>> {
        let all = inputs.dim(0)?;
        let mut capture = Capture::new(all, samples);
        let inputs = inputs.contiguous()?;
        with_slice::<f32, _>(&inputs, |x| {
            for (number, x) in x.chunks(AT_A_TIME * self.inputs).enumerate() {
                capture.begin(number * AT_A_TIME);
                let (logits, _) = self.forward(x, &mut Mode::Evaluate, false, Some(&mut capture))?;
                f32::put(logits);
            }
            Ok::<_, candle_core::Error>(())
        })??;
        let seen = capture.pre_activations.into_iter().zip(&self.blocks);
        seen.map(|(z, block)| block.activation.capture(z, block.fc1.outputs)).collect()
    }
}

/// The op: apply with [`Pass::apply`] on x (batch, numbers) and any weight of the network, which keeps the op on
/// candle's graph in training; gives (batch · rows, classes).
pub(super) struct TransformerOp {
    body: Arc<Body>,
    pass: Pass,
    tape: Tape,
}

impl TransformerOp {
    /// An op for one call.
    pub fn new(body: Arc<Body>, pass: Pass) -> Self {
        Self { body, pass, tape: Tape::default() }
    }

    fn run<T: Slices + Scratch>(&self, x: &[T]) -> Result<CpuStorage> {
        if !self.pass.is_recorded() {
            let mut all = Vec::new();
            for x in x.chunks(AT_A_TIME * self.body.inputs) {
                let (logits, _) = self.body.forward(x, &mut Mode::Evaluate, false, None)?;
                all.extend_from_slice(&logits);
                T::put(logits);
            }
            return Ok(T::store(all));
        }
        let (logits, tape) = self.pass.with_mode(|mode| self.body.forward(x, mode, true, None))?;
        self.tape.keep(tape);
        Ok(T::store(logits))
    }

    fn back<T: Slices + Scratch>(&self, x: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let Some(tape) = self.tape.take::<Passed<T>>() else {
            bail!("one backward pass for each forward pass of a transformer")
        };
        let dy = dy.contiguous()?;
        let (wanted, trains) = (x.track_op().then(|| x.elem_count()), self.pass.trains());
        let dx = with_slice(&dy, |dy| self.body.backward(*tape, dy, wanted, trains))??;
        dx.map(|dx| Tensor::from_vec(dx, x.shape(), x.device())).transpose()
    }
}

impl CustomOp2 for TransformerOp {
    fn name(&self) -> &'static str {
        "transformer"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, numbers) = lx.shape().dims2()?;
        if numbers != self.body.inputs {
            bail!("a transformer for inputs of {} numbers got {numbers}", self.body.inputs);
        }
        let logits = match x {
            CpuStorage::F32(x) => self.run(contiguous(x, lx)?)?,
            CpuStorage::F64(x) => self.run(contiguous(x, lx)?)?,
            _ => bail!("a transformer takes f32 or f64"),
        };
        Ok((logits, Shape::from((batch * self.body.rows(), self.body.head.outputs))))
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

//! A block with its normalisations in front (pre-norm):
//!
//! ```text
//! m = x + proj(attention(q(n₁), k(n₁), v(n₁)))     n₁ = norm1(x)
//! y = m + fc2(φ(fc1(n₂)))                           n₂ = norm2(m)
//! ```
//!
//! Where a class token alone is read behind the last block, all tokens have keys and values there, and that one alone
//! has the rest.

use candle_core::Result;

use super::capture::Capture;
use super::linear::{Linear, add};
use crate::kernels::attention::Attention;
use crate::kernels::element::{Mode, Saved};
use crate::kernels::fused_activation::FusedActivation;
use crate::kernels::layer_norm::{LayerNorm, Normalized};
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::Slices;

/// The parts of one block.
pub(super) struct Block {
    pub norm1: LayerNorm,
    pub queries: Linear,
    pub keys: Linear,
    pub values: Linear,
    pub attention: Attention,
    pub proj: Linear,
    pub norm2: LayerNorm,
    pub fc1: Linear,
    pub activation: FusedActivation,
    pub fc2: Linear,
}

/// What its forward pass leaves.
pub(super) struct SavedBlock<T> {
    /// n₁ and what it was made by.
    first: (Vec<T>, Normalized<T>),
    /// Its rows of the tokens that ask, where not all do.
    asking: Vec<T>,
    /// q, k, v.
    qkv: [Vec<T>; 3],
    /// Weights of the attention, and what it gave.
    weights: Vec<T>,
    mixed: Vec<T>,
    /// n₂ and what it was made by.
    second: (Vec<T>, Normalized<T>),
    /// Pre-activations, features, and what the activation keeps.
    z: Vec<T>,
    hidden: Vec<T>,
    extra: Vec<T>,
}

impl<T: Scratch> SavedBlock<T> {
    /// Hands all buffers back.
    pub fn put(self) {
        let [q, k, v] = self.qkv;
        let (first, second) = (self.first, self.second);
        // A shorter one is the activation's own.
        let extra = if self.extra.len() == self.z.len() { self.extra } else { Vec::new() };
        for buffer in
            [first.0, self.asking, q, k, v, self.weights, self.mixed, second.0, self.z, self.hidden, extra]
        {
            T::put(buffer);
        }
        first.1.put();
        second.1.put();
    }
}

impl Block {
    /// Numbers of a sequence, and of its tokens that ask.
    fn sizes(&self) -> (usize, usize) {
        let Attention { tokens, asking, width, .. } = self.attention;
        (tokens * width, asking * width)
    }

    /// The rows of the tokens that ask.
    fn asking<T: Slices + Scratch>(&self, x: &[T]) -> Vec<T> {
        let (all, asking) = self.sizes();
        let mut rows = T::take(x.len() / all * asking);
        for (to, from) in rows.chunks_exact_mut(asking).zip(x.chunks_exact(all)) {
            to.copy_from_slice(&from[..asking]);
        }
        rows
    }

    /// Adds rows of the tokens that ask to those of all.
    fn add_asking<T: Slices>(&self, to: &mut [T], by: &[T]) {
        let (all, asking) = self.sizes();
        to.chunks_exact_mut(all).zip(by.chunks_exact(asking)).for_each(|(to, by)| add(&mut to[..asking], by));
    }

    /// y (sequences × asking, width) of x (sequences × tokens, width), and what the backward pass needs.
    pub fn forward<T: Slices + Scratch>(
        &self,
        x: Vec<T>,
        mode: &mut Mode<'_>,
        capture: Option<&mut Capture>,
    ) -> Result<(Vec<T>, SavedBlock<T>)> {
        let (width, sequences) = (self.attention.width, x.len() / self.sizes().0);
        let first = self.norm1.forward_of(&x, width)?;
        let (asking, x) = if self.attention.asking == self.attention.tokens {
            (Vec::new(), x)
        } else {
            let rows = self.asking(&x);
            T::put(x);
            (self.asking(&first.0), rows)
        };
        let queries = self.queries.forward(if asking.is_empty() { &first.0 } else { &asking }, None)?;
        let qkv = [queries, self.keys.forward(&first.0, None)?, self.values.forward(&first.0, None)?];
        let mut mixed = T::take(x.len());
        let mut weights = T::take(self.attention.weights(sequences));
        self.attention.forward(qkv.each_ref().map(Vec::as_slice), &mut mixed, &mut weights);
        let middle = self.proj.forward(&mixed, Some(&x))?;
        T::put(x);
        let second = self.norm2.forward_of(&middle, width)?;
        let z = self.fc1.forward(&second.0, None)?;
        if let Some(capture) = capture {
            capture.see(&z, (sequences, self.attention.asking));
        }
        let (hidden, extra) = self.activation.forward(&z, self.fc1.outputs, mode)?;
        let y = self.fc2.forward(&hidden, Some(&middle))?;
        T::put(middle);
        Ok((y, SavedBlock { first, asking, qkv, weights, mixed, second, z, hidden, extra }))
    }

    /// ∂x of ∂y.
    pub fn backward<T: Slices + Scratch>(
        &self,
        saved: SavedBlock<T>,
        dy: Vec<T>,
        trains: bool,
    ) -> Result<Vec<T>> {
        let mut d = dy;
        let SavedBlock { first, asking, qkv, weights, mixed, second, z, hidden, extra } = &saved;
        let mut d_hidden = T::take(hidden.len());
        self.fc2.backward(hidden, &d, Some((&mut d_hidden, false)), trains)?;
        let kept = Saved { z, y: hidden, extra };
        let dz = self.activation.backward(kept, self.fc1.outputs, &d_hidden, trains)?;
        T::put(d_hidden);
        let mut branch = T::take(d.len());
        self.fc1.backward(&second.0, &dz, Some((&mut branch, false)), trains)?;
        T::put(dz);
        self.norm2.backward(&second.1.values, &second.1.inverse, &mut branch, trains)?;
        add(&mut d, &branch);
        self.proj.backward(mixed, &d, Some((&mut branch, false)), trains)?;
        let mut d_qkv = qkv.each_ref().map(|values| T::take(values.len()));
        let slices = d_qkv.each_mut().map(Vec::as_mut_slice);
        self.attention.backward(qkv.each_ref().map(Vec::as_slice), weights, &branch, slices);
        let mut dx = T::take(first.0.len());
        self.keys.backward(&first.0, &d_qkv[1], Some((&mut dx, false)), trains)?;
        self.values.backward(&first.0, &d_qkv[2], Some((&mut dx, true)), trains)?;
        if asking.is_empty() {
            self.queries.backward(&first.0, &d_qkv[0], Some((&mut dx, true)), trains)?;
        } else {
            self.queries.backward(asking, &d_qkv[0], Some((&mut branch, false)), trains)?;
            self.add_asking(&mut dx, &branch);
        }
        d_qkv.into_iter().for_each(T::put);
        self.norm1.backward(&first.1.values, &first.1.inverse, &mut dx, trains)?;
        self.add_asking(&mut dx, &d);
        T::put(branch);
        T::put(d);
        saved.put();
        Ok(dx)
    }
}

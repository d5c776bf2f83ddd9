//! Scaled dot-product attention of several heads (Vaswani et al. 2017, arXiv 1706.03762), forward and backward:
//! for each sequence and head, y = softmax(q·kᵀ/√d) · v with d the width of a head.
//!
//! Head h has the columns h·d … (h + 1)·d of q, k, v and y, as `torch.nn.MultiheadAttention` divides them.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::matmul::Element;
use super::real::Real;
use super::scratch::Scratch;
use super::softmax::{softmax, softmax_backward};

/// Sizes of an attention.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Heads, a divisor of the width.
    pub heads: usize,
    /// Places of a sequence.
    pub tokens: usize,
    /// The first places of a sequence that ask and get an answer; all have a key and a value.
    pub asking: usize,
    /// Features of a place.
    pub width: usize,
    /// Whether a place sees those before it and itself alone. Then all of them ask.
    pub causal: bool,
}

/// A head's part of one sequence (rows × size): where it begins, in rows of `width` numbers.
#[derive(Clone, Copy)]
struct Part {
    from: usize,
    rows: usize,
    size: usize,
    width: usize,
}

impl Part {
    fn of<T>(self, values: &[T]) -> MatRef<'_, T> {
        let Self { from, rows, size, width } = self;
        MatRef::from_row_major_slice_with_stride(&values[from..][..self.len()], rows, size, width)
    }

    fn of_mut<T>(self, values: &mut [T]) -> MatMut<'_, T> {
        let Self { from, rows, size, width } = self;
        let len = self.len();
        // `from_row_major_slice_with_stride_mut` of faer 0.24.4 takes its stride for that of columns.
        let turned = &mut values[from..][..len];
        MatMut::from_column_major_slice_with_stride_mut(turned, size, rows, width).transpose_mut()
    }

    /// Numbers from its first to its last.
    fn len(self) -> usize {
        (self.rows - 1) * self.width + self.size
    }
}

impl Attention {
    /// Weights that [`Attention::forward`] leaves, of so many sequences.
    #[must_use]
    pub fn weights(&self, sequences: usize) -> usize {
        sequences * self.heads * self.pairs()
    }

    /// Weights of one head.
    fn pairs(&self) -> usize {
        self.asking * self.tokens
    }

    /// 1/√d
    fn scale<T: Real>(&self) -> T {
        T::of(1.0 / ((self.width / self.heads) as f64).sqrt())
    }

    /// Of every sequence and head: its part of what asks and is answered, and of keys and values.
    fn parts(self, sequences: usize) -> impl Iterator<Item = (Part, Part)> {
        let Self { heads, tokens, asking, width, .. } = self;
        let size = width / heads;
        let part = move |sequence: usize, head: usize, rows: usize| Part {
            from: sequence * rows * width + head * size,
            rows,
            size,
            width,
        };
        (0..sequences).flat_map(move |sequence| {
            (0..heads).map(move |head| (part(sequence, head, asking), part(sequence, head, tokens)))
        })
    }

    /// y (sequences × asking, width) of q of the same shape and k and v (sequences × tokens, width), and `weights`
    /// (sequences, heads, asking, tokens), the softmax of each row, for the backward pass. All of both is written.
    pub fn forward<T: Element>(&self, [q, k, v]: [&[T]; 3], y: &mut [T], weights: &mut [T]) {
        let Self { tokens, asking, .. } = *self;
        let (one, scale) = (<T as Real>::ONE, self.scale());
        let each = self.parts(k.len() / (tokens * self.width)).zip(weights.chunks_exact_mut(self.pairs()));
        for ((ask, give), weights) in each {
            let to = MatMut::from_row_major_slice_mut(&mut *weights, asking, tokens);
            matmul(to, Accum::Replace, ask.of(q), give.of(k).transpose(), scale, Par::Seq);
            softmax(weights, tokens, self.causal);
            let weights = MatRef::from_row_major_slice(weights, asking, tokens);
            matmul(ask.of_mut(y), Accum::Replace, weights, give.of(v), one, Par::Seq);
        }
    }

    /// ∂q, ∂k and ∂v of ∂y, by what [`Attention::forward`] left. All of them is written.
    pub fn backward<T: Element + Scratch>(
        &self,
        [q, k, v]: [&[T]; 3],
        weights: &[T],
        dy: &[T],
        [dq, dk, dv]: [&mut [T]; 3],
    ) {
        let Self { tokens, asking, .. } = *self;
        let (one, scale) = (<T as Real>::ONE, self.scale());
        let mut d = T::take(self.pairs());
        let each = self.parts(k.len() / (tokens * self.width)).zip(weights.chunks_exact(self.pairs()));
        for ((ask, give), weights) in each {
            let turned = MatRef::from_row_major_slice(weights, asking, tokens).transpose();
            matmul(give.of_mut(dv), Accum::Replace, turned, ask.of(dy), one, Par::Seq);
            let to = MatMut::from_row_major_slice_mut(&mut d, asking, tokens);
            matmul(to, Accum::Replace, ask.of(dy), give.of(v).transpose(), one, Par::Seq);
            softmax_backward(weights, &mut d, tokens);
            let d = MatRef::from_row_major_slice(&d, asking, tokens);
            matmul(ask.of_mut(dq), Accum::Replace, d, give.of(k), scale, Par::Seq);
            matmul(give.of_mut(dk), Accum::Replace, d.transpose(), ask.of(q), scale, Par::Seq);
        }
        T::put(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    const TOKENS: usize = 5;
    const WIDTH: usize = 6;
    /// Two heads in two sequences.
    const CASES: [Attention; 3] = [of(TOKENS, false), of(TOKENS, true), of(2, false)];

    const fn of(asking: usize, causal: bool) -> Attention {
        Attention { heads: 2, tokens: TOKENS, asking, width: WIDTH, causal }
    }

    fn values(attention: Attention, qkv: &[Vec<f64>; 3]) -> (Vec<f64>, Vec<f64>) {
        let mut y = vec![f64::NAN; qkv[0].len()];
        let mut weights = vec![f64::NAN; attention.weights(2)];
        attention.forward(qkv.each_ref().map(Vec::as_slice), &mut y, &mut weights);
        (y, weights)
    }

    /// q, k and v, and ∂y.
    fn drawn(attention: Attention) -> ([Vec<f64>; 3], Vec<f64>) {
        let mut draws = Stream::new(0, "test", 0);
        let mut normals =
            |rows: usize| -> Vec<f64> { (0..2 * rows * WIDTH).map(|_| draws.normal()).collect() };
        let asking = attention.asking;
        ([normals(asking), normals(TOKENS), normals(TOKENS)], normals(asking))
    }

    /// By the formula, head by head.
    #[test]
    fn every_head_is_the_formula() {
        for attention in CASES {
            let (qkv, _) = drawn(attention);
            let (y, _) = values(attention, &qkv);
            let rows = attention.asking;
            let all = (0..2).flat_map(|s| (0..2).flat_map(move |h| (0..rows).map(move |i| (s, h, i))));
            for (sequence, head, i) in all {
                let at = |values: &[f64], rows: usize, token: usize, c: usize| {
                    values[(sequence * rows + token) * WIDTH + head * 3 + c]
                };
                let seen = if attention.causal { i + 1 } else { TOKENS };
                let dot = |j: usize| {
                    (0..3).map(|c| at(&qkv[0], rows, i, c) * at(&qkv[1], TOKENS, j, c)).sum::<f64>()
                };
                let e: Vec<f64> = (0..seen).map(|j| (dot(j) / 3f64.sqrt()).exp()).collect();
                for c in 0..3 {
                    let expected = (0..seen).map(|j| e[j] * at(&qkv[2], TOKENS, j, c)).sum::<f64>()
                        / e.iter().sum::<f64>();
                    let ours = at(&y, rows, i, c);
                    assert!((ours - expected).abs() < 1e-12, "{attention:?} {sequence} {head} {i} {c}");
                }
            }
        }
    }

    #[test]
    fn gradients_are_finite_differences() {
        for attention in CASES {
            let (qkv, dy) = drawn(attention);
            let (_, weights) = values(attention, &qkv);
            let mut d = qkv.each_ref().map(|values| vec![f64::NAN; values.len()]);
            attention.backward(
                qkv.each_ref().map(Vec::as_slice),
                &weights,
                &dy,
                d.each_mut().map(Vec::as_mut_slice),
            );
            for which in 0..3 {
                for i in 0..qkv[which].len() {
                    let at = |h: f64| -> f64 {
                        let mut moved = qkv.clone();
                        moved[which][i] += h;
                        values(attention, &moved).0.iter().zip(&dy).map(|(y, d)| y * d).sum()
                    };
                    let (ours, expected) = (d[which][i], (at(1e-6) - at(-1e-6)) / 2e-6);
                    assert!((ours - expected).abs() < 1e-8, "{attention:?} {which} {i}: {ours} {expected}");
                }
            }
        }
    }
}

//! Scaled dot-product attention of several heads (Vaswani et al. 2017, arXiv 1706.03762), forward and backward:
//! for each sequence and head, y = softmax(q·kᵀ/√d) · v with d the width of a head.
//!
//! Head h has the columns h·d … (h + 1)·d of q, k, v and y, as `torch.nn.MultiheadAttention` divides them.

use super::head_products::{Product, Skip};
use super::matmul::Element;
use super::real::Real;
use super::scratch::Scratch;
use super::softmax::{softmax, softmax_backward};
use super::tile::Matrix;

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

/// A head's part of one sequence: where it begins, in rows of `width` numbers.
#[derive(Clone, Copy)]
struct Part {
    from: usize,
    width: usize,
}

impl Part {
    fn of<T>(self, values: &[T]) -> Matrix<'_, T> {
        Matrix::of(&values[self.from..], self.width)
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
        let part = move |sequence: usize, head: usize, rows: usize| Part {
            from: sequence * rows * width + head * (width / heads),
            width,
        };
        (0..sequences).flat_map(move |sequence| {
            (0..heads).map(move |head| (part(sequence, head, asking), part(sequence, head, tokens)))
        })
    }

    /// What a product need not multiply, if it is that where a place sees those before it alone.
    fn causally(&self, skip: Skip) -> Skip {
        if self.causal { skip } else { Skip::Nothing }
    }

    /// y (sequences × asking, width) of q of the same shape and k and v (sequences × tokens, width), and `weights`
    /// (sequences, heads, asking, tokens), the softmax of each row, for the backward pass. All of both is written.
    pub fn forward<T: Element>(&self, [q, k, v]: [&[T]; 3], y: &mut [T], weights: &mut [T]) {
        let Self { tokens, asking, width, heads, .. } = *self;
        let (one, scale, size) = (<T as Real>::ONE, self.scale(), width / heads);
        let each = self.parts(k.len() / (tokens * width)).zip(weights.chunks_exact_mut(self.pairs()));
        for ((ask, give), weights) in each {
            Product {
                x: ask.of(q),
                w: give.of(k).turn(),
                c: &mut *weights,
                step: tokens,
                sizes: (asking, tokens, size),
                scale,
                skip: self.causally(Skip::RightOfC),
            }
            .run();
            softmax(weights, tokens, self.causal);
            Product {
                x: Matrix::of(weights, tokens),
                w: give.of(v),
                c: &mut y[ask.from..],
                step: width,
                sizes: (asking, size, tokens),
                scale: one,
                skip: self.causally(Skip::RightOfX),
            }
            .run();
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
        let Self { tokens, asking, width, heads, .. } = *self;
        let (one, scale, size) = (<T as Real>::ONE, self.scale(), width / heads);
        let mut d = T::take(self.pairs());
        let each = self.parts(k.len() / (tokens * width)).zip(weights.chunks_exact(self.pairs()));
        for ((ask, give), weights) in each {
            Product {
                x: Matrix::of(weights, tokens).turn(),
                w: ask.of(dy),
                c: &mut dv[give.from..],
                step: width,
                sizes: (tokens, size, asking),
                scale: one,
                skip: self.causally(Skip::LeftOfX),
            }
            .run();
            Product {
                x: ask.of(dy),
                w: give.of(v).turn(),
                c: &mut d,
                step: tokens,
                sizes: (asking, tokens, size),
                scale: one,
                skip: self.causally(Skip::RightOfC),
            }
            .run();
            softmax_backward(weights, &mut d, tokens, self.causal);
            let d = Matrix::of(&d, tokens);
            Product {
                x: d,
                w: give.of(k),
                c: &mut dq[ask.from..],
                step: width,
                sizes: (asking, size, tokens),
                scale,
                skip: self.causally(Skip::RightOfX),
            }
            .run();
            Product {
                x: d.turn(),
                w: ask.of(q),
                c: &mut dk[give.from..],
                step: width,
                sizes: (tokens, size, asking),
                scale,
                skip: self.causally(Skip::LeftOfX),
            }
            .run();
        }
        T::put(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Two heads in two sequences; some large enough for tiles.
    const CASES: [Attention; 5] = [
        of(5, 5, 6, false),
        of(5, 5, 6, true),
        of(5, 2, 6, false),
        of(13, 13, 22, true),
        of(13, 7, 16, false),
    ];

    const fn of(tokens: usize, asking: usize, width: usize, causal: bool) -> Attention {
        Attention { heads: 2, tokens, asking, width, causal }
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
            |rows: usize| -> Vec<f64> { (0..2 * rows * attention.width).map(|_| draws.normal()).collect() };
        let Attention { asking, tokens, .. } = attention;
        ([normals(asking), normals(tokens), normals(tokens)], normals(asking))
    }

    /// By the formula, head by head.
    #[test]
    fn every_head_is_the_formula() {
        for attention in CASES {
            let (qkv, _) = drawn(attention);
            let (y, _) = values(attention, &qkv);
            let Attention { asking: rows, tokens, width, .. } = attention;
            let size = width / 2;
            let all = (0..2).flat_map(|s| (0..2).flat_map(move |h| (0..rows).map(move |i| (s, h, i))));
            for (sequence, head, i) in all {
                let at = |values: &[f64], rows: usize, token: usize, c: usize| {
                    values[(sequence * rows + token) * width + head * size + c]
                };
                let seen = if attention.causal { i + 1 } else { tokens };
                let dot = |j: usize| {
                    (0..size).map(|c| at(&qkv[0], rows, i, c) * at(&qkv[1], tokens, j, c)).sum::<f64>()
                };
                let e: Vec<f64> = (0..seen).map(|j| (dot(j) / (size as f64).sqrt()).exp()).collect();
                for c in 0..size {
                    let expected = (0..seen).map(|j| e[j] * at(&qkv[2], tokens, j, c)).sum::<f64>()
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
                    let (ours, expected) = (d[which][i], (at(1e-5) - at(-1e-5)) / 2e-5);
                    assert!((ours - expected).abs() < 1e-8, "{attention:?} {which} {i}: {ours} {expected}");
                }
            }
        }
    }
}

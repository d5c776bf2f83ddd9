//! A rational activation as the training step sees it.

use super::form::{MAX_A, MAX_C, MAX_LEN, Version};
use super::pass::{self, Curves, Span, Sums, Upstream};
use super::ratio::Ratio;
use super::shape::{EffectiveCoefficients, Shape};
use super::sharing::Sets;
use super::tanh::tanh;
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::lanes::{LANES, Lane};

/// Numerator noise of version D in training (Delfosse et al. 2024).
pub const NOISE: (f64, f64) = (0.9, 1.1);
/// Runs of one set shorter than this go through the passes side by side with their neighbours.
const LONG: usize = 3 * LANES;

/// Form, constraint and sharing of one activation layer.
#[derive(Clone, Debug)]
pub struct Rational {
    /// Form and constraint.
    pub shape: Shape,
    /// Which units use which coefficients.
    pub sets: Sets,
}

/// Which elements of the rows one call of a pass takes, and the curves that it draws.
enum Work {
    /// One curve.
    One { set: usize, span: Span },
    /// A curve for each of up to [`LANES`] neighbouring elements.
    Each { sets: [usize; LANES], span: Span },
}

impl Rational {
    /// Saved per set: θ as drawn, g, ∂g, noise.
    fn block(&self) -> usize {
        3 * self.shape.form.len() + 1
    }

    fn save<T: Lane>(&self, low: &EffectiveCoefficients, saved: &mut Vec<T>) {
        let len = self.shape.form.len();
        saved.extend(low.theta[..len].iter().map(|&x| T::of(x)));
        saved.push(T::of(low.gain));
        saved.extend(low.gain_gradient[..len].iter().chain(&low.noise[..len]).map(|&x| T::of(x)));
    }

    fn saved<T: Lane>(&self, saved: &[T], set: usize) -> EffectiveCoefficients {
        let (len, block) = (self.shape.form.len(), self.block());
        let saved = &saved[set * block..(set + 1) * block];
        let read = |from: usize| {
            let mut values = [0.0; MAX_LEN];
            values.iter_mut().zip(&saved[from..from + len]).for_each(|(to, x)| *to = x.wide());
            values
        };
        EffectiveCoefficients {
            theta: read(0),
            gain: saved[len].wide(),
            gain_gradient: read(len + 1),
            noise: read(2 * len + 1),
        }
    }

    /// The curves as `T` holds them, so that both passes and the f64 path draw the same one.
    fn curves<T: Lane>(&self, saved: &[T]) -> Vec<Ratio> {
        let form = self.shape.form;
        (0..self.sets.count).map(|set| Ratio::new(form, &self.saved(saved, set).theta)).collect()
    }

    /// Calls `act` with every piece of work in rows × inputs elements.
    fn divide(&self, elements: usize, inputs: usize, mut act: impl FnMut(Work)) {
        if self.sets.count == 1 {
            act(Work::One { set: 0, span: Span::whole(elements) });
            return;
        }
        let rows = elements / inputs;
        let mut short: Vec<usize> = Vec::with_capacity(LANES);
        let mut end = 0;
        let each = |short: &mut Vec<usize>, end: usize, act: &mut dyn FnMut(Work)| {
            if let Some(&last) = short.last() {
                let span = Span { rows, stride: inputs, start: end - short.len(), len: short.len() };
                let sets = std::array::from_fn(|lane| short.get(lane).copied().unwrap_or(last));
                act(Work::Each { sets, span });
                short.clear();
            }
        };
        for (set, start, len) in self.sets.runs(inputs) {
            if len >= LONG {
                each(&mut short, end, &mut act);
                act(Work::One { set, span: Span { rows, stride: inputs, start, len } });
            } else {
                for at in start..start + len {
                    short.push(set);
                    if short.len() == LANES {
                        each(&mut short, at + 1, &mut act);
                    }
                }
            }
            end = start + len;
        }
        each(&mut short, end, &mut act);
    }
}

impl<T: Lane> ElementKernel<T> for Rational {
    fn forward(
        &self,
        coefficients: &[T],
        inputs: usize,
        z: &[T],
        y: &mut [T],
        saved: &mut Vec<T>,
        mode: &mut Mode<'_>,
    ) {
        let form = self.shape.form;
        if saved.is_empty() {
            saved.reserve(self.sets.count * self.block());
            for raw in coefficients.chunks_exact(form.len()) {
                let mut wide = [0.0; MAX_LEN];
                wide.iter_mut().zip(raw).for_each(|(to, x)| *to = x.wide());
                let low = match mode {
                    Mode::Train(stream) if form.version == Version::D => {
                        let mut noise = [1.0; MAX_A];
                        for factor in &mut noise[..=form.m] {
                            // Rounded to T first: the backward pass reads it back from `saved`.
                            *factor = T::of(stream.uniform(NOISE.0, NOISE.1)).wide();
                        }
                        self.shape.lower(&wide, Some(&noise[..=form.m]))
                    }
                    _ => self.shape.lower(&wide, None),
                };
                self.save(&low, saved);
            }
        }
        let curves = self.curves(saved);
        self.divide(z.len(), inputs, |work| match work {
            Work::One { set, span } => pass::forward(&Curves::shared(&curves[set]), span, z, y),
            Work::Each { sets, span } => {
                pass::forward(&Curves::each(sets.map(|set| &curves[set])), span, z, y);
            }
        });
        if let Some(c) = self.shape.constraint.ceiling() {
            squash(y, T::of(c));
        }
    }

    fn backward(
        &self,
        coefficients: &[T],
        inputs: usize,
        saved: Saved<'_, T>,
        dy: &[T],
        gradients: Gradients<'_, T>,
    ) {
        let (Saved { z, y, extra: saved }, Gradients { dz, d_coefficients }) = (saved, gradients);
        let form = self.shape.form;
        let curves = self.curves(saved);
        let unsquashed = self.shape.constraint.ceiling().map(|c| unsquash(dy, y, T::of(c)));
        let upstream = Upstream { z, dy: unsquashed.as_deref().unwrap_or(dy) };
        let mut by_a = vec![[0.0; MAX_A]; self.sets.count];
        let mut by_c = vec![[0.0; MAX_C]; self.sets.count];
        self.divide(z.len(), inputs, |work| {
            let mut sums = Sums::zero();
            match work {
                Work::One { set, span } => {
                    pass::backward(&Curves::shared(&curves[set]), span, upstream, dz, &mut sums);
                    (by_a[set], by_c[set]) = sums.over_lanes();
                }
                Work::Each { sets, span } => {
                    let source = Curves::each(sets.map(|set| &curves[set]));
                    pass::backward(&source, span, upstream, dz, &mut sums);
                    for (lane, &set) in sets.iter().enumerate().take(span.len) {
                        (0..MAX_A).for_each(|i| by_a[set][i] += sums.a[i][lane]);
                        (0..MAX_C).for_each(|k| by_c[set][k] += sums.c[k][lane]);
                    }
                }
            }
        });
        let len = form.len();
        let sets = coefficients.chunks_exact(len).zip(d_coefficients.chunks_exact_mut(len));
        for (set, (raw, out)) in sets.enumerate() {
            let mut wide = [0.0; MAX_LEN];
            wide.iter_mut().zip(raw).for_each(|(to, x)| *to = x.wide());
            let low = self.saved(saved, set);
            let mut gradient = [0.0; MAX_LEN];
            // In version A cₖ = |bₖ| of the *effective* coefficients, signs included.
            form.flatten(&low.theta, &by_a[set], &by_c[set], &mut gradient);
            self.shape.pull_back(&wide[..len], &low, &mut gradient[..len]);
            out.iter_mut().zip(&gradient).for_each(|(to, &g)| *to += T::of(g));
        }
    }
}

/// y ← c·tanh(y/c)
fn squash<T: Lane>(y: &mut [T], c: T) {
    let inverse = T::ONE / c;
    vectorized(
        #[inline(always)]
        || {
            for y in y {
                *y = c * tanh(*y * inverse);
            }
        },
    );
}

/// dL/dR where y = c·tanh(R/c): dL/dy·(1 - (y/c)²).
fn unsquash<T: Lane>(dy: &[T], y: &[T], c: T) -> Vec<T> {
    vectorized(
        #[inline(always)]
        || {
            let flatter = |(&dy, &y): (&T, &T)| {
                let t = y / c;
                dy * (T::ONE - t) * (T::ONE + t)
            };
            dy.iter().zip(y).map(flatter).collect()
        },
    )
}

//! Layer normalisation of rows of units: y = γ·(x - μ)/√(σ² + ε) + β, μ and σ² those of each row (Ba et
//! al. 2016, arXiv 1607.06450; `torch.nn.LayerNorm` with its ε of 1e-5).
//!
//! The squares are taken about the mean, so that a mean far from 0 costs no digits.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::element::vectorized;
use super::gradient::Gradient;
use super::real::Real;
use super::row_sum::row_sum;
use super::scratch::Scratch;
use super::storage::{Slices, with_slice};

/// Added to every variance: `PyTorch`'s default.
pub const EPSILON: f64 = 1e-5;

/// Scale and shift of every unit, and where their gradients go. Cheap to clone.
#[derive(Clone)]
pub struct LayerNorm {
    /// γ (units) and its gradient.
    pub scale: (Tensor, Arc<Gradient>),
    /// β (units) and its gradient.
    pub shift: (Tensor, Arc<Gradient>),
}

/// What the backward pass needs: (x - μ)/√(σ² + ε), and 1/√(σ² + ε) of each row.
pub struct Normalized<T> {
    /// (rows × units)
    pub values: Vec<T>,
    /// (rows)
    pub inverse: Vec<T>,
}

impl<T: Scratch> Normalized<T> {
    /// Hands its buffers back.
    pub fn put(self) {
        T::put(self.values);
        T::put(self.inverse);
    }
}

impl LayerNorm {
    /// y (rows × units) of x, in its place.
    pub(super) fn forward<T: Slices>(&self, x: &mut [T], units: usize) -> Result<Normalized<T>> {
        let mut saved =
            Normalized { values: vec![T::ZERO; x.len()], inverse: vec![T::ZERO; x.len() / units] };
        with_slice(&self.scale.0, |scale: &[T]| {
            with_slice(&self.shift.0, |shift: &[T]| normalize_in_place(x, scale, shift, &mut saved))
        })??;
        Ok(saved)
    }

    /// y (rows × units) of x, in buffers of [`Scratch`].
    pub fn forward_of<T: Slices + Scratch>(&self, x: &[T], units: usize) -> Result<(Vec<T>, Normalized<T>)> {
        let mut y = T::take(x.len());
        let mut saved = Normalized { values: T::take(x.len()), inverse: T::take(x.len() / units) };
        with_slice(&self.scale.0, |scale: &[T]| {
            with_slice(&self.shift.0, |shift: &[T]| normalize(x, &mut y, scale, shift, &mut saved))
        })??;
        Ok((y, saved))
    }

    /// ∂x of ∂y in `d`, in its place, by what `LayerNorm::forward` gave. Where the pass `trains`, the
    /// gradients of scale and shift are added to their places.
    pub fn backward<T: Slices>(
        &self,
        normalized: &[T],
        inverse: &[T],
        d: &mut [T],
        trains: bool,
    ) -> Result<()> {
        if trains {
            let (mut by_scale, mut by_shift) = (self.scale.1.lock(), self.shift.1.lock());
            add_gradients(normalized, d, by_scale.accumulate()?, by_shift.accumulate()?);
        }
        with_slice(&self.scale.0, |scale| pull_back(normalized, inverse, scale, d))
    }
}

fn normalize<T: Real>(x: &[T], y: &mut [T], scale: &[T], shift: &[T], saved: &mut Normalized<T>) {
    let units = scale.len();
    vectorized(
        #[inline(always)]
        || {
            let rows =
                x.chunks_exact(units).zip(saved.values.chunks_exact_mut(units)).zip(&mut saved.inverse);
            for (y, ((x, normal), inverse)) in y.chunks_exact_mut(units).zip(rows) {
                *inverse = standardize(x, normal);
                scale_and_shift(normal, scale, shift, y);
            }
        },
    );
}

fn normalize_in_place<T: Real>(x: &mut [T], scale: &[T], shift: &[T], saved: &mut Normalized<T>) {
    let units = scale.len();
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks_exact_mut(units).zip(saved.values.chunks_exact_mut(units));
            for ((x, normal), inverse) in rows.zip(&mut saved.inverse) {
                *inverse = standardize(x, normal);
                scale_and_shift(normal, scale, shift, x);
            }
        },
    );
}

/// (x - μ)/√(σ² + ε) of a row; returns 1/√(σ² + ε).
#[inline(always)]
fn standardize<T: Real>(x: &[T], normal: &mut [T]) -> T {
    let (share, epsilon) = (T::of(1.0 / x.len() as f64), T::of(EPSILON));
    let mean = row_sum(x, x, |x, _| x) * share;
    for (normal, &x) in normal.iter_mut().zip(x) {
        *normal = x - mean;
    }
    let variance = row_sum(normal, normal, |a, b| a * b) * share;
    let inverse = T::ONE / (variance + epsilon).sqrt();
    for normal in normal {
        *normal *= inverse;
    }
    inverse
}

#[inline(always)]
fn scale_and_shift<T: Real>(normal: &[T], scale: &[T], shift: &[T], y: &mut [T]) {
    for (((y, normal), &scale), &shift) in y.iter_mut().zip(normal).zip(scale).zip(shift) {
        *y = normal.mul_add(scale, shift);
    }
}

fn add_gradients<T: Real>(normal: &[T], d: &[T], by_scale: &mut [T], by_shift: &mut [T]) {
    let units = by_scale.len();
    vectorized(
        #[inline(always)]
        || {
            for (normal, d) in normal.chunks_exact(units).zip(d.chunks_exact(units)) {
                let sums = by_scale.iter_mut().zip(by_shift.iter_mut());
                for (((by_scale, by_shift), &normal), &d) in sums.zip(normal).zip(d) {
                    *by_scale += d * normal;
                    *by_shift += d;
                }
            }
        },
    );
}

/// With g = γ·∂y and n the normalised row: ∂x = (g - mean(g) - n·mean(g·n))/√(σ² + ε).
fn pull_back<T: Real>(normalized: &[T], inverse: &[T], scale: &[T], d: &mut [T]) {
    let units = scale.len();
    let share = T::of(1.0 / units as f64);
    vectorized(
        #[inline(always)]
        || {
            let rows = d.chunks_exact_mut(units).zip(normalized.chunks_exact(units));
            for ((d, normal), &inverse) in rows.zip(inverse) {
                for (d, &scale) in d.iter_mut().zip(scale) {
                    *d *= scale;
                }
                let plain = row_sum(d, d, |d, _| d) * share;
                let along = row_sum(d, normal, |d, n| d * n) * share;
                for (d, &normal) in d.iter_mut().zip(normal) {
                    *d = (*d - plain - normal * along) * inverse;
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn norm(scale: &[f32], shift: &[f32]) -> LayerNorm {
        let part = |values: &[f32]| {
            let tensor = Tensor::new(values, &Device::Cpu).unwrap();
            (tensor, Arc::new(Gradient::new(values.len(), DType::F32).unwrap()))
        };
        LayerNorm { scale: part(scale), shift: part(shift) }
    }

    /// `torch.nn.functional.layer_norm(torch.tensor([[1., 2., 4.]]), [3], weight, bias)` with weights 1, 2, -1
    /// and biases 0, 0.5, 1: mean 7/3, variance 14/9.
    #[test]
    fn a_row_is_what_pytorch_makes_of_it() {
        let mut x = [1.0, 2.0, 4.0];
        norm(&[1.0, 2.0, -1.0], &[0.0, 0.5, 1.0]).forward(&mut x, 3).unwrap();
        let expected = [-1.069_041_5, -0.034_520_7, -0.336_301_8];
        assert!(x.iter().zip(expected).all(|(x, e): (&f32, f32)| (x - e).abs() < 1e-6), "{x:?}");
    }

    /// A mean of 4,096 leaves a row of ±1/64 eleven bits; the squares of the values themselves have none for it.
    #[test]
    fn a_mean_far_from_0_costs_no_digits() {
        let near: Vec<f32> = (0..40).map(|i| if i % 2 == 0 { 0.015_625 } else { -0.015_625 }).collect();
        let mut far: Vec<f32> = near.iter().map(|x| x + 4096.0).collect();
        let (mut near, norm) = (near, norm(&[1.0; 40], &[0.0; 40]));
        norm.forward(&mut near, 40).unwrap();
        norm.forward(&mut far, 40).unwrap();
        assert!(near.iter().zip(&far).all(|(a, b)| (a - b).abs() < 1e-6 && (a.abs() - 0.98).abs() < 0.01));
    }
}

//! What an activation is to the training step: a pair of passes over slices.

use super::real::Real;
use crate::random::Stream;

/// Training or evaluation: randomised activations draw in the first and use the mean in the second.
#[derive(Debug)]
pub enum Mode<'a> {
    /// Draws come from the method's own stream.
    Train(&'a mut Stream),
    /// No draw.
    Evaluate,
}

/// What a forward pass saves for the backward pass of an activation.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a, T> {
    /// Pre-activations (rows × inputs).
    pub z: &'a [T],
    /// Features (rows × outputs).
    pub y: &'a [T],
    /// What the kernel itself has put into `extra`.
    pub extra: &'a [T],
}

/// Where a backward pass writes.
#[derive(Debug)]
pub struct Gradients<'a, T> {
    /// By the pre-activations (rows × inputs); overwritten.
    pub dz: &'a mut [T],
    /// By the coefficients; added to.
    pub d_coefficients: &'a mut [T],
}

/// One activation layer: `inputs` pre-activations per row in, `outputs` features per row out (the same
/// number for all but the doubling ones), rows contiguous, row-major. Feature k·inputs + u of a row is the
/// k-th of unit u.
///
/// Coefficients (if any) are one flat slice per layer in the order that `coefficients.csv` shows.
pub trait ElementKernel<T: Real>: Send + Sync {
    /// Features per row from pre-activations `z` (rows × inputs) into `y` (rows × outputs).
    ///
    /// `extra` carries values from forward to backward and starts empty. When a pass is split into blocks of
    /// rows, the first call fills it and later calls reuse it; kernels that save one value per element get one
    /// of their own each call, empty or with a place for each element, where anything may lie
    /// ([`ElementKernel::saves_elements`]).
    fn forward(
        &self,
        coefficients: &[T],
        inputs: usize,
        z: &[T],
        y: &mut [T],
        extra: &mut Vec<T>,
        mode: &mut Mode<'_>,
    );

    /// From dL/dy (rows × outputs) and what the forward pass saved: overwrites `dz` with dL/dz and *adds*
    /// dL/dθ to `d_coefficients`.
    fn backward(
        &self,
        coefficients: &[T],
        inputs: usize,
        saved: Saved<'_, T>,
        dy: &[T],
        gradients: Gradients<'_, T>,
    );

    /// Whether rows are independent: no draw, nothing saved, no coefficients. A pass may then process them
    /// block by block while they are in L1.
    fn local(&self) -> bool {
        false
    }

    /// Whether `saved` holds one value for each element, in their order; otherwise it holds something
    /// about the pass as a whole.
    fn saves_elements(&self) -> bool {
        false
    }

    /// Whether φ and φ' share most of their work. Where `extra` comes with a place for each element, the forward
    /// pass then puts φ' there and the backward pass takes it from there; where it comes empty it stays so.
    fn shares_work(&self) -> bool {
        false
    }
}

/// An activation's kernel in both float types.
pub trait Kernel: ElementKernel<f32> + ElementKernel<f64> {}
impl<K: ElementKernel<f32> + ElementKernel<f64>> Kernel for K {}

/// `x`, or 0 where |x| < `least`. NaN stays.
#[inline(always)]
pub fn flushed<T: Real>(x: T, least: T) -> T {
    if x.abs() < least { T::ZERO } else { x }
}

/// Sets to 0 what is below [`Real::NEGLIGIBLE`].
///
/// A network that loses its plasticity sends ever smaller gradients through saturated units. An Intel core
/// takes about thirty times as long for a product that is subnormal (below 1e-38): steps of a collapsed
/// swish network took fifteen times as long as its first. Without factors below 1e-18 no product of two is
/// subnormal. What is lost moves no f32 weight: it is ten orders of magnitude below Adam's usual ε.
pub fn flush<T: Real>(values: &mut [T]) {
    if T::NEGLIGIBLE > T::ZERO {
        vectorized(
            #[inline(always)]
            || {
                for x in values {
                    *x = flushed(*x, T::NEGLIGIBLE);
                }
            },
        );
    }
}

/// Whether [`flush`] would change no bit.
#[must_use]
pub fn is_flushed(values: &[f32]) -> bool {
    // Without a way out in the middle the loop is vectors.
    let changed = vectorized(
        #[inline(always)]
        || values.iter().fold(0, |bits, &x| bits | (flushed(x, f32::NEGLIGIBLE).to_bits() ^ x.to_bits())),
    );
    changed == 0
}

/// Runs `body` compiled for the widest vectors that this processor has (AVX-512, AVX2 with FMA, or
/// the baseline), chosen at run time. `body` must be `#[inline(always)]` all the way down to the loop.
#[inline(always)]
pub fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

#[cfg(test)]
mod tests {
    use super::{flush, is_flushed};

    #[test]
    fn what_is_negligible_becomes_zero_in_f32_alone() {
        let mut values = [0.9e-18, -0.9e-18, 1e-40, 1.1e-18, -2.0, f32::INFINITY, f32::NAN];
        flush(&mut values);
        assert_eq!(values[..6], [0.0, 0.0, 0.0, 1.1e-18, -2.0, f32::INFINITY]);
        assert!(values[6].is_nan());
        assert!(is_flushed(&values));
        for place in 0..values.len() {
            for (other, clean) in [(1e-40, false), (-0.0, false), (0.9e-18, false), (0.0, true), (-1.0, true)]
            {
                let mut values = values;
                values[place] = other;
                assert_eq!(is_flushed(&values), clean, "{other} at {place}");
            }
        }
        let mut wide = [1e-300];
        flush(&mut wide);
        assert_eq!(wide, [1e-300]);
    }
}

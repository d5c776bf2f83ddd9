//! Activations without coefficients: an author writes the function and its derivative for one number
//! and gets the vectorised passes.

use super::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use super::real::Real;

/// A function of one number.
///
/// Both methods must be `#[inline(always)]`, free of branches that depend on data (use `if a { b }
/// else { c }` on values already computed) and let NaN through, so that a diverging network is seen.
pub trait Scalar: Copy + Send + Sync {
    /// f(x)
    fn value<T: Real>(self, x: T) -> T;
    /// f'(x); `y` is f(x), for functions whose derivative is cheap in terms of it.
    fn derivative<T: Real>(self, x: T, y: T) -> T;
    /// Whether the two share most of their work, so that the slope is worth keeping.
    const SHARES_WORK: bool = false;
    /// f(x) and f'(x), to the bit.
    #[inline(always)]
    fn both<T: Real>(self, x: T) -> (T, T) {
        let y = self.value(x);
        (y, self.derivative(x, y))
    }
}

/// The kernel of a [`Scalar`].
#[derive(Clone, Copy, Debug)]
pub struct Pointwise<S>(pub S);

impl<S: Scalar, T: Real> ElementKernel<T> for Pointwise<S> {
    fn local(&self) -> bool {
        true
    }

    fn shares_work(&self) -> bool {
        S::SHARES_WORK
    }

    fn forward(&self, _: &[T], _: usize, z: &[T], y: &mut [T], slopes: &mut Vec<T>, _: &mut Mode<'_>) {
        let f = self.0;
        vectorized(
            #[inline(always)]
            || {
                if S::SHARES_WORK && slopes.len() == z.len() {
                    for ((y, slope), &x) in y.iter_mut().zip(slopes).zip(z) {
                        (*y, *slope) = f.both(x);
                    }
                } else {
                    for (y, &x) in y.iter_mut().zip(z) {
                        *y = f.value(x);
                    }
                }
            },
        );
    }

    fn backward(&self, _: &[T], _: usize, saved: Saved<'_, T>, dy: &[T], gradients: Gradients<'_, T>) {
        let (f, Saved { z, y, extra: slopes }, dz) = (self.0, saved, gradients.dz);
        vectorized(
            #[inline(always)]
            || {
                if S::SHARES_WORK && slopes.len() == z.len() {
                    for ((dz, &slope), &dy) in dz.iter_mut().zip(slopes).zip(dy) {
                        *dz = dy * slope;
                    }
                } else {
                    for (((dz, &x), &y), &dy) in dz.iter_mut().zip(z).zip(y).zip(dy) {
                        *dz = dy * f.derivative(x, y);
                    }
                }
            },
        );
    }
}

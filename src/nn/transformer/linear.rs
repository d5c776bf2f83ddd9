//! A linear layer on slices: every token a row.

use candle_core::Result;

use crate::kernels::affine::affine_by_rows;
use crate::kernels::element::vectorized;
use crate::kernels::gradient::add_bias_gradient;
use crate::kernels::matmul::{times_flushed, transposed_times};
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::{Slices, with_slice};
use crate::nn::builder::Place;

/// Weight (outputs, inputs), in any shape, and bias (outputs).
pub(super) struct Linear {
    pub weight: Place,
    pub bias: Place,
    pub inputs: usize,
    pub outputs: usize,
}

impl Linear {
    /// x (rows × inputs) · wᵀ + bias, plus the residual (rows × outputs) where there is one.
    pub fn forward<T: Slices + Scratch>(&self, x: &[T], residual: Option<&[T]>) -> Result<Vec<T>> {
        let rows = x.len() / self.inputs;
        let mut y = T::take(rows * self.outputs);
        let sizes = (rows, self.outputs, self.inputs);
        with_slice(&self.bias.0, |bias: &[T]| {
            with_slice(&self.weight.0, |w| affine_by_rows(x, w, (bias, residual), &mut y, sizes))
        })??;
        Ok(y)
    }

    /// ∂x of ∂y into `dx`, or added to it, where it is wanted; the gradients of weight and bias to their places
    /// where the pass `trains`.
    pub fn backward<T: Slices + Scratch>(
        &self,
        x: &[T],
        dy: &[T],
        dx: Option<(&mut [T], bool)>,
        trains: bool,
    ) -> Result<()> {
        let rows = x.len() / self.inputs;
        if let Some((dx, add)) = dx {
            let sizes = (rows, self.inputs, self.outputs);
            with_slice(&self.weight.0, |w| times_flushed(dy, w, dx, sizes, add))?;
        }
        if trains {
            add_bias_gradient(&self.bias.1, dy, self.outputs)?;
            let mut gradient = self.weight.1.lock();
            let (dw, add) = gradient.write::<T>()?;
            transposed_times(dy, x, dw, (self.outputs, self.inputs, rows), add);
        }
        Ok(())
    }
}

/// to += by
pub(super) fn add<T: Slices>(to: &mut [T], by: &[T]) {
    vectorized(
        #[inline(always)]
        || to.iter_mut().zip(by).for_each(|(to, &by)| *to += by),
    );
}

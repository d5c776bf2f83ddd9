//! Changing a parameter where it lies, through candle's own in-place ops (so without unsafe code).

use std::cell::RefCell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Var, bail};

struct Update<F>(RefCell<F>);

impl<F: FnMut(&mut [f32])> InplaceOp1 for Update<F> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("a parameter in training is f32 and contiguous");
        };
        (self.0.borrow_mut())(&mut values[start..end]);
        Ok(())
    }
}

/// Runs `change` on the values of an f32 parameter.
pub fn update(parameter: &Var, change: impl FnMut(&mut [f32])) -> Result<()> {
    parameter.inplace_op1(&Update(RefCell::new(change)))
}

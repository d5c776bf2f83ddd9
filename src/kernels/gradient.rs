//! Where a parameter's gradient is written.
//!
//! candle's gradient store allocates zeros and adds to them for every gradient that an op returns:
//! two more passes over every weight matrix. Our ops return no gradient for their parameters. They
//! write it here, into a buffer that lives as long as the parameter, or store the two factors of the
//! gradient and multiply them only when it is read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, DType, Result, bail};

use super::deferred::Deferred;
use super::element::vectorized;
use super::storage::Slices;

/// The gradient of one parameter.
#[derive(Debug)]
pub struct Gradient(Mutex<Buffer>);

/// The buffer behind a [`Gradient`].
#[derive(Debug)]
pub struct Buffer {
    values: CpuStorage,
    /// Whether nothing was written since the last step: the next write replaces, later ones add.
    fresh: bool,
    /// The factors of a gradient that was not read yet; `values` are out of date then.
    product: Option<Deferred>,
}

impl Gradient {
    /// A gradient of `len` zeros.
    pub fn new(len: usize, dtype: DType) -> Result<Self> {
        let values = match dtype {
            DType::F32 => CpuStorage::F32(vec![0.0; len]),
            DType::F64 => CpuStorage::F64(vec![0.0; len]),
            other => bail!("a parameter is f32 or f64, not {other:?}"),
        };
        Ok(Self(Mutex::new(Buffer { values, fresh: true, product: None })))
    }

    /// The buffer, for reading or writing. Only one thread trains a network, so nobody waits here.
    pub fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the gradient as used: the next write replaces it.
    pub fn reset(&self) {
        let mut buffer = self.lock();
        buffer.fresh = true;
        buffer.product = None;
    }

    /// A copy in f32, zeros if nothing was written since the last reset.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        let mut buffer = self.lock();
        buffer.multiply_out()?;
        let scale = if buffer.fresh { 0.0 } else { 1.0 };
        Ok(match &buffer.values {
            CpuStorage::F32(v) => v.iter().map(|x| x * scale).collect(),
            CpuStorage::F64(v) => v.iter().map(|x| *x as f32 * scale).collect(),
            _ => unreachable!("made as f32 or f64"),
        })
    }
}

impl Buffer {
    /// Whether nothing was written since the last reset.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Stores the factors of the gradient, which are multiplied when it is read. Replaces what was written
    /// before.
    pub fn defer(&mut self, product: Deferred) {
        self.fresh = false;
        self.product = Some(product);
    }

    fn multiply_out(&mut self) -> Result<()> {
        let Some(product) = self.product.take() else { return Ok(()) };
        let values = f32::slice_mut(&mut self.values)?;
        product.blocks(|at, block| values[at..at + block.len()].copy_from_slice(block))
    }

    /// Calls `body` with the f32 values block by block, each with the index of its first value; never if
    /// nothing was written since the last reset. A deferred gradient is multiplied block by block and not
    /// stored.
    pub fn blocks(&self, mut body: impl FnMut(usize, &[f32])) -> Result<()> {
        match &self.product {
            _ if self.fresh => {}
            Some(product) => product.blocks(body)?,
            None => body(0, f32::slice(&self.values)?),
        }
        Ok(())
    }

    /// The values and whether to add to them; after this they count as written.
    pub fn write<T: Slices>(&mut self) -> Result<(&mut [T], bool)> {
        self.multiply_out()?;
        let add = !std::mem::replace(&mut self.fresh, false);
        Ok((T::slice_mut(&mut self.values)?, add))
    }

    /// The values, set to zero first if they are fresh: for a kernel that always adds.
    pub fn accumulate<T: Slices>(&mut self) -> Result<&mut [T]> {
        let (values, add) = self.write::<T>()?;
        if !add {
            values.fill(T::ZERO);
        }
        Ok(values)
    }

    /// The values as they stand; `None` if nothing was written since the last reset.
    pub fn read<T: Slices>(&mut self) -> Result<Option<&mut [T]>> {
        self.multiply_out()?;
        if self.fresh { Ok(None) } else { T::slice_mut(&mut self.values).map(Some) }
    }
}

/// Adds the column sums of dz (rows × outputs) to a bias's gradient.
pub(crate) fn add_bias_gradient<T: Slices>(gradient: &Gradient, dz: &[T], outputs: usize) -> Result<()> {
    let mut gradient = gradient.lock();
    let db = gradient.accumulate::<T>()?;
    vectorized(
        #[inline(always)]
        || {
            for row in dz.chunks_exact(outputs) {
                for (sum, &d) in db.iter_mut().zip(row) {
                    *sum += d;
                }
            }
        },
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    const X: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// [1 2]ᵀ [1 2 3] + [3 0]ᵀ [4 5 6]
    const GRADIENT: [f32; 6] = [13.0, 17.0, 21.0, 2.0, 4.0, 6.0];

    fn deferred() -> Gradient {
        let gradient = Gradient::new(6, DType::F32).unwrap();
        gradient.lock().accumulate::<f32>().unwrap().fill(7.0);
        gradient.reset();
        let x = Tensor::from_slice(&X, (2, 3), &Device::Cpu).unwrap();
        gradient.lock().defer(Deferred::new(vec![1.0, 2.0, 3.0, 0.0], &x).unwrap());
        gradient
    }

    fn blocks(gradient: &Gradient) -> Vec<f32> {
        let mut all = Vec::new();
        gradient.lock().blocks(|_, block| all.extend_from_slice(block)).unwrap();
        all
    }

    #[test]
    fn a_deferred_product_is_the_gradient_to_every_reader_again_and_again() {
        let gradient = deferred();
        assert_eq!(blocks(&gradient), GRADIENT);
        assert_eq!(gradient.to_f32().unwrap(), GRADIENT);
        assert_eq!(blocks(&gradient), GRADIENT);
        assert_eq!(deferred().lock().read::<f32>().unwrap().unwrap(), GRADIENT);
        let gradient = deferred();
        gradient.lock().read::<f32>().unwrap().unwrap()[0] += 1.0;
        assert_eq!(gradient.to_f32().unwrap()[..2], [14.0, 17.0]);
    }

    #[test]
    fn later_writes_add_to_a_deferred_product() {
        let gradient = deferred();
        let mut buffer = gradient.lock();
        assert!(!buffer.is_fresh());
        let (values, add) = buffer.write::<f32>().unwrap();
        assert!(add);
        assert_eq!(values, GRADIENT);
    }

    #[test]
    fn a_reset_forgets_a_deferred_product() {
        let gradient = deferred();
        gradient.reset();
        assert!(gradient.lock().is_fresh());
        assert_eq!(blocks(&gradient), [0.0; 0]);
        assert_eq!(gradient.to_f32().unwrap(), [0.0; 6]);
        assert_eq!(gradient.lock().accumulate::<f32>().unwrap(), [0.0; 6]);
    }
}

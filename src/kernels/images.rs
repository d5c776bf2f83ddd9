//! Images by planes (channels, height, width), as files, data sets and `PyTorch`'s flattened layers have
//! them, and by rows (height, width, channels), as the convolutions do.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::storage::{Slices, contiguous};

/// Images (batch, channels · height · width) by planes as (batch, height, width, channels).
pub fn rows(images: &Tensor, (channels, height, width): (usize, usize, usize)) -> Result<Tensor> {
    let (batch, _) = images.dims2()?;
    if channels == 1 {
        return images.reshape((batch, height, width, 1));
    }
    let turned = images.apply_op1(Turn { from: (channels, height * width) })?;
    turned.reshape((batch, height, width, channels))
}

/// Images (batch, height, width, channels) as (batch, channels · height · width) by planes.
pub fn planes(images: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = images.dims4()?;
    let flat = images.reshape((batch, height * width * channels))?;
    if channels == 1 || height * width == 1 {
        return Ok(flat);
    }
    flat.apply_op1(Turn { from: (height * width, channels) })
}

/// Each row, a matrix of `from`, transposed.
struct Turn {
    from: (usize, usize),
}

impl Turn {
    fn turn<T: Slices>(&self, images: &[T]) -> Vec<T> {
        let (rows, columns) = self.from;
        let mut out = vec![T::ZERO; images.len()];
        for (image, out) in images.chunks_exact(rows * columns).zip(out.chunks_exact_mut(rows * columns)) {
            for (column, out) in out.chunks_exact_mut(rows).enumerate() {
                for (out, row) in out.iter_mut().zip(image.chunks_exact(columns)) {
                    *out = row[column];
                }
            }
        }
        out
    }
}

impl CustomOp1 for Turn {
    fn name(&self) -> &'static str {
        "turn"
    }

    fn cpu_fwd(&self, images: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let turned = match images {
            CpuStorage::F32(images) => f32::store(self.turn(contiguous(images, layout)?)),
            CpuStorage::F64(images) => f64::store(self.turn(contiguous(images, layout)?)),
            _ => bail!("images are f32 or f64"),
        };
        Ok((turned, layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let back = Turn { from: (self.from.1, self.from.0) };
        dy.contiguous()?.apply_op1_no_bwd(&back).map(Some)
    }
}

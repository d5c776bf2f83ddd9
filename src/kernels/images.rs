//! Images by planes (channels, height, width), as files, data sets and `PyTorch`'s flattened layers have
//! them, and by rows (height, width, channels), as the convolutions do; and the mean over an image.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use super::dense::{contiguous, cpu};
use super::gradient::Slices;

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

/// The mean over the positions of each channel: (batch, height, width, channels) as (batch, channels).
pub fn mean(images: &Tensor) -> Result<Tensor> {
    let (batch, height, width, channels) = images.dims4()?;
    images.reshape((batch, height * width, channels))?.apply_op1(Mean)
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

/// (batch, positions, channels) to (batch, channels).
struct Mean;

fn mean_of<T: Slices>(images: &[T], (batch, positions, channels): (usize, usize, usize)) -> CpuStorage {
    let mut out = vec![T::ZERO; batch * channels];
    for (image, out) in images.chunks_exact(positions * channels).zip(out.chunks_exact_mut(channels)) {
        for row in image.chunks_exact(channels) {
            out.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
        }
        for sum in out {
            *sum /= T::of(positions as f64);
        }
    }
    T::store(out)
}

fn spread<T: Slices>(dy: &Tensor, (batch, positions, channels): (usize, usize, usize)) -> Result<Tensor> {
    let (dy, layout) = dy.storage_and_layout();
    let dy = contiguous(T::slice(cpu(&dy)?)?, layout)?;
    let share = T::of(1.0 / positions as f64);
    let mut dx = Vec::with_capacity(batch * positions * channels);
    for row in dy.chunks_exact(channels) {
        let from = dx.len();
        dx.extend(row.iter().map(|&d| d * share));
        (1..positions).for_each(|_| dx.extend_from_within(from..from + channels));
    }
    Tensor::from_vec(dx, (batch, positions, channels), &candle_core::Device::Cpu)
}

impl CustomOp1 for Mean {
    fn name(&self) -> &'static str {
        "mean-over-positions"
    }

    fn cpu_fwd(&self, images: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims3()?;
        let means = match images {
            CpuStorage::F32(images) => mean_of(contiguous(images, layout)?, dims),
            CpuStorage::F64(images) => mean_of(contiguous(images, layout)?, dims),
            _ => bail!("images are f32 or f64"),
        };
        Ok((means, Shape::from((dims.0, dims.2))))
    }

    fn bwd(&self, images: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (dims, dy) = (images.dims3()?, dy.contiguous()?);
        match images.dtype() {
            DType::F32 => spread::<f32>(&dy, dims).map(Some),
            _ => spread::<f64>(&dy, dims).map(Some),
        }
    }
}

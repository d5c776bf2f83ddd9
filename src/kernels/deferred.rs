//! The deferred gradient of a linear layer's weight, dzᵀ · x: its two factors, multiplied when it is read.
//!
//! The optimiser reads it row by row. It gets a few rows at a time, which are still in L1: multiplying and
//! Adam of an MLP 784-256-256-10 took 0.89 of the time at batch 16 and 0.92 at 64 (Intel Xeon with
//! AVX-512).

use candle_core::{Result, Tensor};
use pulp::{Arch, Simd, WithSimd};

use super::scratch::Scratch;
use super::storage::with_slice;

/// Largest batch for which multiplication is deferred: beyond it, a column block of `x` no longer stays in L1
/// between blocks.
const MOST: usize = 64;

/// dzᵀ (outputs × rows) · x (rows × inputs), in f32.
#[derive(Debug)]
pub struct Deferred {
    dz: Vec<f32>,
    x: Tensor,
}

impl Deferred {
    /// Whether deferring pays for a batch of `rows`: not for large ones, and not without vector instructions.
    #[must_use]
    pub fn pays(rows: usize) -> bool {
        (1..=MOST).contains(&rows) && Arch::new().dispatch(Lanes) > 1
    }

    /// From dz (rows × outputs), a [`Scratch`] buffer, and x (rows, inputs), contiguous. x is kept until the gradient is reset; a
    /// variable, whose values can be set in place, is copied.
    pub fn new(dz: Vec<f32>, x: &Tensor) -> Result<Self> {
        let x = if x.is_variable() { x.copy()? } else { x.detach() };
        Ok(Self { dz, x })
    }

    /// Multiplies a few whole rows of the weight at a time: `body` gets the index of the first element and
    /// the elements. Every call gives the same sums, in the order of the batch.
    pub fn blocks(&self, body: impl FnMut(usize, &[f32])) -> Result<()> {
        let (rows, inputs) = self.x.dims2()?;
        with_slice(&self.x, |x| Arch::new().dispatch(Blocks { dz: &self.dz, x, rows, inputs, body }))
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        f32::put(std::mem::take(&mut self.dz));
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

struct Blocks<'a, F> {
    dz: &'a [f32],
    x: &'a [f32],
    rows: usize,
    inputs: usize,
    body: F,
}

impl<F: FnMut(usize, &[f32])> WithSimd for Blocks<'_, F> {
    type Output = ();

    /// As many sums as the registers hold beside their factors, and enough to hide an addition's latency.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, 8, 3>(simd) } else { self.run::<S, 4, 3>(simd) }
    }
}

impl<F: FnMut(usize, &[f32])> Blocks<'_, F> {
    #[inline(always)]
    fn run<S: Simd, const HEIGHT: usize, const WIDTH: usize>(self, simd: S) {
        let Self { dz, x, rows, inputs, mut body } = self;
        let outputs = dz.len() / rows;
        let mut turned = f32::take(rows * HEIGHT);
        let columns = turned.as_chunks_mut::<HEIGHT>().0;
        let mut block = f32::take(HEIGHT * inputs);
        for first in (0..outputs).step_by(HEIGHT) {
            let height = HEIGHT.min(outputs - first);
            for (column, dz) in columns.iter_mut().zip(dz.chunks_exact(outputs)) {
                column[..height].copy_from_slice(&dz[first..][..height]);
            }
            let g = &mut block[..height * inputs];
            multiply::<S, HEIGHT, WIDTH>(simd, columns, x, g, inputs);
            body(first * inputs, g);
        }
        f32::put(turned);
        f32::put(block);
    }
}

/// g (at most HEIGHT × inputs) = columns (rows × HEIGHT)ᵀ · x (rows × inputs), each sum in the order of
/// the rows.
#[inline(always)]
fn multiply<S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    columns: &[[f32; HEIGHT]],
    x: &[f32],
    g: &mut [f32],
    inputs: usize,
) {
    let width = S::F32_LANES * WIDTH;
    let whole = inputs / width * width;
    for from in (0..whole).step_by(width) {
        let sums = tile(
            simd,
            columns,
            x.chunks_exact(inputs),
            #[inline(always)]
            |x| S::as_simd_f32s(&x[from..][..width]).0.as_chunks::<WIDTH>().0[0],
        );
        for (g, sums) in g.chunks_exact_mut(inputs).zip(&sums) {
            S::as_mut_simd_f32s(&mut g[from..][..width]).0.copy_from_slice(sums);
        }
    }
    for from in (whole..inputs).step_by(S::F32_LANES) {
        let to = inputs.min(from + S::F32_LANES);
        let sums = tile(
            simd,
            columns,
            x.chunks_exact(inputs),
            #[inline(always)]
            |x| [simd.partial_load_f32s(&x[from..to])],
        );
        for (g, &[sum]) in g.chunks_exact_mut(inputs).zip(&sums) {
            simd.partial_store_f32s(&mut g[from..to], sum);
        }
    }
}

/// The sums of one tile, of which `load` takes its part of a row of x.
#[inline(always)]
fn tile<'a, S: Simd, const HEIGHT: usize, const WIDTH: usize>(
    simd: S,
    columns: &[[f32; HEIGHT]],
    rows: impl Iterator<Item = &'a [f32]>,
    load: impl Fn(&'a [f32]) -> [S::f32s; WIDTH],
) -> [[S::f32s; WIDTH]; HEIGHT] {
    let mut sums = [[simd.splat_f32s(0.0); WIDTH]; HEIGHT];
    for (column, row) in columns.iter().zip(rows) {
        let x = load(row);
        for (sums, &d) in sums.iter_mut().zip(column) {
            let d = simd.splat_f32s(d);
            for (sum, &x) in sums.iter_mut().zip(&x) {
                *sum = simd.mul_add_f32s(d, x, *sum);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::kernels::matmul::transposed_times;
    use crate::kernels::numbers;

    /// Against the product of a library; sizes about the tiles' edges.
    #[test]
    fn blocks_are_the_rows_of_the_product() {
        for (rows, outputs, inputs) in
            [(1, 1, 1), (16, 256, 784), (16, 100, 784), (64, 10, 256), (3, 9, 49), (5, 8, 48), (64, 7, 100)]
        {
            let (dz, x) = (numbers(rows * outputs, 1), numbers(rows * inputs, 2));
            let mut expected = vec![0.0; outputs * inputs];
            transposed_times(&dz, &x, &mut expected, (outputs, inputs, rows), false);
            let x = Tensor::from_vec(x, (rows, inputs), &Device::Cpu).unwrap();
            let mut found = Vec::new();
            let product = Deferred::new(dz, &x).unwrap();
            product
                .blocks(|at, block| {
                    assert_eq!(at, found.len());
                    found.extend_from_slice(block);
                })
                .unwrap();
            assert_eq!(found.len(), expected.len());
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= 2e-6, "{rows} × {outputs} × {inputs}: {worst}");
        }
    }

    #[test]
    fn inputs_that_are_set_in_place_afterwards_change_nothing() {
        let x = candle_core::Var::new(&[[1.0f32, 2.0]], &Device::Cpu).unwrap();
        let product = Deferred::new(vec![3.0], x.as_tensor()).unwrap();
        x.set(&Tensor::new(&[[9.0f32, 9.0]], &Device::Cpu).unwrap()).unwrap();
        product.blocks(|_, block| assert_eq!(block, [3.0, 6.0])).unwrap();
    }

    /// What AVX2 makes of it, in smaller tiles, has the bits that AVX-512 makes.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn tiles_of_fewer_registers_give_the_same_bits() {
        let Some(avx2) = pulp::x86::V3::try_new() else { return };
        for (rows, outputs, inputs) in [(16, 100, 784), (64, 10, 100), (3, 9, 49), (1, 1, 1), (5, 7, 24)] {
            let (dz, x) = (numbers(rows * outputs, 1), numbers(rows * inputs, 2));
            let mut small = Vec::new();
            let body = |_, block: &[f32]| small.extend_from_slice(block);
            Simd::vectorize(avx2, Blocks { dz: &dz, x: &x, rows, inputs, body });
            let mut found = Vec::new();
            let x = Tensor::from_vec(x, (rows, inputs), &Device::Cpu).unwrap();
            let product = Deferred::new(dz, &x).unwrap();
            product.blocks(|_, block| found.extend_from_slice(block)).unwrap();
            assert!(found.iter().map(|x| x.to_bits()).eq(small.iter().map(|x| x.to_bits())));
        }
    }
}

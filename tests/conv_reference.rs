//! Values and gradients of the convolution op against `PyTorch`'s (`tests/reference/conv.py`), in f32 and
//! f64. The numbers are such that every sum is exact, so they have to be equal.

mod common;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use plasticity_bench::kernels::conv::{Conv, ConvParts};
use plasticity_bench::kernels::fused_activation::FusedActivation;
use plasticity_bench::kernels::gradient::Gradient;
use plasticity_bench::kernels::max_pool::Pool;
use plasticity_bench::kernels::pass::Pass;
use plasticity_bench::nn::activation;
use plasticity_bench::random::Stream;

/// The whole sixteenths that `conv.py` makes.
fn numbers(shape: &[usize], a: usize, b: usize, dtype: DType) -> Tensor {
    let values = (0..shape.iter().product()).map(|i| ((a * i + b) % 31) as f64 / 16.0 - 15.0 / 16.0);
    let values = Tensor::from_iter(values, &Device::Cpu).unwrap();
    values.reshape(shape).unwrap().to_dtype(dtype).unwrap()
}

/// Images by planes as images by rows, and back.
fn by_rows(images: &Tensor) -> Tensor {
    images.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

fn by_planes(images: &Tensor) -> Tensor {
    images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// y, ∂x, ∂W and ∂b of a case, by the names in the file.
fn ours(case: &[usize], dtype: DType) -> [(&'static str, Vec<f64>); 4] {
    let &[batch, channels, height, width, outputs, rows, columns, stride, padding, relu, pool, pool_stride] =
        case
    else {
        panic!("{case:?}")
    };
    let x = Var::from_tensor(&by_rows(&numbers(&[batch, channels, height, width], 7, 3, dtype))).unwrap();
    let weight = Var::from_tensor(&numbers(&[outputs, channels, rows, columns], 11, 5, dtype)).unwrap();
    let bias = numbers(&[outputs], 13, 2, dtype);
    let gradient = |of: &Tensor| Arc::new(Gradient::new(of.elem_count(), dtype).unwrap());
    let activation = (relu == 1).then(|| {
        let built = activation::build(&common::activation("relu"), outputs).unwrap();
        FusedActivation { kernel: built.kernel, expansion: 1, coefficients: None }
    });
    let (weight_gradient, bias_gradient) = (gradient(&weight), gradient(&bias));
    let parts = ConvParts {
        stride,
        padding,
        weight_gradient: Arc::clone(&weight_gradient),
        bias: Some((bias, Arc::clone(&bias_gradient))),
        activation,
        pool: (pool > 0).then_some(Pool { size: pool, stride: pool_stride }),
    };
    let pass = Pass::train(Stream::new(0, "activation", 0));
    let y = by_planes(&pass.apply(&x, &weight, Conv::new(parts, pass.clone())).unwrap());
    let loss = (&y * numbers(y.dims(), 17, 1, dtype)).unwrap().sum_all().unwrap();
    let dx = by_planes(loss.backward().unwrap().get(&x).unwrap());
    let read = |gradient: &Gradient| gradient.to_f32().unwrap().into_iter().map(f64::from).collect();
    [("y", values(&y)), ("dx", values(&dx)), ("dw", read(&weight_gradient)), ("db", read(&bias_gradient))]
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let mut rows: Vec<&str> = include_str!("reference/conv.csv").lines().skip(1).collect();
    assert_eq!(rows.len(), 36);
    rows.sort_unstable();
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let case: Vec<usize> = cells[..12].iter().map(|cell| cell.parse().unwrap()).collect();
        let theirs: Vec<f64> = cells[13].split(' ').map(|value| value.parse().unwrap()).collect();
        assert!(theirs.iter().any(|value| *value != 0.0));
        for dtype in [DType::F32, DType::F64] {
            let ours = ours(&case, dtype);
            let (what, ours) = ours.iter().find(|(what, _)| *what == cells[12]).unwrap();
            assert_eq!(*ours, theirs, "{what} of {case:?} in {dtype:?}");
        }
    }
}

//! The convolution op against candle's convolution, pooling and autograd (f64), and against central
//! finite differences.

mod common;

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use plasticity_bench::kernels::conv::{Conv, ConvParts};
use plasticity_bench::kernels::fused_activation::FusedActivation;
use plasticity_bench::kernels::gradient::Gradient;
use plasticity_bench::kernels::images;
use plasticity_bench::kernels::max_pool::Pool;
use plasticity_bench::kernels::pass::Pass;
use plasticity_bench::nn::activation::{self, registry};
use plasticity_bench::random::Stream;

/// One convolution with everything that its op takes.
struct Case {
    weight: Var,
    bias: Var,
    inputs: Var,
    /// Coefficients of the loss: Σ c·y, so that every output has a gradient of its own.
    seed: u64,
    parts: ConvParts,
    coefficients: Option<Var>,
}

fn normals(stream: &mut Stream, shape: &[usize]) -> Var {
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| stream.normal()).collect();
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn gradient(of: &Var) -> Arc<Gradient> {
    Arc::new(Gradient::new(of.elem_count(), DType::F64).unwrap())
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn read(gradient: &Gradient) -> Vec<f64> {
    gradient.lock().read::<f64>().unwrap().expect("the pass wrote it").to_vec()
}

impl Case {
    /// Inputs (batch, height, width, channels), filters (outputs, channels, rows, columns).
    fn new(
        dims: (usize, usize, usize, usize),
        (outputs, rows, columns): (usize, usize, usize),
        (stride, padding): (usize, usize),
        activation: Option<&str>,
        pool: Option<Pool>,
    ) -> Self {
        let mut stream = Stream::new(5, "test", 0);
        let inputs = normals(&mut stream, &[dims.0, dims.1, dims.2, dims.3]);
        let weight = normals(&mut stream, &[outputs, dims.3, rows, columns]);
        let scale = (1.0 / (dims.3 * rows * columns) as f64).sqrt();
        weight.set(&(weight.as_tensor() * scale).unwrap()).unwrap();
        let bias = normals(&mut stream, &[outputs]);
        let built = activation.map(|name| activation::build(&common::activation(name), outputs).unwrap());
        let coefficients = built.as_ref().and_then(|a| a.coefficients.as_ref()).map(|c| {
            let sets = c.start.len() / c.names.len();
            Var::from_slice(&c.start, (sets, c.names.len()), &Device::Cpu).unwrap()
        });
        let activation = built.map(|a| FusedActivation {
            kernel: a.kernel,
            expansion: a.expansion,
            coefficients: coefficients.as_ref().map(|c| (c.as_tensor().clone(), gradient(c))),
        });
        let parts = ConvParts {
            stride,
            padding,
            weight_gradient: gradient(&weight),
            bias: Some((bias.as_tensor().clone(), gradient(&bias))),
            activation,
            pool,
        };
        Self { weight, bias, inputs, seed: 7, parts, coefficients }
    }

    fn output(&self) -> Tensor {
        self.run(&Pass::train(Stream::new(9, "activation", 0)))
    }

    fn run(&self, pass: &Pass) -> Tensor {
        pass.apply(&self.inputs, &self.weight, Conv::new(self.parts.clone(), pass.clone())).unwrap()
    }

    fn loss_of(&self, y: &Tensor) -> Tensor {
        let weights = normals(&mut Stream::new(self.seed, "test", 1), y.dims());
        (y * weights.as_tensor()).unwrap().sum_all().unwrap()
    }

    fn loss(&self) -> Tensor {
        self.loss_of(&self.output())
    }

    /// Gradients of inputs, weight, bias, coefficients.
    fn gradients(&self) -> Vec<(&'static str, &Var, Vec<f64>)> {
        let (_, bias_gradient) = self.parts.bias.as_ref().unwrap();
        let coefficients = self.parts.activation.as_ref().and_then(|s| s.coefficients.as_ref());
        self.parts.weight_gradient.reset();
        bias_gradient.reset();
        if let Some((_, gradient)) = coefficients {
            gradient.reset();
        }
        let store = self.loss().backward().unwrap();
        let mut all = vec![
            ("inputs", &self.inputs, values(store.get(&self.inputs).unwrap())),
            ("weight", &self.weight, read(&self.parts.weight_gradient)),
            ("bias", &self.bias, read(bias_gradient)),
        ];
        if let Some((_, gradient)) = coefficients {
            all.push(("coefficients", self.coefficients.as_ref().unwrap(), read(gradient)));
        }
        all
    }

    fn differences(&self, variable: &Var) -> Vec<f64> {
        let start = values(variable);
        let at = |moved: &[f64]| {
            variable.set(&Tensor::from_slice(moved, variable.dims(), &Device::Cpu).unwrap()).unwrap();
            self.loss().to_scalar::<f64>().unwrap()
        };
        let h = 1e-6;
        let differences = (0..start.len()).map(|i| {
            let mut moved = start.clone();
            moved[i] = start[i] + h;
            let up = at(&moved);
            moved[i] = start[i] - h;
            (up - at(&moved)) / (2.0 * h)
        });
        let differences = differences.collect();
        at(&start);
        differences
    }

    fn check_differences(&self, name: &str) {
        for (what, variable, ours) in self.gradients() {
            let differences = self.differences(variable);
            assert_eq!(ours.len(), differences.len());
            for (i, (a, b)) in ours.iter().zip(&differences).enumerate() {
                assert!((a - b).abs() < 1e-6 + 1e-5 * b.abs(), "{name} {what}[{i}]: {a} against {b}");
            }
            assert!(differences.iter().any(|d| d.abs() > 1e-3), "{name} {what}: nothing was tested");
        }
    }

    /// The same by candle's own operations, (batch, channels, height, width) inside. relu only.
    fn theirs(&self) -> Tensor {
        let x = self.inputs.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
        let (stride, padding) = (self.parts.stride, self.parts.padding);
        let mut y = x.conv2d(&self.weight, padding, stride, 1, 1).unwrap();
        y = y.broadcast_add(&self.bias.reshape((1, (), 1, 1)).unwrap()).unwrap();
        if self.parts.activation.is_some() {
            y = y.relu().unwrap();
        }
        if let Some(pool) = self.parts.pool {
            y = y.max_pool2d_with_stride(pool.size, pool.stride).unwrap();
        }
        y.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
    }
}

fn assert_close(name: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() < 1e-11 + 1e-10 * b.abs(), "{name}[{i}]: {a} against {b}");
    }
}

/// Inputs, filters, stride and padding.
type Sizes = ((usize, usize, usize, usize), (usize, usize, usize), (usize, usize));

/// Filters of every kind: beside, inside and across the image's edge; windows of one channel and many.
const SHAPES: [Sizes; 10] = [
    ((2, 6, 6, 3), (4, 3, 3), (1, 1)),
    ((3, 7, 5, 1), (3, 5, 5), (1, 0)),
    ((2, 8, 8, 4), (6, 3, 3), (2, 1)),
    ((2, 6, 7, 5), (7, 1, 1), (1, 0)),
    ((2, 7, 7, 4), (3, 1, 1), (2, 0)),
    ((1, 5, 6, 2), (2, 2, 3), (1, 2)),
    ((1, 5, 6, 16), (16, 3, 3), (1, 1)),
    ((2, 9, 4, 2), (5, 4, 2), (3, 1)),
    ((2, 3, 3, 2), (3, 3, 3), (1, 3)),
    ((5, 16, 16, 16), (32, 3, 3), (1, 1)),
];

#[test]
fn products_agree_with_candle() {
    for (dims, filters, steps) in SHAPES {
        let name = format!("{dims:?} {filters:?} {steps:?}");
        let case = Case::new(dims, filters, steps, None, None);
        let (y, theirs) = (case.output(), case.theirs());
        assert_eq!(y.dims(), theirs.dims(), "{name}");
        assert_close(&name, &values(&y), &values(&theirs));
        let store = case.loss_of(&theirs).backward().unwrap();
        for (what, variable, ours) in case.gradients() {
            // candle's ∂x of a strided convolution has another shape where the last rows are not reached.
            if what == "inputs" && steps.0 > 1 {
                continue;
            }
            assert_close(&format!("{name} {what}"), &ours, &values(store.get(variable).unwrap()));
        }
    }
}

#[test]
fn relu_and_pooling_agree_with_candle() {
    for pool in [Pool { size: 2, stride: 2 }, Pool { size: 3, stride: 3 }] {
        let case = Case::new((3, 9, 8, 2), (5, 3, 3), (1, 1), Some("relu"), Some(pool));
        assert_close("pooled", &values(&case.output()), &values(&case.theirs()));
    }
}

#[test]
fn every_shape_matches_finite_differences() {
    for (dims, filters, steps) in SHAPES.into_iter().take(9) {
        let name = format!("{dims:?} {filters:?} {steps:?}");
        Case::new(dims, filters, steps, Some("tanh"), None).check_differences(&name);
    }
}

#[test]
fn every_activation_matches_finite_differences_pooled_and_not() {
    for registered in registry() {
        let name = registered.entry.name;
        for pool in [None, Some(Pool { size: 2, stride: 2 }), Some(Pool { size: 3, stride: 2 })] {
            let case = Case::new((2, 6, 5, 2), (4, 3, 3), (1, 1), Some(name), pool);
            case.check_differences(&format!("{name} {pool:?}"));
        }
    }
}

#[test]
fn pooling_without_an_activation_matches_finite_differences() {
    let pool = Some(Pool { size: 2, stride: 1 });
    Case::new((2, 5, 5, 2), (3, 2, 2), (1, 0), None, pool).check_differences("pooled product");
}

#[test]
fn an_evaluation_gives_what_a_training_pass_gives_and_keeps_watched_rows() {
    let pool = Some(Pool { size: 2, stride: 2 });
    let case = Case::new((9, 12, 12, 16), (32, 5, 5), (1, 2), Some("rational"), pool);
    assert_eq!(values(&case.run(&Pass::Evaluate)), values(&case.output()));
    let rows = vec![0, 17, 143, 144, 700, 1295];
    let op = Conv::capturing(case.parts.clone(), rows.clone());
    case.inputs.apply_op2_no_bwd(case.weight.as_tensor(), &op).unwrap();
    let bare = ConvParts { activation: None, pool: None, ..case.parts.clone() };
    let all =
        case.inputs.apply_op2_no_bwd(case.weight.as_tensor(), &Conv::new(bare, Pass::Evaluate)).unwrap();
    let all = values(&all);
    let expected: Vec<f32> =
        rows.iter().flat_map(|row| all[row * 32..][..32].iter().map(|&v| v as f32)).collect();
    assert_eq!(op.captured(), expected);
}

#[test]
fn a_filter_larger_than_the_image_is_refused() {
    let case = Case::new((1, 4, 4, 1), (1, 3, 3), (1, 0), None, None);
    let x = Tensor::zeros((1, 2, 4, 1), DType::F64, &Device::Cpu).unwrap();
    let refused = x.apply_op2_no_bwd(case.weight.as_tensor(), &Conv::new(case.parts.clone(), Pass::Evaluate));
    assert!(refused.unwrap_err().to_string().contains("3 × 3 does not fit 2 × 4"));
}

#[test]
fn planes_and_rows_match_candle_and_their_gradients() {
    let mut stream = Stream::new(1, "test", 0);
    let flat = normals(&mut stream, &[3, 2 * 4 * 5]);
    let rows = images::rows(&flat, (2, 4, 5)).unwrap();
    let theirs = flat.reshape((3, 2, 4, 5)).unwrap().permute((0, 2, 3, 1)).unwrap();
    assert_eq!(rows.dims(), theirs.dims());
    assert_eq!(values(&rows), values(&theirs.contiguous().unwrap()));
    assert_eq!(values(&images::planes(&rows).unwrap()), values(&flat));
    let c = normals(&mut stream, &[3, 40]);
    let loss = (images::planes(&rows).unwrap() * c.as_tensor()).unwrap().sum_all().unwrap();
    assert_eq!(values(loss.backward().unwrap().get(&flat).unwrap()), values(&c));
}

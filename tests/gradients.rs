//! The whole differentiated path (layers, every activation, the loss) against central finite
//! differences in f64.

mod common;

use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Tensor, Var};
use plasticity_bench::kernels::loss::{Targets, cross_entropy};
use plasticity_bench::nn::activation::registry;
use plasticity_bench::nn::{Mlp, Network, Pass, Role};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Value};

const ROWS: usize = 7;
const INPUTS: usize = 6;
const CLASSES: usize = 5;

struct Case {
    network: Mlp,
    inputs: Var,
    targets: Targets,
}

impl Case {
    fn new(name: &str) -> Self {
        Self::of(&common::mlp(&[8, 4]), name)
    }

    /// With layer normalisation, whose scales and shifts are moved off their start.
    fn normalized(name: &str) -> Self {
        let mut mlp = common::mlp(&[8, 4]);
        mlp.parameters.insert("norm".into(), Value::Text("layer".into()));
        let case = Self::of(&mlp, name);
        let mut stream = Stream::new(4, "test", 0);
        for parameter in case.network.parameters().iter().filter(|p| p.role == Role::Norm) {
            let values: Vec<f64> = parameter.values.to_vec1::<f64>().unwrap();
            let moved: Vec<f64> = values.iter().map(|v| v + 0.3 * stream.normal()).collect();
            parameter.values.set(&Tensor::new(moved, &Device::Cpu).unwrap()).unwrap();
        }
        case
    }

    fn of(mlp: &Choice, name: &str) -> Self {
        Self::with(mlp, &common::activation(name))
    }

    fn with(mlp: &Choice, activation: &Choice) -> Self {
        let mut stream = Stream::new(3, "test", 0);
        let network = Mlp::new(mlp, activation, INPUTS, CLASSES, &mut stream, DType::F64).unwrap();
        let pixels: Vec<f64> = (0..ROWS * INPUTS).map(|_| 2.0 * stream.normal()).collect();
        let inputs = Tensor::from_vec(pixels, (ROWS, INPUTS), &Device::Cpu).unwrap();
        let labels: Vec<u32> = (0..ROWS).map(|_| stream.below(CLASSES as u64) as u32).collect();
        Self { network, inputs: Var::from_tensor(&inputs).unwrap(), targets: labels.into() }
    }

    /// Training mode with the same draws at every call, so that randomised activations are a function.
    fn loss(&self) -> Tensor {
        let pass = Pass::Train(Arc::new(Mutex::new(Stream::new(9, "activation", 0))));
        let logits = self.network.forward(self.inputs.as_tensor(), &pass).unwrap();
        cross_entropy(&logits, self.targets.clone()).unwrap().loss
    }

    fn differences(&self, variable: &Var) -> Vec<f64> {
        let shape = variable.dims().to_vec();
        let start: Vec<f64> = variable.flatten_all().unwrap().to_vec1().unwrap();
        let at = |values: &[f64]| {
            variable.set(&Tensor::from_slice(values, shape.as_slice(), &Device::Cpu).unwrap()).unwrap();
            self.loss().to_scalar::<f64>().unwrap()
        };
        let h = 1e-6;
        let gradient = (0..start.len())
            .map(|i| {
                let mut moved = start.clone();
                moved[i] = start[i] + h;
                let up = at(&moved);
                moved[i] = start[i] - h;
                (up - at(&moved)) / (2.0 * h)
            })
            .collect();
        at(&start);
        gradient
    }
}

fn assert_close(name: &str, ours: &[f64], differences: &[f64]) {
    assert_eq!(ours.len(), differences.len());
    for (i, (a, b)) in ours.iter().zip(differences).enumerate() {
        assert!((a - b).abs() < 1e-7 + 1e-5 * b.abs(), "{name}[{i}]: {a} against {b}");
    }
    assert!(differences.iter().any(|d| d.abs() > 1e-6), "{name}: nothing was tested");
}

#[test]
fn every_activation_in_a_network_matches_finite_differences() {
    for registered in registry() {
        let name = registered.entry.name;
        check(name, &Case::new(name));
    }
}

#[test]
fn layer_normalisation_matches_finite_differences() {
    for name in ["relu", "crelu", "rational", "tanh"] {
        let case = Case::normalized(name);
        let norms = case.network.parameters().iter().filter(|p| p.role == Role::Norm);
        let names: Vec<&str> = norms.map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["norms.0.weight", "norms.0.bias", "norms.1.weight", "norms.1.bias"]);
        check(&format!("{name} normalised"), &case);
    }
}

/// r2r2 and r3r of arXiv 2102.09407: layers that a map gives one set train the same coefficients.
#[test]
fn coefficients_shared_by_a_map_match_finite_differences() {
    for (map, layers) in
        [([0, 0, 1, 1], [0, 0, 1, 1]), ([0, 0, 0, 1], [0, 0, 0, 1]), ([0, 1, 0, 2], [0, 1, 0, 2])]
    {
        let mut activation = common::activation("rational");
        activation.parameters.insert("sharing".into(), Value::Text("map".into()));
        activation.parameters.insert("map".into(), Value::Integers(map.to_vec()));
        let case = Case::with(&common::mlp(&[6, 5, 4, 4]), &activation);
        let own: Vec<usize> = case.network.layers().iter().filter_map(|layer| layer.activation).collect();
        assert_eq!(own, layers);
        let sets = layers.iter().max().unwrap() + 1;
        let names: Vec<String> = case
            .network
            .parameters()
            .iter()
            .filter(|p| matches!(p.role, Role::Coefficients(_)))
            .map(|p| p.name.clone())
            .collect();
        assert_eq!(names, (0..sets).map(|set| format!("activations.{set}.coefficients")).collect::<Vec<_>>());
        check(&format!("map {map:?}"), &case);
    }
    let mut short = common::activation("rational");
    short.parameters.insert("sharing".into(), Value::Text("map".into()));
    short.parameters.insert("map".into(), Value::Integers(vec![0, 0]));
    let error = plasticity_bench::nn::check_choices(&common::mlp(&[6, 5, 4]), &short, None).unwrap_err();
    assert!(error.to_string().contains("2 activation layers, and the network has at least 3"), "{error}");
}

fn check(name: &str, case: &Case) {
    let gradients = case.loss().backward().unwrap();
    let dx: Vec<f64> = gradients.get(&case.inputs).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert_close(&format!("{name} inputs"), &dx, &case.differences(&case.inputs));
    for parameter in case.network.parameters() {
        parameter.gradient.reset();
    }
    case.loss().backward().unwrap();
    for parameter in case.network.parameters() {
        let ours = parameter.gradient.lock().read::<f64>().unwrap().unwrap().to_vec();
        assert_close(&format!("{name} {}", parameter.name), &ours, &case.differences(&parameter.values));
    }
}

#[test]
fn a_second_backward_pass_adds_until_the_gradient_is_reset() {
    let case = Case::new("tanh");
    let weight = &case.network.parameters()[0];
    let read = || weight.gradient.lock().read::<f64>().unwrap().unwrap().to_vec();
    case.loss().backward().unwrap();
    let once = read();
    case.loss().backward().unwrap();
    let twice = read();
    assert!(once.iter().zip(&twice).all(|(a, b)| (2.0 * a - b).abs() < 1e-12));
    weight.gradient.reset();
    assert!(weight.gradient.lock().read::<f64>().unwrap().is_none());
    case.loss().backward().unwrap();
    assert_eq!(once, read());
}

/// In f32 small batches leave the weight's gradient as two factors, multiplied for whoever reads it; larger ones
/// do not. Both are the f64 gradient.
#[test]
fn f32_gradients_are_those_of_f64_at_every_batch_size() {
    for rows in [1, 16, 64, 65] {
        let mlp = common::mlp(&[40, 24]);
        let gradients = |dtype: DType| -> Vec<Vec<f32>> {
            let mut stream = Stream::new(3, "test", 0);
            let (relu, inputs) = (common::activation("rational"), 30);
            let network = Mlp::new(&mlp, &relu, inputs, CLASSES, &mut stream, dtype).unwrap();
            let pixels: Vec<f32> = (0..rows * inputs).map(|_| stream.normal() as f32).collect();
            let x = Tensor::from_vec(pixels, (rows, inputs), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            let labels: Vec<u32> = (0..rows).map(|_| stream.below(CLASSES as u64) as u32).collect();
            let logits = network.forward(&x, &Pass::train(stream)).unwrap();
            cross_entropy(&logits, labels.into()).unwrap().loss.backward().unwrap();
            network.parameters().iter().map(|p| p.gradient.to_f32().unwrap()).collect()
        };
        for (single, double) in gradients(DType::F32).iter().zip(&gradients(DType::F64)) {
            let largest = double.iter().fold(0.0, |most: f32, g| most.max(g.abs()));
            assert!(largest > 0.0);
            for (a, b) in single.iter().zip(double) {
                assert!((a - b).abs() < 2e-5 * largest, "{rows} rows: {a} against {b} of {largest}");
            }
        }
    }
}

/// Without draws a training pass computes what an evaluation does, to the bit; among more rows, which go through
/// another product, to rounding.
#[test]
fn training_and_evaluation_agree_for_deterministic_networks() {
    let inputs = 30;
    for name in ["relu", "rational", "crelu"] {
        let mut stream = Stream::new(3, "test", 0);
        let (mlp, activation) = (common::mlp(&[40, 24]), common::activation(name));
        let network = Mlp::new(&mlp, &activation, inputs, CLASSES, &mut stream, DType::F32).unwrap();
        let pixels: Vec<f32> = (0..256 * inputs).map(|_| stream.normal() as f32).collect();
        let all = Tensor::from_vec(pixels, (256, inputs), &Device::Cpu).unwrap();
        let values = |x: &Tensor, pass: &Pass| -> Vec<f32> {
            network.forward(x, pass).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        let whole = values(&all, &Pass::Evaluate);
        for rows in [1, 16, 48, 65] {
            let some = all.narrow(0, 0, rows).unwrap();
            let trained = values(&some, &Pass::train(Stream::new(0, "activation", 0)));
            assert_eq!(trained, values(&some, &Pass::Evaluate), "{name}, {rows} rows");
            assert!(trained.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-5), "{name}, {rows} rows");
        }
    }
}

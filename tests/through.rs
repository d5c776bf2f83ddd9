//! [`Pass::Through`]: the gradient by the inputs is right, equals that of a training pass where the two draw the
//! same curve, and nothing of the network is written.

mod common;

use candle_core::{DType, Device, Tensor, Var};
use plasticity_bench::nn::{self, Blueprint, Cnn, Mlp, Network, Pass, ResNet};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Value};

const ROWS: usize = 5;
const SIDE: usize = 8;
const OUTPUTS: usize = 4;

fn network(kind: &str, settings: &[(&str, Value)], activation: &str) -> Box<dyn Network> {
    let entry = nn::entries().into_iter().find(|entry| entry.name == kind).unwrap();
    let mut choice: Choice = common::defaults(&entry);
    choice.parameters.extend(settings.iter().map(|(key, value)| ((*key).to_string(), value.clone())));
    let (activation, stream) = (common::activation(activation), &mut Stream::new(3, "init", 0));
    let dims = (2, SIDE, SIDE);
    match kind {
        "mlp" => {
            Box::new(Mlp::new(&choice, &activation, 2 * SIDE * SIDE, OUTPUTS, stream, DType::F64).unwrap())
        }
        "cnn" => Box::new(Cnn::new(&choice, &activation, dims, OUTPUTS, stream, DType::F64).unwrap()),
        "vit" => {
            let (network, activation, outputs, dtype) = (&choice, &activation, OUTPUTS, DType::F64);
            nn::build_from(&Blueprint { network, activation, dims, outputs, dtype }, stream).unwrap()
        }
        _ => Box::new(ResNet::new(&choice, &activation, dims, OUTPUTS, stream, DType::F64).unwrap()),
    }
}

fn networks(activation: &str) -> Vec<(&'static str, Box<dyn Network>)> {
    let integers = |list: &[i64]| Value::Integers(list.to_vec());
    let mlp = [("hidden", integers(&[8, 6]))];
    let cnn = [("channels", integers(&[4])), ("kernel", Value::Integer(3)), ("hidden", integers(&[6]))];
    let mut all = vec![("mlp", network("mlp", &mlp, activation)), ("cnn", network("cnn", &cnn, activation))];
    let vit = [("width", 4), ("depth", 1), ("heads", 2)].map(|(key, size)| (key, Value::Integer(size)));
    let vit = [&vit[..], &[("initialization", Value::Text("xavier".into()))]].concat();
    all.push(("vit", network("vit", &vit, activation)));
    if activation != "crelu" {
        for norm in ["batch", "group", "none"] {
            let mut settings = vec![("width", Value::Integer(2)), ("norm", Value::Text(norm.into()))];
            settings.extend((norm == "group").then_some(("groups", Value::Integer(2))));
            all.push((norm, network("resnet18", &settings, activation)));
        }
    }
    all
}

struct Case {
    network: Box<dyn Network>,
    inputs: Var,
    weights: Tensor,
}

impl Case {
    fn new(network: Box<dyn Network>) -> Self {
        let mut stream = Stream::new(5, "test", 0);
        let mut normals = |count: usize| -> Vec<f64> { (0..count).map(|_| stream.normal()).collect() };
        let features = 2 * SIDE * SIDE;
        let inputs = Tensor::from_vec(normals(ROWS * features), (ROWS, features), &Device::Cpu).unwrap();
        let weights = Tensor::from_vec(normals(ROWS * OUTPUTS), (ROWS, OUTPUTS), &Device::Cpu).unwrap();
        Self { network, inputs: Var::from_tensor(&inputs).unwrap(), weights }
    }

    fn loss(&self, pass: &Pass) -> Tensor {
        let outputs = self.network.forward(self.inputs.as_tensor(), pass).unwrap();
        (outputs * &self.weights).unwrap().sum_all().unwrap()
    }

    fn gradient(&self, pass: &Pass) -> Vec<f64> {
        let gradients = self.loss(pass).backward().unwrap();
        gradients.get(&self.inputs).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    fn difference(&self, coordinate: usize) -> f64 {
        let start: Vec<f64> = self.inputs.flatten_all().unwrap().to_vec1().unwrap();
        let at = |step: f64| {
            let mut moved = start.clone();
            moved[coordinate] += step;
            self.inputs.set(&Tensor::from_vec(moved, self.inputs.shape(), &Device::Cpu).unwrap()).unwrap();
            self.loss(&Pass::Evaluate).to_scalar::<f64>().unwrap()
        };
        let h = 1e-6;
        let slope = (at(h) - at(-h)) / (2.0 * h);
        at(0.0);
        slope
    }

    fn buffers(&self) -> Vec<Vec<f32>> {
        self.network.buffers().iter().map(|buffer| buffer.values.lock().unwrap().clone()).collect()
    }
}

const ACTIVATIONS: [&str; 4] = ["relu", "rational", "crelu", "randomized-smooth-leaky"];

#[test]
fn gradients_by_the_inputs_are_finite_differences_and_nothing_is_written() {
    for activation in ACTIVATIONS {
        for (kind, network) in networks(activation) {
            let case = Case::new(network);
            let before = case.buffers();
            let gradient = case.gradient(&Pass::Through);
            let mut seen = 0.0f64;
            for coordinate in (0..gradient.len()).step_by(11) {
                let (ours, theirs) = (gradient[coordinate], case.difference(coordinate));
                assert!(
                    (ours - theirs).abs() < 1e-7 + 1e-5 * theirs.abs(),
                    "{kind} {activation} [{coordinate}]: {ours} against {theirs}"
                );
                seen = seen.max(ours.abs());
            }
            assert!(seen > 1e-3, "{kind} {activation}: nothing was tested");
            assert_eq!(case.buffers(), before, "{kind}");
            for parameter in case.network.parameters() {
                assert!(parameter.gradient.lock().is_fresh(), "{kind} {activation}: {}", parameter.name);
            }
            let evaluated = case.loss(&Pass::Evaluate).to_scalar::<f64>().unwrap();
            assert_eq!(case.loss(&Pass::Through).to_scalar::<f64>().unwrap(), evaluated);
        }
    }
}

/// [`Pass::Differentiate`]: every parameter's gradient at the values of evaluation, running statistics included.
#[test]
fn gradients_by_the_parameters_in_evaluation_are_finite_differences() {
    for activation in ACTIVATIONS {
        for (kind, network) in networks(activation) {
            let case = Case::new(network);
            for buffer in case.network.buffers() {
                let mut values = buffer.values.lock().unwrap();
                values.iter_mut().enumerate().for_each(|(i, v)| *v += 0.1 * (i + 1) as f32);
            }
            let before = case.buffers();
            case.loss(&Pass::Differentiate).backward().unwrap();
            let mut seen = 0.0f64;
            for parameter in case.network.parameters() {
                let gradient = parameter.gradient.lock().read::<f64>().unwrap().unwrap().to_vec();
                let start: Vec<f64> = parameter.values.flatten_all().unwrap().to_vec1().unwrap();
                let shape = parameter.values.shape().clone();
                let at = |coordinate: usize, step: f64| {
                    let mut moved = start.clone();
                    moved[coordinate] += step;
                    let moved = Tensor::from_vec(moved, shape.clone(), &Device::Cpu).unwrap();
                    parameter.values.set(&moved).unwrap();
                    case.loss(&Pass::Evaluate).to_scalar::<f64>().unwrap()
                };
                let coordinate = start.len() / 2;
                let difference = (at(coordinate, 1e-6) - at(coordinate, -1e-6)) / 2e-6;
                at(coordinate, 0.0);
                let ours = gradient[coordinate];
                assert!(
                    (ours - difference).abs() < 1e-6 + 1e-5 * difference.abs(),
                    "{kind} {activation} {}: {ours} against {difference}",
                    parameter.name
                );
                seen = seen.max(ours.abs());
            }
            assert!(seen > 1e-3, "{kind} {activation}: nothing was tested");
            assert_eq!(case.buffers(), before, "{kind} {activation}");
        }
    }
}

/// A training pass gives the same ∂x to the last bit, and what it wrote outlives a pass through.
#[test]
fn a_training_pass_gives_the_same_gradient_by_the_inputs() {
    for activation in ["relu", "rational", "crelu"] {
        for (kind, network) in networks(activation).into_iter().filter(|(kind, _)| *kind != "batch") {
            let case = Case::new(network);
            let trained = case.gradient(&Pass::train(Stream::new(9, "activation", 0)));
            let written = |case: &Case| -> Vec<Vec<f32>> {
                case.network.parameters().iter().map(|p| p.gradient.to_f32().unwrap()).collect()
            };
            let before = written(&case);
            assert!(before.iter().flatten().any(|g| *g != 0.0));
            assert_eq!(case.gradient(&Pass::Through), trained, "{kind} {activation}");
            assert_eq!(written(&case), before, "{kind} {activation}");
        }
    }
}

#[test]
fn without_inputs_on_the_graph_nothing_is_recorded() {
    let case = Case::new(network("mlp", &[], "relu"));
    let outputs = case.network.forward(&case.inputs.detach(), &Pass::Through).unwrap();
    assert!(!outputs.track_op());
}

//! The fused layer and loss against candle's own layers, loss and autograd, in f64.

mod common;

use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Linear, Module};
use plasticity_bench::kernels::loss::cross_entropy;
use plasticity_bench::nn::{Mlp, Network, Pass};
use plasticity_bench::random::Stream;

const ROWS: usize = 9;
const INPUTS: usize = 6;
const CLASSES: usize = 5;

fn normals(stream: &mut Stream, n: usize) -> Vec<f64> {
    (0..n).map(|_| 1.5 * stream.normal()).collect()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// To rounding, but for gelu: candle's derivative of it is good to about six digits (ours agrees with finite
/// differences and `libm`, see gradients.rs).
fn assert_close(name: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len());
    let (absolute, relative) = if name.starts_with("gelu") { (1e-9, 1e-5) } else { (1e-12, 1e-10) };
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < absolute + relative * b.abs(), "{name}: {a} against {b}");
    }
}

/// An activation of candle's, applied after every hidden layer.
type Theirs = fn(&Tensor) -> Result<Tensor>;

fn compare(name: &str, activation: Theirs) {
    let mut stream = Stream::new(11, "test", 0);
    let (hidden, choice) = (common::mlp(&[8, 7]), common::activation(name));
    let network = Mlp::new(&hidden, &choice, INPUTS, CLASSES, &mut stream, DType::F64).unwrap();
    let inputs = Tensor::from_vec(normals(&mut stream, ROWS * INPUTS), (ROWS, INPUTS), &Device::Cpu).unwrap();
    let labels: Vec<u32> = (0..ROWS).map(|_| stream.below(CLASSES as u64) as u32).collect();

    let inputs = Var::from_tensor(&inputs).unwrap();
    let pass = Pass::Train(Arc::new(Mutex::new(stream)));
    let logits = network.forward(inputs.as_tensor(), &pass).unwrap();
    let ours = cross_entropy(&logits, labels.clone().into()).unwrap().loss;
    let our_gradients = ours.backward().unwrap();

    let variables: Vec<&Var> = network.parameters().iter().map(|p| &p.values).collect();
    let mut x = inputs.as_tensor().clone();
    for (layer, pair) in variables.chunks(2).enumerate() {
        x = Linear::new(pair[0].as_tensor().clone(), Some(pair[1].as_tensor().clone())).forward(&x).unwrap();
        if layer < 2 {
            x = activation(&x).unwrap();
        }
    }
    let labels = Tensor::new(labels, &Device::Cpu).unwrap();
    let theirs = candle_nn::loss::cross_entropy(&x, &labels).unwrap();
    let their_gradients = theirs.backward().unwrap();

    assert_close(name, &values(&logits), &values(&x));
    assert_close(name, &values(&ours), &values(&theirs));
    let dx = |gradients: &candle_core::backprop::GradStore| values(gradients.get(&inputs).unwrap());
    assert_close(&format!("{name} inputs"), &dx(&our_gradients), &dx(&their_gradients));
    for (parameter, variable) in network.parameters().iter().zip(variables) {
        let mut gradient = parameter.gradient.lock();
        let ours = gradient.read::<f64>().unwrap().unwrap();
        assert_close(
            &format!("{name} {}", parameter.name),
            ours,
            &values(their_gradients.get(variable).unwrap()),
        );
    }
}

#[test]
fn networks_agree_with_candles_layers_and_autograd() {
    compare("identity", |x| Ok(x.clone()));
    compare("relu", Tensor::relu);
    compare("leaky_relu", |x| candle_nn::ops::leaky_relu(x, 0.01));
    compare("elu", |x| x.elu(1.0));
    compare("gelu", Tensor::gelu_erf);
    compare("swish", candle_nn::ops::silu);
    compare("tanh", Tensor::tanh);
    compare("sigmoid", candle_nn::ops::sigmoid);
}

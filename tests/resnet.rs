//! The whole residual network (convolutions, norms, residuals, every site) against central finite differences in
//! f64, in training mode.

mod common;

use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Tensor};
use plasticity_bench::kernels::loss::cross_entropy;
use plasticity_bench::nn::{self, Network, Pass, ResNet};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::Value;

const SIDE: usize = 8;
const BATCH: usize = 3;
const CLASSES: usize = 3;

fn network(norm: &str, activation: &str) -> ResNet {
    let entry = nn::entries().into_iter().find(|entry| entry.name == "resnet18").unwrap();
    let mut choice = common::defaults(&entry);
    choice.parameters.insert("width".into(), Value::Integer(2));
    choice.parameters.insert("norm".into(), Value::Text(norm.into()));
    if norm == "group" {
        choice.parameters.insert("groups".into(), Value::Integer(2));
    }
    let mut stream = Stream::new(1, "init", 0);
    let activation = common::activation(activation);
    ResNet::new(&choice, &activation, (3, SIDE, SIDE), CLASSES, &mut stream, DType::F64).unwrap()
}

fn check(norm: &str, activation: &str) {
    let network = network(norm, activation);
    let mut stream = Stream::new(5, "test", 0);
    let pixels: Vec<f64> = (0..BATCH * 3 * SIDE * SIDE).map(|_| stream.normal()).collect();
    let inputs = Tensor::from_vec(pixels, (BATCH, 3 * SIDE * SIDE), &Device::Cpu).unwrap();
    let labels: Vec<u32> = (0..BATCH).map(|_| stream.below(CLASSES as u64) as u32).collect();
    let loss = || {
        let pass = Pass::Train(Arc::new(Mutex::new(Stream::new(9, "activation", 0))));
        let logits = network.forward(&inputs, &pass).unwrap();
        cross_entropy(&logits, labels.clone().into()).unwrap().loss
    };
    for parameter in network.parameters() {
        parameter.gradient.reset();
    }
    loss().backward().unwrap();
    for parameter in network.parameters() {
        let analytic = parameter.gradient.to_f32().unwrap();
        let largest = analytic.iter().fold(1e-3f64, |most, g| most.max(f64::from(g.abs())));
        let shape = parameter.values.dims().to_vec();
        let start: Vec<f64> = parameter.values.flatten_all().unwrap().to_vec1().unwrap();
        let at = |values: &[f64]| {
            let values = Tensor::from_slice(values, shape.as_slice(), &Device::Cpu).unwrap();
            parameter.values.set(&values).unwrap();
            loss().to_scalar::<f64>().unwrap()
        };
        let h = 1e-6;
        for _ in 0..4 {
            let i = stream.below(start.len() as u64) as usize;
            let mut moved = start.clone();
            moved[i] = start[i] + h;
            let up = at(&moved);
            moved[i] = start[i] - h;
            let difference = (up - at(&moved)) / (2.0 * h);
            assert!(
                (difference - f64::from(analytic[i])).abs() < 1e-4 * largest,
                "{norm} {activation} {}[{i}]: {difference} by differences, {} by the backward pass",
                parameter.name,
                analytic[i]
            );
        }
        at(&start);
    }
}

#[test]
fn gradients_are_finite_differences_with_every_norm() {
    for norm in ["batch", "group", "none"] {
        for activation in ["relu", "swish", "rational"] {
            check(norm, activation);
        }
    }
}

#[test]
fn only_training_moves_the_running_statistics() {
    let network = network("batch", "relu");
    let inputs = Tensor::ones((BATCH, 3 * SIDE * SIDE), DType::F64, &Device::Cpu).unwrap();
    let statistics =
        || network.buffers().iter().map(|b| b.values.lock().unwrap().clone()).collect::<Vec<Vec<f32>>>();
    let start = statistics();
    assert!(!start.is_empty());
    network.forward(&inputs, &Pass::Evaluate).unwrap();
    assert_eq!(statistics(), start);
    let pass = Pass::Train(Arc::new(Mutex::new(Stream::new(9, "activation", 0))));
    network.forward(&inputs, &pass).unwrap();
    assert_ne!(statistics(), start);
}

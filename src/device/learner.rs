//! A learner's numbers as the kernels have them, and back.

use candle_core::Result;
use plasticity_bench_cuda::{Constraint, Rule, Settings, Shape, Values};

use super::Fit;
use crate::kernels::inplace::update;
use crate::nn::Network;
use crate::train::Learner;
use crate::trained::Trained;

/// The shape of a learner's network.
pub fn shape(learner: &Learner, fit: &Fit, batch: usize) -> Shape {
    let network = learner.trained().network();
    let mut sizes = Vec::new();
    for layer in network.layers() {
        let dims = network.parameters()[layer.weight].values.dims();
        if sizes.is_empty() {
            sizes.push(dims[1]);
        }
        sizes.push(dims[0]);
    }
    Shape { batch, sizes, activation: fit.activation, sgd: fit.sgd, l2_init: fit.l2_init }
}

/// Number of every parameter, with where it begins on the device.
fn places(network: &dyn Network, shape: &Shape) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (layer, (weight, bias, set)) in network.layers().iter().zip(shape.parameters().0) {
        all.push((layer.weight, weight));
        all.push((layer.bias.expect("a linear layer has a bias"), bias));
        let site = layer.activation.and_then(|site| network.activations()[site].parameter);
        if let (Some(number), Some(set)) = (site, set) {
            all.push((number, set));
        }
    }
    all
}

/// The number of the first layer's weight, and of its coefficients where it has any.
pub fn numbers(trained: &Trained) -> (usize, Option<usize>) {
    let network = trained.network();
    let first = &network.layers()[0];
    (first.weight, first.activation.and_then(|site| network.activations()[site].parameter))
}

/// Its parameters and moments.
pub fn values(learner: &Learner, shape: &Shape) -> Result<Values> {
    let trained = learner.trained();
    let count = shape.parameters().1;
    let second = if shape.sgd { 0 } else { count };
    let mut values = Values { p: vec![0.0; count], m: vec![0.0; count], v: vec![0.0; second] };
    for (number, at) in places(trained.network(), shape) {
        let parameters = trained.network().parameters()[number].to_vec()?;
        let state = &trained.optimizer().states()[number];
        values.p[at..at + parameters.len()].copy_from_slice(&parameters);
        values.m[at..at + state.first.len()].copy_from_slice(&state.first);
        if !shape.sgd {
            values.v[at..at + state.second.len()].copy_from_slice(&state.second);
        }
    }
    Ok(values)
}

/// Gives them back.
pub fn take_back(learner: &mut Learner, shape: &Shape, values: &Values) -> Result<()> {
    let trained = learner.trained_mut();
    for (number, at) in places(trained.network(), shape) {
        let parameter = &trained.network().parameters()[number].values;
        update(parameter, |own| own.copy_from_slice(&values.p[at..at + own.len()]))?;
        let state = &mut trained.optimizer_mut().states_mut()[number];
        let count = state.first.len();
        state.first.copy_from_slice(&values.m[at..at + count]);
        if !shape.sgd {
            state.second.copy_from_slice(&values.v[at..at + count]);
        }
    }
    Ok(())
}

/// What the penalty pulls to, and its factor; nothing without one.
pub fn penalty(learner: &Learner, shape: &Shape) -> (Vec<f32>, f32) {
    let trained = learner.trained();
    let Some(pull) = trained.pull().filter(|_| shape.l2_init) else {
        // A fresh reference has the kernels of the run that it is paired with, whatever its methods are.
        return (vec![0.0; if shape.l2_init { shape.parameters().1 } else { 0 }], 0.0);
    };
    let mut start = vec![0.0; shape.parameters().1];
    for (number, at) in places(trained.network(), shape) {
        start[at..at + pull.start[number].len()].copy_from_slice(&pull.start[number]);
    }
    (start, pull.slope)
}

/// The settings of its network.
pub fn settings(learner: &Learner, fit: &Fit, penalty: f32) -> Settings {
    let mut boxes = Vec::new();
    if fit.constraint == Constraint::CoefficientBox {
        for site in learner.trained().network().activations() {
            let rule = site.rule().expect("a rational has a rule");
            let end = |value: f32| {
                let mut values = vec![value; fit.activation.set()];
                rule.project(&mut values);
                values
            };
            boxes.push([end(f32::MIN), end(f32::MAX)]);
        }
    }
    Settings { activation: fit.settings, constraint: fit.constraint, boxes, penalty }
}

/// What the optimiser does in step number `ahead` (1 is the next) to a parameter.
pub fn rule(trained: &Trained, number: usize, ahead: u64) -> Rule {
    let numbers = trained.optimizer().numbers(number, ahead).expect("Adam and SGD alone fit");
    let [step_size, inverse_root, epsilon, beta1, beta2, rest1, rest2, coupled, shrink, least, least_root] =
        numbers;
    Rule { step_size, inverse_root, epsilon, beta1, beta2, rest1, rest2, coupled, shrink, least, least_root }
}

//! A learner's numbers as the kernels have them, and back.

use candle_core::Result;
use plasticity_bench_cuda::{Activation, Constraint, Perturb, Rule, Settings, Shape, Values};

use super::Fit;
use crate::kernels::inplace::update;
use crate::nn::Network;
use crate::nn::activation::rational::constraint::{Constraint as _, UnitGain};
use crate::nn::activation::rational::form::{Form, Version};
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
    fit.shape(batch, sizes)
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

/// The first parameters, which a penalty pulls to and a perturbation adds; empty where neither does.
pub fn start(learner: &Learner, shape: &Shape) -> Vec<f32> {
    let trained = learner.trained();
    let of_penalty = trained.pull().map(|pull| pull.start);
    // Both were remembered when the network was new: they are the same.
    let remembered = of_penalty.or_else(|| trained.perturbation().and_then(|by| by.start));
    let mut start = vec![0.0; if shape.keeps_start() { shape.parameters().1 } else { 0 }];
    let Some(remembered) = remembered.filter(|_| shape.keeps_start()) else { return start };
    for (number, at) in places(trained.network(), shape) {
        start[at..at + remembered[number].len()].copy_from_slice(&remembered[number]);
    }
    start
}

/// g₀ of `unit-gain`, the same for every layer: all start with the same coefficients.
fn unit(network: &dyn Network, version: u8, degrees: (u8, u8)) -> f64 {
    let version = Version::ALL[usize::from(version)];
    let form = Form { version, m: usize::from(degrees.0), n: usize::from(degrees.1) };
    let mut gain = UnitGain::default();
    let coefficients = network.activations().iter().find_map(|site| site.coefficients.as_ref());
    let start = &coefficients.expect("a rational has coefficients").start;
    gain.remember_start(form, &start[..form.len()]);
    gain.start().expect("it was given")
}

/// The settings of its network.
pub fn settings(learner: &Learner, fit: &Fit) -> Settings {
    let trained = learner.trained();
    let mut settings = Settings {
        activation: fit.settings,
        constraint: fit.constraint,
        points: fit.points.clone(),
        penalty: trained.pull().map_or(0.0, |pull| pull.slope),
        ..Settings::default()
    };
    if let Some(by) = trained.perturbation() {
        (settings.shrink, settings.noise) = (by.shrink, by.noise);
    }
    if fit.perturb == Perturb::Fresh {
        let layers = trained.network().layers().iter();
        settings.widths = layers.map(|layer| layer.start.widths().expect("others are refused")).collect();
    }
    if let (Constraint::UnitGain, Activation::Rational { version, p, q }) = (fit.constraint, fit.activation) {
        settings.unit = unit(trained.network(), version, (p, q));
    }
    let mut boxes = Vec::new();
    if fit.constraint == Constraint::CoefficientBox {
        for site in trained.network().activations() {
            let rule = site.rule().expect("a rational has a rule");
            let end = |value: f32| {
                let mut values = vec![value; fit.activation.set()];
                rule.project(&mut values);
                values
            };
            boxes.push([end(f32::MIN), end(f32::MAX)]);
        }
    }
    Settings { boxes, ..settings }
}

/// What the optimiser does in step number `ahead` (1 is the next) to a parameter.
pub fn rule(trained: &Trained, number: usize, ahead: u64) -> Rule {
    let numbers = trained.optimizer().numbers(number, ahead).expect("Adam and SGD alone fit");
    let [step_size, inverse_root, epsilon, beta1, beta2, rest1, rest2, coupled, shrink, least, least_root] =
        numbers;
    Rule { step_size, inverse_root, epsilon, beta1, beta2, rest1, rest2, coupled, shrink, least, least_root }
}

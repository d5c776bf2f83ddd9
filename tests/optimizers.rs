//! Our optimiser steps beside torch's, on the traces of tests/reference/optimizers.py.

use std::collections::BTreeMap;

use candle_core::DType;
use plasticity_bench::kernels::muon::Muon;
use plasticity_bench::kernels::optimizer_step::{Adam, Sgd};
use plasticity_bench::kernels::rms_prop::RmsProp;
use plasticity_bench::nn::{Parameter, Role};
use plasticity_bench::optimizers;
use plasticity_bench::spec::Choice;

const TRACES: &str = include_str!("reference/optimizers.csv");

fn floats(cell: &str) -> Vec<f32> {
    cell.split_whitespace().map(|x| x.parse().unwrap()).collect()
}

/// An optimiser with its state over eight parameters.
enum Optimizer {
    Adam(Adam, Vec<f32>, Vec<f32>),
    Sgd(Sgd, Vec<f32>),
    RmsProp(RmsProp, Vec<f32>, Vec<f32>),
}

impl Optimizer {
    /// With torch's defaults for what the settings leave out.
    fn new(name: &str, settings: &str) -> Self {
        let settings: BTreeMap<&str, &str> =
            settings.split(' ').map(|word| word.split_once('=').unwrap()).collect();
        let number = |key, default| settings.get(key).map_or(default, |x| x.parse().unwrap());
        let decoupled = name == "adamw";
        let (learning_rate, weight_decay) =
            (number("lr", f64::NAN), number("weight_decay", if decoupled { 0.01 } else { 0.0 }));
        if name == "sgd" {
            let (momentum, nesterov) = (number("momentum", 0.0), settings.contains_key("nesterov"));
            return Self::Sgd(Sgd { learning_rate, momentum, nesterov, weight_decay }, vec![0.0; 8]);
        }
        if name == "rmsprop" {
            let (alpha, epsilon, momentum) =
                (number("alpha", 0.99), number("eps", 1e-8), number("momentum", 0.0));
            let rule = RmsProp { learning_rate, alpha, epsilon, momentum, weight_decay };
            return Self::RmsProp(rule, vec![0.0; 8], vec![0.0; 8]);
        }
        let (first, second) = settings.get("betas").map_or(("0.9", "0.999"), |b| b.split_once('/').unwrap());
        let betas = (first.parse().unwrap(), second.parse().unwrap());
        let epsilon = number("eps", 1e-8);
        let adam = Adam { learning_rate, betas, epsilon, weight_decay, decoupled };
        Self::Adam(adam, vec![0.0; 8], vec![0.0; 8])
    }

    fn step(&mut self, step: u64, values: &mut [f32], gradients: &[f32]) {
        match self {
            Self::Adam(adam, m, v) => adam.at(step).apply(values, gradients, m, v),
            Self::Sgd(sgd, buffer) => sgd.step(values, gradients, buffer),
            Self::RmsProp(rule, buffer, squares) => rule.step(values, gradients, buffer, squares),
        }
    }
}

#[test]
fn ten_steps_of_every_setting_follow_torch_to_the_rounding_of_f32() {
    let rows: Vec<Vec<&str>> = TRACES.lines().skip(2).map(|line| line.split(',').collect()).collect();
    let mut runs = 0;
    for run in rows.chunk_by(|a, b| a[..3] == b[..3]).filter(|run| run[0][2] == "f32") {
        let [name, settings] = [run[0][0], run[0][1]];
        let mut optimizer = Optimizer::new(name, settings);
        let mut values = floats(run[0][5]);
        // A step rounds at the size that a value had; where it passes near 0 the error stays.
        let mut sizes: Vec<f32> = values.iter().map(|x| x.abs().max(0.1)).collect();
        let mut largest = 0.0f32;
        for row in &run[1..] {
            let step = row[3].parse().unwrap();
            optimizer.step(step, &mut values, &floats(row[4]));
            for (i, (&ours, torch)) in values.iter().zip(floats(row[5])).enumerate() {
                sizes[i] = sizes[i].max(torch.abs());
                let error = (ours - torch).abs() / sizes[i];
                assert!(error < 1e-6, "{name} {settings}, step {step}, {i}: {ours} but torch has {torch}");
                largest = largest.max(error);
            }
        }
        println!("{name} {settings}: {largest:.1e}");
        assert_eq!(run.len(), 11);
        runs += 1;
    }
    assert_eq!(runs, 14);
}

/// tests/reference/muon.py wrote Muon out in f64, and held it against torch.optim.Muon.
#[test]
fn six_steps_of_muon_follow_the_published_form() {
    let rows: Vec<Vec<&str>> =
        include_str!("reference/muon.csv").lines().skip(2).map(|line| line.split(',').collect()).collect();
    let mut runs = 0;
    for run in rows.chunk_by(|a, b| a[..2] == b[..2]) {
        let settings: BTreeMap<&str, &str> =
            run[0][1].split(' ').map(|word| word.split_once('=').unwrap()).collect();
        let number = |key, default| settings.get(key).map_or(default, |x| x.parse().unwrap());
        let rule = Muon {
            learning_rate: number("lr", f64::NAN),
            momentum: number("momentum", 0.95),
            nesterov: settings.get("nesterov") != Some(&"false"),
            iterations: number("ns_steps", 5.0) as usize,
            weight_decay: number("weight_decay", 0.0),
        };
        let rows: usize = run[0][0].split('x').next().unwrap().parse().unwrap();
        let (target, mut values) = (floats(run[0][3]), floats(run[1][3]));
        let mut buffer = vec![0.0; values.len()];
        for row in &run[2..] {
            let gradients: Vec<f32> = values.iter().zip(&target).map(|(w, t)| w - t).collect();
            rule.step(&mut values, &gradients, &mut buffer, rows);
            for (ours, theirs) in values.iter().zip(floats(row[3])) {
                assert!((ours - theirs).abs() < 2e-4, "{} step {}: {ours} {theirs}", run[0][0], row[2]);
            }
        }
        assert_eq!(run.len(), 8);
        runs += 1;
    }
    assert_eq!(runs, 5);
}

/// Of three weights with biases, the one between is Muon's; the rest is Adam's, which keeps a second moment.
#[test]
fn muon_steps_hidden_matrices_and_adam_the_rest() {
    let entries = optimizers::entries();
    let choice = Choice::of(entries.iter().find(|entry| entry.name == "muon").unwrap());
    let shapes: [(&str, Role, &[usize]); 6] = [
        ("layers.0.weight", Role::Weight, &[3, 2]),
        ("layers.0.bias", Role::Bias, &[3]),
        ("layers.1.weight", Role::Weight, &[3, 3]),
        ("layers.1.bias", Role::Bias, &[3]),
        ("layers.2.weight", Role::Weight, &[2, 3]),
        ("layers.2.bias", Role::Bias, &[2]),
    ];
    let parameters: Vec<Parameter> = shapes
        .iter()
        .map(|(name, role, shape)| {
            let start: Vec<f64> = (0..shape.iter().product()).map(|i| f64::from(i as u32).sin()).collect();
            Parameter::new((*name).to_owned(), *role, &start, shape, DType::F32).unwrap()
        })
        .collect();
    let before: Vec<Vec<f32>> = parameters.iter().map(|p| p.to_vec().unwrap()).collect();
    for input in ["adam", "muon"] {
        let mut choice = choice.clone();
        choice.parameters.insert("input_layer".into(), plasticity_bench::spec::Value::Text(input.into()));
        let optimizer = optimizers::Optimizer::new(&choice, &parameters);
        let muons: Vec<usize> = (0..6).filter(|&i| optimizer.states()[i].second.is_empty()).collect();
        assert_eq!(muons, if input == "muon" { vec![0, 2] } else { vec![2] });
    }
    let mut optimizer = optimizers::Optimizer::new(&choice, &parameters);
    for parameter in &parameters {
        parameter.gradient.lock().accumulate::<f32>().unwrap().iter_mut().for_each(|g| *g = 1.0);
    }
    optimizer.step(&parameters, |_| true).unwrap();
    for (number, (parameter, before)) in parameters.iter().zip(&before).enumerate() {
        for (now, before) in parameter.to_vec().unwrap().iter().zip(before) {
            // Adam's first step is its rate in every element. A matrix of ones has one singular value, which
            // five iterations bring to 0.7 here, a third of it in each element.
            let step = (before - now) / if number == 2 { 0.02 } else { 3e-4 };
            let expected = if number == 2 { 0.65 / 3.0..1.25 / 3.0 } else { 0.99..1.01 };
            assert!(expected.contains(&step), "{}: {step}", parameter.name);
        }
    }
    assert!(optimizer.states().iter().all(|state| state.steps == [1]));
}

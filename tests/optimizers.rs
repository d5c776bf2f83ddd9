//! Our optimiser steps beside torch's, on the traces of tests/reference/optimizers.py, restarts.py and clipping.py.

use std::collections::BTreeMap;

use candle_core::DType;
use plasticity_bench::kernels::muon::Muon;
use plasticity_bench::kernels::optimizer_step::{Adam, Sgd};
use plasticity_bench::kernels::rms_prop::RmsProp;
use plasticity_bench::nn::{Parameter, Role};
use plasticity_bench::optimizers;
use plasticity_bench::spec::Choice;
use plasticity_bench::state::{StateDict, Stateful};

const TRACES: &str = include_str!("reference/optimizers.csv");

/// What stands behind the first line, which says who made the file, and the header.
fn cells(file: &'static str) -> Vec<Vec<&'static str>> {
    file.lines().skip(2).map(|line| line.split(',').collect()).collect()
}

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
        let gnt = settings.contains_key("gnt");
        let adam = Adam { learning_rate, betas, epsilon, gnt, weight_decay, decoupled };
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
    let rows = cells(TRACES);
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
    assert_eq!(runs, 15);
}

/// tests/reference/muon.py wrote Muon out in f64, and held it against torch.optim.Muon.
#[test]
fn six_steps_of_muon_follow_the_published_form() {
    let rows = cells(include_str!("reference/muon.csv"));
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

/// An optimiser with its defaults but for the learning rate, and one parameter.
fn adam_on(start: &[f32], shape: &[usize]) -> (optimizers::Optimizer, Vec<Parameter>) {
    let entries = optimizers::entries();
    let mut choice = Choice::of(entries.iter().find(|entry| entry.name == "adam").unwrap());
    choice.parameters.insert("learning_rate".into(), plasticity_bench::spec::Value::Number(0.05));
    let start: Vec<f64> = start.iter().map(|&x| f64::from(x)).collect();
    let parameter =
        Parameter::new("layers.0.weight".to_owned(), Role::Weight, &start, shape, DType::F32).unwrap();
    let parameters = vec![parameter];
    (optimizers::Optimizer::new(&choice, &parameters), parameters)
}

fn give(parameter: &Parameter, gradient: &[f32]) {
    parameter.gradient.reset();
    parameter.gradient.lock().accumulate::<f32>().unwrap().copy_from_slice(gradient);
}

/// tests/reference/clipping.py clips the gradients of a matrix and a vector together.
#[test]
fn clipped_steps_follow_torch() {
    let rows = cells(include_str!("reference/clipping.csv"));
    let entries = optimizers::entries();
    let mut clipped = 0;
    for run in rows.chunk_by(|a, b| a[0] == b[0]) {
        let mut choice = Choice::of(entries.iter().find(|entry| entry.name == run[0][0]).unwrap());
        let settings: &[(&str, f64)] = if run[0][0] == "sgd" {
            &[("learning_rate", 0.3), ("momentum", 0.9), ("weight_decay", 0.01)]
        } else {
            &[("learning_rate", 0.05)]
        };
        for (key, value) in settings.iter().chain(&[("max_grad_norm", 1.5)]) {
            choice.parameters.insert((*key).into(), plasticity_bench::spec::Value::Number(*value));
        }
        let start: Vec<f64> = floats(run[0][4]).into_iter().map(f64::from).collect();
        let parameter = |name: &str, role, start, shape: &[usize]| {
            Parameter::new(name.to_owned(), role, start, shape, DType::F32).unwrap()
        };
        let parameters = vec![
            parameter("layers.0.weight", Role::Weight, &start[..12], &[3, 4]),
            parameter("layers.0.bias", Role::Bias, &start[12..], &[3]),
        ];
        let mut optimizer = optimizers::Optimizer::new(&choice, &parameters);
        for row in &run[1..] {
            let gradients = floats(row[3]);
            give(&parameters[0], &gradients[..12]);
            give(&parameters[1], &gradients[12..]);
            optimizer.step(&parameters, |_| true).unwrap();
            clipped += usize::from(row[2].parse::<f64>().unwrap() > 1.5);
            let ours = parameters.iter().flat_map(|parameter| parameter.to_vec().unwrap());
            for (i, (ours, torch)) in ours.zip(floats(row[4])).enumerate() {
                assert!((ours - torch).abs() < 3e-6, "{} step {}, {i}: {ours} {torch}", row[0], row[1]);
            }
        }
        assert_eq!(run.len(), 13);
    }
    // Both happen, or the traces would say nothing.
    assert!((6..20).contains(&clipped), "{clipped} of 24");
}

/// Moments of a row and of a column to 0, and their counts anew.
fn restart(optimizer: &mut optimizers::Optimizer, what: &str, place: usize, columns: usize) {
    let state = &mut optimizer.states_mut()[0];
    for i in 0..state.first.len() {
        if (if what == "row" { i / columns } else { i % columns }) == place {
            (state.first[i], state.second[i]) = (0.0, 0.0);
        }
    }
    if what == "row" {
        state.restart_unit(place);
    } else {
        state.restart_columns(place..place + 1);
    }
}

/// tests/reference/restarts.py has every element as a parameter of torch's. A run that is saved and loaded on the way
/// has the same bits, and rows with counts of their own that take every step do too.
#[test]
fn rows_and_columns_that_restart_follow_torch() {
    let rows = cells(include_str!("reference/restarts.csv"));
    assert_eq!(rows.len(), 17);
    let (mut optimizer, parameters) = adam_on(&floats(rows[0][3]), &[3, 4]);
    let (mut by_rows, separate) = adam_on(&floats(rows[0][3]), &[3, 4]);
    by_rows.separate_rows(&[0], &separate);
    for row in &rows[1..] {
        let words: Vec<&str> = row[1].split_whitespace().collect();
        for word in words.chunks_exact(2) {
            for of in [&mut optimizer, &mut by_rows] {
                restart(of, word[0], word[1].parse().unwrap(), 4);
            }
        }
        for of in [&parameters, &separate] {
            give(&of[0], &floats(row[2]));
        }
        optimizer.step(&parameters, |_| true).unwrap();
        by_rows.step(&separate, |_| true).unwrap();
        let ours = parameters[0].to_vec().unwrap();
        assert_eq!(separate[0].to_vec().unwrap(), ours, "step {}", row[0]);
        for (i, (ours, torch)) in ours.iter().zip(floats(row[3])).enumerate() {
            assert!((ours - torch).abs() < 2e-6, "step {}, {i}: {ours} but torch has {torch}", row[0]);
        }
        for of in [&mut optimizer, &mut by_rows] {
            let mut saved = StateDict::default();
            of.save(&mut saved);
            for state in of.states_mut() {
                state.reset();
            }
            of.load(&saved).unwrap();
        }
    }
}

/// Elements of a vector restart one by one; what has not restarted has the bits that it has without any restart. After
/// some 16,000 steps the corrections are 1, and steps are those of a parameter that never restarted.
#[test]
fn what_has_not_restarted_keeps_its_bits() {
    let gradient = |step: u32| [0, 1, 2].map(|i| (f64::from(step * 3 + i)).sin() as f32);
    let (mut restarting, ours) = adam_on(&[0.5, -0.5, 1.0], &[3]);
    let (mut whole, theirs) = adam_on(&[0.5, -0.5, 1.0], &[3]);
    for step in 0..18_000 {
        if step == 40 {
            restart(&mut restarting, "row", 1, 1);
        }
        if step == 17_999 {
            let values = theirs[0].to_vec().unwrap();
            plasticity_bench::kernels::inplace::update(&ours[0].values, |own| own.copy_from_slice(&values))
                .unwrap();
            let (first, second) = (whole.states()[0].first.clone(), whole.states()[0].second.clone());
            (restarting.states_mut()[0].first, restarting.states_mut()[0].second) = (first, second);
        }
        for (optimizer, parameters) in [(&mut restarting, &ours), (&mut whole, &theirs)] {
            give(&parameters[0], &gradient(step));
            optimizer.step(parameters, |_| true).unwrap();
        }
        let (ours, theirs) = (ours[0].to_vec().unwrap(), theirs[0].to_vec().unwrap());
        assert_eq!([ours[0], ours[2]], [theirs[0], theirs[2]], "step {step}");
        assert_eq!(ours[1] == theirs[1], !(40..17_999).contains(&step), "step {step}");
    }
}

/// Only the rows that a step uses are counted, and a row's restart is one in its own count.
#[test]
fn separate_rows_restart_by_their_own_counts() {
    let (mut optimizer, parameters) = adam_on(&[0.0; 4], &[2, 2]);
    optimizer.separate_rows(&[0], &parameters);
    let mut step = |used: &[u32], restarts: bool| {
        if restarts {
            restart(&mut optimizer, "column", 1, 2);
        }
        give(&parameters[0], &[1.0; 4]);
        let before = parameters[0].to_vec().unwrap();
        optimizer.step_rows(&parameters, |_| true, || Some(used.to_vec())).unwrap();
        let after = parameters[0].to_vec().unwrap();
        before.iter().zip(after).map(|(before, after)| before - after).collect::<Vec<f32>>()
    };
    // A constant gradient makes every step of Adam as long as its rate, if the count fits the moments.
    for (used, restarts) in [(vec![0], false), (vec![0, 1], false), (vec![1], true), (vec![0, 1], false)] {
        for (i, length) in step(&used, restarts).into_iter().enumerate() {
            let expected = if used.contains(&(i as u32 / 2)) { 0.05 } else { 0.0 };
            assert!((length - expected).abs() < 1e-6, "{used:?}, {i}: {length}");
        }
    }
}

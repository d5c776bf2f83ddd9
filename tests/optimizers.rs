//! Our optimiser steps beside torch's, on the traces of tests/reference/optimizers.py.

use std::collections::BTreeMap;

use plasticity_bench::kernels::optimizer_step::{Adam, Sgd};

const TRACES: &str = include_str!("reference/optimizers.csv");

fn floats(cell: &str) -> Vec<f32> {
    cell.split_whitespace().map(|x| x.parse().unwrap()).collect()
}

/// An optimiser with its state over eight parameters.
enum Optimizer {
    Adam(Adam, Vec<f32>, Vec<f32>),
    Sgd(Sgd, Vec<f32>),
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
    assert_eq!(runs, 10);
}

//! ∂L/∂x and ∂L/∂θ by central differences in f64, for every version, constraint and sharing.

use plasticity_bench::kernels::element::{Gradients, Mode, Saved};
use plasticity_bench::nn::activation::Activation;
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Value};

use crate::choices::{With, constraint, rational as choice, word};
use crate::layers::{self, both, normals};

const CONSTRAINTS: &[(&str, &[(&str, f64)])] = &[
    ("none", &[]),
    ("proper-degree", &[]),
    ("tail-slope", &[("bound", 0.7)]),
    ("projected-tail-slope", &[("bound", 0.7)]),
    ("output-bound", &[("bound", 1.5)]),
    ("lipschitz", &[("bound", 0.4)]),
    ("unit-gain", &[]),
    ("coefficient-box", &[]),
    ("frozen", &[]),
    ("freeze-after", &[]),
];

const SHARINGS: [(&str, Option<i64>); 5] =
    [("layer", None), ("network", None), ("groups", Some(3)), ("groups", Some(2)), ("unit", None)];

fn combinations() -> Vec<(String, Choice)> {
    let mut all = Vec::new();
    for version in ["A", "B", "C", "D", "N"] {
        for (name, numbers) in CONSTRAINTS {
            let bound_on_curve =
                ["proper-degree", "tail-slope", "projected-tail-slope", "lipschitz", "unit-gain"]
                    .contains(name);
            if version == "N" && bound_on_curve {
                continue;
            }
            for (sharing, groups) in SHARINGS {
                for degrees in [[3, 2], [5, 4], [7, 6]] {
                    let degrees = if *name == "proper-degree" { [degrees[1], degrees[1]] } else { degrees };
                    let mut choice =
                        choice(version, degrees, constraint(name, numbers)).with("sharing", word(sharing));
                    if let Some(groups) = groups {
                        choice = choice.with("groups", Value::Integer(groups));
                    }
                    all.push((format!("{version} {name} {sharing} {groups:?} {degrees:?}"), choice));
                }
            }
        }
    }
    all
}

/// L = Σ dy·y
fn loss(activation: &Activation, theta: &[f64], units: usize, z: &[f64], dy: &[f64]) -> f64 {
    let y = layers::values(activation, theta, units, z);
    y.iter().zip(dy).map(|(y, d)| y * d).sum()
}

fn close(what: &str, found: f64, expected: f64, scale: f64) {
    assert!((found - expected).abs() < 2e-6 * (scale + expected.abs()), "{what}: {found} for {expected}");
}

#[test]
fn every_gradient_is_that_of_central_differences() {
    const UNITS: usize = 7;
    const ROWS: usize = 3;
    let step = 1e-7;
    for (number, (name, choice)) in combinations().into_iter().enumerate() {
        let (activation, coefficients) = layers::build(&choice, UNITS);
        let mut stream = Stream::new(number as u64, "test", 0);
        // Off the start, off the corners, with S of both signs.
        let noise = normals(&mut stream, coefficients.start.len(), 0.3);
        let theta: Vec<f64> = coefficients.start.iter().zip(noise).map(|(x, d)| x + d).collect();
        let z = normals(&mut stream, UNITS * ROWS, 1.5);
        let dy = normals(&mut stream, UNITS * ROWS, 1.0);
        let (_, dz, gradient) = both(&activation, &theta, UNITS, &z, &dy, &mut Mode::Evaluate);
        let moved = |values: &[f64], at: usize, by: f64| {
            let mut values = values.to_vec();
            values[at] += by;
            values
        };
        // Richardson's extrapolation: |b_n| may be small and the third derivative large.
        let extrapolated = |loss: &dyn Fn(f64) -> f64| {
            let central = |step: f64| (loss(step) - loss(-step)) / (2.0 * step);
            (4.0 * central(step) - central(2.0 * step)) / 3.0
        };
        let scale = gradient.iter().chain(&dz).fold(0.0, |most: f64, g| most.max(g.abs()));
        for (at, &found) in dz.iter().enumerate() {
            let known = extrapolated(&|by| loss(&activation, &theta, UNITS, &moved(&z, at, by), &dy));
            close(&format!("{name} x{at}"), found, known, scale);
        }
        for (at, &found) in gradient.iter().enumerate() {
            let known = extrapolated(&|by| loss(&activation, &moved(&theta, at, by), UNITS, &z, &dy));
            close(&format!("{name} θ{at}"), found, known, scale);
        }
    }
}

#[test]
fn noise_of_version_d_reaches_the_gradient() {
    let (activation, coefficients) = layers::build(&choice("D", [5, 4], constraint("unit-gain", &[])), 1);
    let z = [0.3, -1.2, 2.0];
    let dy = [1.0, 0.5, -0.7];
    let train = |theta: &[f64]| {
        let mut stream = Stream::new(3, "activation", 0);
        both(&activation, theta, 1, &z, &dy, &mut Mode::Train(&mut stream))
    };
    let loss = |theta: &[f64]| train(theta).0.iter().zip(dy).map(|(y, d)| y * d).sum::<f64>();
    let theta = coefficients.start;
    let (y, _, gradient) = train(&theta);
    assert_ne!(y, layers::values(&activation, &theta, 1, &z));
    for at in 0..theta.len() {
        // The start has tiny b: stay on one side of their corner.
        let mut moved = [theta.clone(), theta.clone()];
        moved[0][at] += 1e-7;
        moved[1][at] -= 1e-7;
        if theta[at].abs() > 1e-3 {
            close(&format!("θ{at}"), gradient[at], (loss(&moved[0]) - loss(&moved[1])) / 2e-7, 1.0);
        }
    }
}

#[test]
fn at_corners_signs_are_plus_one() {
    // Identity start, b = 0: S = 0 and |b| = 0. One step up in b lowers R by x·t^k: the one-sided
    // derivative that sgn(0) = +1 stands for.
    for version in ["A", "B", "C", "D", "N"] {
        let choice = choice(version, [5, 4], constraint("none", &[])).with("start", word("identity"));
        let (activation, coefficients) = layers::build(&choice, 1);
        let theta = &coefficients.start;
        let (_, _, gradient) = both(&activation, theta, 1, &[2.0], &[1.0], &mut Mode::Evaluate);
        let first = coefficients.names.iter().position(|name| name == "b1").unwrap();
        for k in 1..=4i32 {
            let found = gradient[first + k as usize - 1];
            assert!((found + 2.0 * 2f64.powi(k)).abs() < 1e-12, "{version} b{k}: {found}");
        }
    }
    // x = 0 in version A: |x|' = +1, so R'(0) = a1 - a0·|b1|.
    let (activation, _) = layers::build(&choice("A", [3, 2], constraint("none", &[])), 1);
    for zero in [0.0, -0.0] {
        let theta = [0.5, 0.25, 0.0, 0.0, -3.0, 0.0];
        let (y, dz, gradient) = both(&activation, &theta, 1, &[zero], &[1.0], &mut Mode::Evaluate);
        assert_eq!((y[0], dz[0]), (0.5, 0.25 - 0.5 * 3.0));
        assert_eq!(gradient, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
    // S = 0 at x = 1 in version B: S = x - x² changes sign there; dQ/dx = +S'(1) = -1.
    let (activation, _) = layers::build(&choice("B", [3, 2], constraint("none", &[])), 1);
    let theta = [1.0, 0.0, 0.0, 0.0, 1.0, -1.0];
    let (_, dz, gradient) = both(&activation, &theta, 1, &[1.0], &[1.0], &mut Mode::Evaluate);
    assert_eq!(dz[0], 1.0);
    assert_eq!(gradient[4..], [-1.0, -1.0]);
}

#[test]
fn f32_follows_f64() {
    for (number, (name, choice)) in combinations().into_iter().enumerate() {
        // Poles make neighbours of f32 far apart.
        if name.starts_with('N') {
            continue;
        }
        let (activation, coefficients) = layers::build(&choice, 37);
        let mut stream = Stream::new(number as u64, "test", 1);
        let theta: Vec<f32> = coefficients.start.iter().map(|&x| x as f32).collect();
        let z: Vec<f32> = normals(&mut stream, 37 * 4, 1.5).iter().map(|&x| x as f32).collect();
        let dy: Vec<f32> = normals(&mut stream, 37 * 4, 1.0).iter().map(|&x| x as f32).collect();
        let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&x| f64::from(x)).collect() };
        let single = both(&activation, &theta, 37, &z, &dy, &mut Mode::Evaluate);
        let double = both(&activation, &wide(&theta), 37, &wide(&z), &wide(&dy), &mut Mode::Evaluate);
        for (single, double) in [(single.0, double.0), (single.1, double.1), (single.2, double.2)] {
            let scale = double.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            for (x, y) in single.iter().zip(&double) {
                assert!((f64::from(*x) - y).abs() < 1e-4 * scale, "{name}: {x} for {y}");
            }
        }
    }
}

#[test]
fn sharing_adds_up_the_gradients_of_its_units() {
    // A set per unit with equal coefficients: values as with one set, gradients that add up to its.
    let units = 21;
    let theta = layers::build(&choice("A", [5, 4], constraint("tail-slope", &[])), units).1.start;
    let mut stream = Stream::new(5, "test", 2);
    let (z, dy) = (normals(&mut stream, units * 130, 2.0), normals(&mut stream, units * 130, 1.0));
    let whole = layers::build(&choice("A", [5, 4], constraint("tail-slope", &[])), units).0;
    let expected = both(&whole, &theta, units, &z, &dy, &mut Mode::Evaluate);
    for (sharing, groups, sets) in [("unit", None, units), ("groups", Some(4), 4), ("groups", Some(1), 1)] {
        let mut choice = choice("A", [5, 4], constraint("tail-slope", &[])).with("sharing", word(sharing));
        if let Some(groups) = groups {
            choice = choice.with("groups", Value::Integer(groups));
        }
        let (activation, coefficients) = layers::build(&choice, units);
        assert_eq!(coefficients.start.len(), sets * theta.len());
        let found = both(&activation, &coefficients.start, units, &z, &dy, &mut Mode::Evaluate);
        for (x, y) in found.0.iter().chain(&found.1).zip(expected.0.iter().chain(&expected.1)) {
            assert!((x - y).abs() < 1e-12);
        }
        for (i, total) in expected.2.iter().enumerate() {
            let sum: f64 = found.2.chunks(theta.len()).map(|set| set[i]).sum();
            assert!((sum - total).abs() < 1e-9 * (1.0 + total.abs()), "{sharing} {groups:?}: {sum} {total}");
        }
    }
}

#[test]
fn gradients_are_added_to_what_is_there() {
    let (activation, coefficients) = layers::build(&choice("B", [5, 4], constraint("none", &[])), 1);
    let (z, dy) = ([0.4, 1.1], [1.0, 2.0]);
    let (y, _, once) = both(&activation, &coefficients.start, 1, &z, &dy, &mut Mode::Evaluate);
    let mut saved = Vec::new();
    let mut total = once.clone();
    let mut out = y.clone();
    let kernel = activation.kernel.as_ref();
    kernel.forward(&coefficients.start, 1, &z, &mut out, &mut saved, &mut Mode::Evaluate);
    let mut dz = [0.0; 2];
    let gradients = Gradients { dz: &mut dz, d_coefficients: &mut total };
    kernel.backward(&coefficients.start, 1, Saved { z: &z, y: &y, extra: &saved }, &dy, gradients);
    assert!(total.iter().zip(&once).all(|(two, one)| (two - 2.0 * one).abs() < 1e-12));
}

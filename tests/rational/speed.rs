//! Time per element, for a look: `cargo test --release --test rational -- --ignored --nocapture speed`.

use std::time::Instant;

use plasticity_bench::kernels::element::{ElementKernel, Gradients, Kernel, Mode, Saved};
use plasticity_bench::nn::activation::rational;
use plasticity_bench::random::Stream;
use plasticity_bench::spec::Value;

use crate::choices::{With, constraint, rational as choice, word};

/// The least time of many rounds, in ns: other work on the machine only ever adds.
fn least(mut act: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..300 {
        let start = Instant::now();
        act();
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    best
}

fn time(kernel: &dyn Kernel, start: &[f64], rows: usize, inputs: usize) -> (f64, f64) {
    let mut stream = Stream::new(0, "test", 0);
    let mut normals = || -> Vec<f32> { (0..rows * inputs).map(|_| stream.normal() as f32).collect() };
    let (z, dy) = (normals(), normals());
    let coefficients: Vec<f32> = start.iter().map(|&x| x as f32).collect();
    let (mut y, mut dz) = (vec![0.0; z.len()], vec![0.0; z.len()]);
    let (mut saved, mut gradient) = (Vec::new(), vec![0.0; coefficients.len()]);
    let forward = least(|| {
        saved.clear();
        ElementKernel::<f32>::forward(
            kernel,
            &coefficients,
            inputs,
            &z,
            &mut y,
            &mut saved,
            &mut Mode::Evaluate,
        );
    });
    let backward = least(|| {
        let gradients = Gradients { dz: &mut dz, d_coefficients: &mut gradient };
        kernel.backward(&coefficients, inputs, Saved { z: &z, y: &y, extra: &saved }, &dy, gradients);
    });
    (forward, backward)
}

#[test]
#[ignore = "a measurement: run it by name"]
fn speed() {
    println!("case: forward, backward in ns per element at 64 x 256; us per call at 1 x 16");
    let sharings = [("layer", 1), ("groups", 8), ("unit", 256)];
    for version in ["A", "B", "C", "D", "N"] {
        for degrees in [[5, 4], [9, 8]] {
            for (sharing, groups) in sharings {
                let mut choice =
                    choice(version, degrees, constraint("none", &[])).with("sharing", word(sharing));
                if sharing == "groups" {
                    choice = choice.with("groups", Value::Integer(groups));
                }
                let built = rational::build(&choice, 256).unwrap();
                let start = built.coefficients.unwrap().start;
                let (f, b) = time(built.kernel.as_ref(), &start, 64, 256);
                println!("{version} {degrees:?} {sharing}: {:.3} {:.3}", f / 16384.0, b / 16384.0);
            }
        }
    }
    for entry in rational::constraints() {
        let degrees = if entry.name == "proper-degree" { [4, 4] } else { [5, 4] };
        let built = rational::build(&choice("A", degrees, constraint(entry.name, &[])), 256).unwrap();
        let start = built.coefficients.unwrap().start;
        let (f, b) = time(built.kernel.as_ref(), &start, 64, 256);
        let (one_f, one_b) = time(built.kernel.as_ref(), &start, 1, 16);
        println!(
            "{}: {:.3} {:.3}; per call {:.2} {:.2}",
            entry.name,
            f / 16384.0,
            b / 16384.0,
            one_f / 1e3,
            one_b / 1e3
        );
    }
}

//! What a device makes of fixed problems, and how many steps a second it takes.
//!
//! ```text
//! device hashes DEVICE [NAME ...]            the lines of tests/hashes.txt, or those of these names
//! device rate DEVICE [--sizes 784,256,256,10] [--batch 16] [--activation relu|rational] [--places 256] [--steps 512]
//!                    [--constraint none|lipschitz|unit-gain] [--perturb no|start|normal|fresh]
//! ```
//! DEVICE is `cuda`, `cuda:N`, or, with the feature `emulator`, `emulator`. `rate` prints one line of JSON: steps a
//! second summed over the places, the median, least and most of five rounds.

#[path = "../tests/problem/mod.rs"]
mod problem;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use plasticity_bench_cuda::{Activation, Constraint, Device, Engine, Perturb, Shape};
use problem::{Problem, fixed, hash, rational, shape};

const ROUNDS: usize = 5;

/// Version A, degrees (5, 4), near relu: the start that `ml-research/rational_activations` publishes.
const NEAR_RELU: [f32; 10] = [
    0.029_963_8,
    0.616_897_8,
    2.375_347_6,
    3.065_99,
    1.524_683_2,
    0.252_807_1,
    -1.191_550_1,
    4.408_047_7,
    0.911_035_7,
    0.348_849_78,
];

fn device(name: &str) -> Result<Device, Box<dyn Error>> {
    #[cfg(feature = "emulator")]
    if name == "emulator" {
        return Ok(Device::Emulator(Vec::new()));
    }
    match name.split_once(':') {
        None if name == "cuda" => Ok(Device::Gpu(0)),
        Some(("cuda", number)) => Ok(Device::Gpu(number.parse()?)),
        _ => Err(format!("{name}: cuda or cuda:N is expected").into()),
    }
}

fn hashes(device: &Device, names: &[String]) -> Result<(), Box<dyn Error>> {
    let is_asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    for (name, problem) in fixed().into_iter().filter(|(name, _)| is_asked(name)) {
        let engine = Engine::new(device, &problem.network.shape)?;
        println!("{name} {:016x}", hash(&problem.at(&engine.seat())));
    }
    Ok(())
}

/// `--key value`, or what stands for it.
fn option(arguments: &[String], key: &str, absent: &str) -> String {
    let at = arguments.iter().position(|argument| argument == key);
    at.and_then(|at| arguments.get(at + 1)).map_or_else(|| absent.to_owned(), Clone::clone)
}

/// So many as the suite has.
fn points(constraint: Constraint) -> Vec<f64> {
    let grid = |count: i32, reach: f64| {
        (0..count).map(move |i| reach * (2.0 * f64::from(i) / f64::from(count) - 1.0))
    };
    match constraint {
        Constraint::Lipschitz { .. } => grid(1232, 10.0).collect(),
        Constraint::UnitGain => {
            grid(128, 6.0).chain(grid(128, 6.0).map(|x| 0.0375 * (-0.5 * x * x).exp())).collect()
        }
        _ => Vec::new(),
    }
}

fn rate(device: &Device, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let of = |key, absent| option(arguments, key, absent);
    let sizes: Vec<usize> =
        of("--sizes", "784,256,256,10").split(',').map(str::parse).collect::<Result<_, _>>()?;
    let (batch, places): (usize, u64) = (of("--batch", "16").parse()?, of("--places", "256").parse()?);
    let steps: usize = of("--steps", "512").parse()?;
    let name = of("--activation", "rational");
    let activation = if name == "relu" { Activation::Relu } else { rational(0, 5, 4) };
    let constraint = match &*of("--constraint", "none") {
        "none" => Constraint::None,
        "lipschitz" => Constraint::Lipschitz { bound: 1.0 },
        "unit-gain" => Constraint::UnitGain,
        other => return Err(format!("{other}: none, lipschitz or unit-gain is expected").into()),
    };
    let perturb = match &*of("--perturb", "no") {
        "no" => Perturb::No,
        "start" => Perturb::Start,
        "normal" => Perturb::Normal,
        "fresh" => Perturb::Fresh,
        other => return Err(format!("{other}: no, start, normal or fresh is expected").into()),
    };
    let shape = Shape { perturb, ..shape(&sizes, batch, activation) };
    let engine = Engine::new(device, &shape)?;
    let mut seats = Vec::new();
    for seed in 0..places {
        let mut problem = Problem::with(&shape, constraint, seed, steps, 1200);
        // As many points as the suite's, and next to nothing added: it is to cost its time and change little.
        problem.network.settings.points = points(constraint);
        (problem.network.settings.shrink, problem.network.settings.noise) = (1.0, 1e-7);
        for (_, _, set) in shape.parameters().0 {
            if let Some(set) = set {
                problem.network.values.p[set..set + NEAR_RELU.len()].copy_from_slice(&NEAR_RELU);
            }
        }
        for step in &mut problem.steps.steps {
            // Whole batches, and a rate at which nothing diverges.
            step.rows = batch as i32;
            (step.weights.step_size, step.coefficients.step_size) = (1e-4, 1e-4);
        }
        let seat = engine.seat();
        seat.load(problem.load())?;
        seats.push((seat, problem.part(0, steps)));
    }
    let mut rates = Vec::new();
    for round in 0..=ROUNDS {
        let started = Instant::now();
        let pending: Vec<_> = seats.iter().map(|(seat, steps)| seat.start(steps.clone())).collect();
        for pending in pending {
            let taken = pending.wait()?;
            let last = taken.last().map_or(f32::NAN, |taken| taken.loss);
            if taken.len() < steps || !last.is_finite() {
                return Err(format!("a network diverged after {} steps", taken.len()).into());
            }
        }
        // The first round warms up.
        if round > 0 {
            rates.push(steps as f64 * places as f64 / started.elapsed().as_secs_f64());
        }
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "{{\"activation\": \"{name}\", \"sizes\": {sizes:?}, \"batch\": {batch}, \"places\": {places}, \
         \"steps_per_second\": {:.0}, \"least\": {:.0}, \"most\": {:.0}}}",
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1]
    );
    Ok(())
}

fn asked() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hashes", name, ..] => hashes(&device(name)?, &arguments[2..]),
        ["rate", name, ..] => rate(&device(name)?, &arguments[2..]),
        _ => Err("usage: device hashes DEVICE [NAME ...] | device rate DEVICE [OPTIONS]".into()),
    }
}

fn main() -> ExitCode {
    match asked() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

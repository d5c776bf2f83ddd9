//! Time of the kernels by themselves: every registered activation, loss, optimiser, gathering.
//!
//! cargo bench --bench kernels [-- relu rational+tail-slope adam]

mod support;

use std::hint::black_box;
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use clap::Parser;
use plasticity_bench::kernels::element::{ElementKernel, Kernel, Mode};
use plasticity_bench::kernels::loss::{Targets, cross_entropy};
use plasticity_bench::kernels::optimizer::{Adam, Sgd};
use plasticity_bench::nn::activation;
use plasticity_bench::random::Stream;
use support::clock::{self, least, median};
use support::names;
use support::problem::Problem;
use support::table::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A batch of 64 for a layer of 256.
const ROWS: usize = 64;
const UNITS: usize = 256;
const CLASSES: usize = 10;
/// Parameters of an MLP 784-256-256-10 but for its biases.
const WEIGHTS: usize = 784 * 256 + 256 * 256 + 256 * 10;

#[derive(Parser)]
struct Arguments {
    /// Only kernels whose name begins so.
    names: Vec<String>,
    /// Rounds; their median is printed.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Something to time, and by how many units its time is divided.
struct Kernels {
    name: String,
    unit: &'static str,
    units: usize,
    run: Box<dyn FnMut()>,
    times: Vec<f64>,
}

impl Kernels {
    fn new(name: impl Into<String>, unit: &'static str, units: usize, run: impl FnMut() + 'static) -> Self {
        Self { name: name.into(), unit, units, run: Box::new(run), times: Vec::new() }
    }

    /// Nanoseconds per unit over about 4 ms.
    fn round(&mut self) {
        let once = clock::seconds(&mut self.run).max(1e-7);
        let times = (4e-3 / once).clamp(1.0, 1e5) as usize;
        let seconds = clock::seconds(|| (0..times).for_each(|_| (self.run)()));
        self.times.push(seconds * 1e9 / (times * self.units) as f64);
    }
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let mut kernels: Vec<Kernels> = names::all().iter().flat_map(|name| activation(name)).collect();
    kernels.extend([loss(false), loss(true), adam(), sgd(), gather()]);
    if !arguments.names.is_empty() {
        kernels.retain(|k| arguments.names.iter().any(|name| k.name.split(' ').next() == Some(name)));
    }
    for _ in 0..arguments.rounds {
        kernels.iter_mut().for_each(Kernels::round);
    }
    let title = format!("Kernels ({}, {})", clock::name(), plasticity_bench::kernels::name());
    let mut table = Table::new(&title, &["kernel", "median ns", "least ns", "per"]);
    for kernel in &kernels {
        let times = &kernel.times;
        let cells = [kernel.name.clone(), three(median(times)), three(least(times)), kernel.unit.into()];
        table.row(cells.to_vec());
    }
    table.print();
}

fn three(x: f64) -> String {
    format!("{x:.3}")
}

fn normals(n: usize) -> Vec<f32> {
    let mut stream = Stream::new(0, "test", 0);
    (0..n).map(|_| stream.normal() as f32).collect()
}

/// Forward, and forward with backward, on pre-activations that are standard normal.
fn activation(name: &str) -> Vec<Kernels> {
    let choice = names::choice(name).expect("registered");
    let site = activation::build(&choice, UNITS).expect("defaults go together");
    let coefficients = site.coefficients.map_or(Vec::new(), |c| c.start);
    let coefficients: Vec<f32> = coefficients.iter().map(|&c| c as f32).collect();
    let count = ROWS * UNITS;
    let both = [false, true].map(|backward| {
        let kernel: Arc<dyn Kernel> = Arc::clone(&site.kernel);
        let (z, coefficients) = (normals(count), coefficients.clone());
        let (mut y, mut dz) = (vec![0.0; count * site.widening], vec![0.0; count]);
        let dy = normals(y.len());
        let mut d_coefficients = vec![0.0; coefficients.len()];
        let (mut saved, mut stream) = (Vec::new(), Stream::new(0, "activation", 0));
        let run = move || {
            let kernel: &dyn ElementKernel<f32> = &*kernel;
            saved.clear();
            kernel.forward(&coefficients, UNITS, &z, &mut y, &mut saved, &mut Mode::Train(&mut stream));
            if backward {
                d_coefficients.fill(0.0);
                let into = &mut d_coefficients;
                kernel.backward(&coefficients, UNITS, &z, &y, &saved, &dy, &mut dz, into);
            }
            black_box((&y, &dz, &d_coefficients));
        };
        let passes = if backward { "forward + backward" } else { "forward" };
        Kernels::new(format!("{name} {passes}"), "element", count, run)
    });
    both.into()
}

/// The op with candle's graph around it, as training runs it.
fn loss(backward: bool) -> Kernels {
    let values = Tensor::from_vec(normals(ROWS * CLASSES), (ROWS, CLASSES), &Device::Cpu).expect("a tensor");
    let logits = Var::from_tensor(&values).expect("a variable");
    let targets = Targets::from((0..ROWS as u32).map(|i| i % CLASSES as u32).collect::<Vec<_>>());
    let run = move || {
        let batch = cross_entropy(logits.as_tensor(), targets.clone()).expect("a loss");
        if backward {
            black_box(batch.loss.backward().expect("gradients"));
        }
        black_box(batch.correct);
    };
    let passes = if backward { "forward + backward" } else { "forward" };
    Kernels::new(format!("cross-entropy {passes}"), "row of 10", ROWS, run)
}

fn adam() -> Kernels {
    let rule =
        Adam { learning_rate: 1e-3, betas: (0.9, 0.999), epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
    let (mut p, g) = (normals(WEIGHTS), normals(WEIGHTS));
    let (mut m, mut v, mut step) = (vec![0.0; WEIGHTS], vec![0.0; WEIGHTS], 0);
    let run = move || {
        step += 1;
        rule.step(step, &mut p, &g, &mut m, &mut v);
        black_box(&p);
    };
    Kernels::new("adam", "parameter", WEIGHTS, run)
}

fn sgd() -> Kernels {
    let rule = Sgd { learning_rate: 1e-3, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let (mut p, g, mut b) = (normals(WEIGHTS), normals(WEIGHTS), vec![0.0; WEIGHTS]);
    let run = move || {
        rule.step(&mut p, &g, &mut b);
        black_box(&p);
    };
    Kernels::new("sgd", "parameter", WEIGHTS, run)
}

/// Rows of 784 in random order out of 8192.
fn gather() -> Kernels {
    let problem = Problem::drawn();
    let order = Stream::new(0, "test", 0).permutation(problem.examples.len());
    let (inputs, mut out, mut at) = (problem.examples.inputs, Vec::new(), 0);
    let run = move || {
        inputs.gather(&order[at..at + ROWS], &mut out);
        at = (at + ROWS) % order.len();
        black_box(&out);
    };
    Kernels::new("gather", "row of 784", ROWS, run)
}

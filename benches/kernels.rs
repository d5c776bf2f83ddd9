//! Time of the kernels by themselves, by divan: every registered activation, loss, optimiser, gathering.
//!
//! cargo bench --bench kernels                       all of them
//! cargo bench --bench kernels -- adam tail-slope    those whose name holds one of these

mod support;

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use plasticity_bench::kernels::element::{ElementKernel, Gradients, Kernel, Mode, Saved};
use plasticity_bench::kernels::loss::{Targets, cross_entropy};
use plasticity_bench::kernels::optimizer_step::{Adam, Sgd};
use plasticity_bench::nn::activation;
use plasticity_bench::random::Stream;
use support::names;
use support::problem::Problem;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A batch of 64 for a layer of 256.
const ROWS: usize = 64;
const UNITS: usize = 256;
const CLASSES: usize = 10;
/// Parameters of an MLP 784-256-256-10 but for its biases.
const WEIGHTS: usize = 784 * 256 + 256 * 256 + 256 * 10;

fn main() {
    plasticity_bench::cli::settle();
    println!("{}", plasticity_bench::kernels::name());
    divan::main();
}

fn normals(n: usize) -> Vec<f32> {
    let mut stream = Stream::new(0, "test", 0);
    (0..n).map(|_| stream.normal() as f32).collect()
}

/// An activation site with pre-activations that are standard normal.
struct FusedActivation {
    kernel: Arc<dyn Kernel>,
    coefficients: Vec<f32>,
    d_coefficients: Vec<f32>,
    z: Vec<f32>,
    y: Vec<f32>,
    dy: Vec<f32>,
    dz: Vec<f32>,
    saved: Vec<f32>,
    stream: Stream,
}

impl FusedActivation {
    fn new(name: &str) -> Self {
        let choice = names::choice(name).expect("registered");
        let site = activation::build(&choice, UNITS).expect("defaults go together");
        let start = site.coefficients.map_or(Vec::new(), |c| c.start);
        let count = ROWS * UNITS;
        Self {
            kernel: site.kernel,
            d_coefficients: vec![0.0; start.len()],
            coefficients: start.iter().map(|&c| c as f32).collect(),
            z: normals(count),
            y: vec![0.0; count * site.expansion],
            dy: normals(count * site.expansion),
            dz: vec![0.0; count],
            saved: Vec::new(),
            stream: Stream::new(0, "activation", 0),
        }
    }

    fn forward(&mut self) {
        let kernel: &dyn ElementKernel<f32> = &*self.kernel;
        let mode = &mut Mode::Train(&mut self.stream);
        self.saved.clear();
        kernel.forward(&self.coefficients, UNITS, black_box(&self.z), &mut self.y, &mut self.saved, mode);
        black_box(&self.y);
    }

    fn backward(&mut self) {
        let kernel: &dyn ElementKernel<f32> = &*self.kernel;
        let Self { coefficients, z, y, saved, dy, dz, d_coefficients, .. } = self;
        d_coefficients.fill(0.0);
        let saved = Saved { z, y, extra: saved };
        kernel.backward(coefficients, UNITS, saved, black_box(dy), Gradients { dz, d_coefficients });
        black_box((&self.dz, &self.d_coefficients));
    }
}

#[divan::bench(args = names::all())]
fn forward(bencher: Bencher, name: &str) {
    let mut site = FusedActivation::new(name);
    bencher.counter(ItemsCount::new(ROWS * UNITS)).bench_local(|| site.forward());
}

#[divan::bench(args = names::all())]
fn forward_and_backward(bencher: Bencher, name: &str) {
    let mut site = FusedActivation::new(name);
    bencher.counter(ItemsCount::new(ROWS * UNITS)).bench_local(|| {
        site.forward();
        site.backward();
    });
}

/// The op with candle's graph around it, as training runs it.
#[divan::bench(args = [false, true])]
fn cross_entropy_with_backward(bencher: Bencher, backward: bool) {
    let values = Tensor::from_vec(normals(ROWS * CLASSES), (ROWS, CLASSES), &Device::Cpu).expect("a tensor");
    let logits = Var::from_tensor(&values).expect("a variable");
    let targets = Targets::from((0..ROWS as u32).map(|i| i % CLASSES as u32).collect::<Vec<_>>());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let batch = cross_entropy(logits.as_tensor(), targets.clone()).expect("a loss");
        if backward {
            black_box(batch.loss.backward().expect("gradients"));
        }
        batch.correct
    });
}

/// What a step multiplies the gradients of a drawn network by: 1 for a healthy one; 1e-19 for one whose
/// gradients vanish, which must not cost more.
#[divan::bench(args = [1.0, 1e-19])]
fn adam(bencher: Bencher, scale: f32) {
    let rule = Adam::new(1e-3);
    let g: Vec<f32> = normals(WEIGHTS).iter().map(|g| g * scale).collect();
    let (mut p, mut m, mut v, mut step) = (normals(WEIGHTS), vec![0.0; WEIGHTS], vec![0.0; WEIGHTS], 0);
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        step += 1;
        rule.at(step).apply(&mut p, black_box(&g), &mut m, &mut v);
    });
}

#[divan::bench]
fn sgd(bencher: Bencher) {
    let rule = Sgd { learning_rate: 1e-3, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let (mut p, g, mut b) = (normals(WEIGHTS), normals(WEIGHTS), vec![0.0; WEIGHTS]);
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| rule.step(&mut p, black_box(&g), &mut b));
}

/// Rows of 784 in random order out of 8192.
#[divan::bench]
fn gather(bencher: Bencher) {
    let problem = Problem::drawn();
    let order = Stream::new(0, "test", 0).permutation(problem.examples.len());
    let (inputs, mut out, mut at) = (problem.examples.inputs, Vec::new(), 0);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        inputs.gather(&order[at..at + ROWS], &mut out);
        at = (at + ROWS) % order.len();
        black_box(&out);
    });
}

//! Time of one training step, in microseconds of this thread's CPU time: activations × batch sizes,
//! in interleaved rounds (the median round is printed).
//!
//! cargo bench --bench step [-- ACTIVATION…]

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use plasticity_bench::kernels::loss::cross_entropy;
use plasticity_bench::nn::{Mlp, Network, Pass};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Value};
use plasticity_bench::train::optimizer::{self, Optimizer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: usize = 8192;
const ROUNDS: usize = 5;

struct Case {
    label: String,
    network: Mlp,
    optimizer: Optimizer,
    pass: Pass,
    batch: usize,
    rounds: Vec<f64>,
}

impl Case {
    fn new(activation: &Choice, hidden: &[i64], batch: usize) -> Self {
        let mut stream = Stream::new(0, "init", 0);
        let network =
            Mlp::new(&common::mlp(hidden), activation, 784, 10, &mut stream, DType::F32).expect("network");
        let mut adam = common::defaults(&optimizer::entries()[0]);
        adam.parameters.insert("learning_rate".into(), Value::Number(1e-3));
        let optimizer = Optimizer::new(&adam, network.parameters());
        let pass = Pass::Train(Arc::new(Mutex::new(stream)));
        let label = format!("{} {hidden:?} b{batch}", activation.name);
        Self { label, network, optimizer, pass, batch, rounds: Vec::new() }
    }

    fn step(&mut self, pixels: &[f32], labels: &[u32], at: usize) {
        let start = at * self.batch % (EXAMPLES - self.batch);
        let rows = pixels[start * 784..(start + self.batch) * 784].to_vec();
        let inputs = Tensor::from_vec(rows, (self.batch, 784), &Device::Cpu).expect("batch");
        let labels = Arc::new(labels[start..start + self.batch].to_vec());
        let logits = self.network.forward(&inputs, &self.pass).expect("forward");
        let loss = cross_entropy(&logits, labels).expect("loss");
        for parameter in self.network.parameters() {
            parameter.gradient.reset();
        }
        loss.loss.backward().expect("backward");
        self.optimizer.step(self.network.parameters(), |_| true).expect("update");
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let names = if wanted.is_empty() { vec!["relu".into(), "gelu".into()] } else { wanted };
    let mut stream = Stream::new(1, "data", 0);
    let pixels: Vec<f32> = (0..EXAMPLES * 784).map(|_| stream.uniform(-1.0, 1.0) as f32).collect();
    let labels: Vec<u32> = (0..EXAMPLES).map(|_| stream.below(10) as u32).collect();
    let mut cases = Vec::new();
    for name in &names {
        let activation = common::activation(name);
        for batch in [16, 64] {
            cases.push(Case::new(&activation, &[256, 256], batch));
        }
        cases.push(Case::new(&activation, &[100, 100], 16));
    }
    for _ in 0..ROUNDS {
        for case in &mut cases {
            let steps = 32_000 / case.batch;
            (0..steps / 10).for_each(|i| case.step(&pixels, &labels, i));
            let started = Instant::now();
            (0..steps).for_each(|i| case.step(&pixels, &labels, i));
            case.rounds.push(started.elapsed().as_secs_f64() * 1e6 / steps as f64);
        }
    }
    println!("{:<44} {:>10} {:>10}", "case", "median µs", "least µs");
    for case in &mut cases {
        case.rounds.sort_by(f64::total_cmp);
        println!("{:<44} {:>10.1} {:>10.1}", case.label, case.rounds[ROUNDS / 2], case.rounds[0]);
    }
}

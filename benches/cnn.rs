//! Time of one training step with Adam, in milliseconds, of a CNN, a ResNet-18 or a vision transformer on images of
//! 3 × 32 × 32, or of a decoder of characters on texts of 64: activations in interleaved rounds.
//!
//! cargo bench --bench cnn -- relu rational --batch 64 --channels 32,64,128 --kernel 3 --padding 1
//! cargo bench --bench cnn -- relu rational --network resnet18 --batch 16 --width 64
//! cargo bench --bench cnn -- gelu rational --network vit --batch 32 --width 192 --depth 4
//! cargo bench --bench cnn -- gelu rational --network gpt --batch 12 --width 128 --depth 4

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use clap::Parser;
use plasticity_bench::kernels::loss::{Targets, cross_entropy};
use plasticity_bench::nn::{Blueprint, Cnn, Network, Pass, ResNet, build_from, entries};
use plasticity_bench::optimizers::{self, Optimizer};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Value};
use std::sync::{Arc, Mutex};
use support::clock::{self, least, median};
use support::names;
use support::serve::{Contender, serve};
use support::table::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of images in ten classes.
const IMAGES: Problem = Problem { dims: (3, 32, 32), classes: 10 };
/// Of texts with Shakespeare's 65 characters, each of which is asked for the next.
const TEXTS: Problem = Problem { dims: (1, 1, 64), classes: 65 };

/// Sizes of what is learnt.
#[derive(Clone, Copy)]
struct Problem {
    dims: (usize, usize, usize),
    classes: usize,
}

#[derive(Parser)]
struct Arguments {
    /// Activations, constraints after a plus sign.
    #[arg(default_values = ["relu", "rational"])]
    activations: Vec<String>,
    /// cnn, resnet18, vit or gpt.
    #[arg(long, default_value = "cnn", value_parser = ["cnn", "resnet18", "vit", "gpt"])]
    network: String,
    /// Images or texts per step.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Channels of the first stage of resnet18 (64 if absent), or features of a token of vit (192) or gpt (128).
    #[arg(long)]
    width: Option<i64>,
    /// Blocks of vit and gpt.
    #[arg(long, default_value_t = 4)]
    depth: i64,
    /// Filters of each convolution of the cnn.
    #[arg(long, value_delimiter = ',', default_values_t = [32, 64, 128])]
    channels: Vec<i64>,
    /// Rows and columns of a filter.
    #[arg(long, default_value_t = 3)]
    kernel: i64,
    /// Zeros around the images.
    #[arg(long, default_value_t = 1)]
    padding: i64,
    /// Hidden linear layers.
    #[arg(long, value_delimiter = ',', default_values_t = [100])]
    hidden: Vec<i64>,
    /// Rounds; their median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Steps per round.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Writes inputs, labels and the first activation's start values to this safetensors file, and ends.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Answers `peers/conv.py` for the first activation instead of measuring.
    #[arg(long)]
    serve: bool,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A network, its optimiser and the one batch that it sees.
struct Trainer {
    network: Box<dyn Network>,
    optimizer: Optimizer,
    pass: Pass,
    inputs: Tensor,
    labels: Vec<u32>,
    dims: (usize, usize, usize),
}

impl Arguments {
    fn is_text(&self) -> bool {
        self.network == "gpt"
    }

    fn problem(&self) -> Problem {
        if self.is_text() { TEXTS } else { IMAGES }
    }
}

fn network(activation: &str, arguments: &Arguments, stream: &mut Stream) -> Box<dyn Network> {
    let activation = names::choice(activation).expect("names are checked before");
    let Problem { dims, classes } = arguments.problem();
    let entry = entries().into_iter().find(|e| e.name == arguments.network).expect("registered");
    let mut choice: Choice = support::common::defaults(&entry);
    let mut set = |name: &str, value| choice.parameters.insert(name.into(), value);
    if arguments.network == "resnet18" {
        set("width", Value::Integer(arguments.width.unwrap_or(64)));
        let network = ResNet::new(&choice, &activation, dims, classes, stream, DType::F32);
        return Box::new(network.unwrap_or_else(|why| panic!("{why}")));
    }
    if ["vit", "gpt"].contains(&arguments.network.as_str()) {
        set("depth", Value::Integer(arguments.depth));
        if let Some(width) = arguments.width {
            set("width", Value::Integer(width));
        }
        if arguments.is_text() {
            set("alphabet", Value::Integer(classes as i64));
        }
        let (outputs, dtype) = (classes, DType::F32);
        let blueprint = Blueprint { network: &choice, activation: &activation, dims, outputs, dtype };
        return build_from(&blueprint, stream).unwrap_or_else(|why| panic!("{why}"));
    }
    set("channels", Value::Integers(arguments.channels.clone()));
    set("kernel", Value::Integer(arguments.kernel));
    set("padding", Value::Integer(arguments.padding));
    set("hidden", Value::Integers(arguments.hidden.clone()));
    let network = Cnn::new(&choice, &activation, dims, classes, stream, DType::F32);
    Box::new(network.unwrap_or_else(|why| panic!("{why}")))
}

impl Trainer {
    fn new(activation: &str, arguments: &Arguments) -> Self {
        let mut stream = Stream::new(0, "init", 0);
        let network = network(activation, arguments, &mut stream);
        let mut adam = support::common::defaults(&optimizers::entries()[0]);
        adam.parameters.insert("learning_rate".into(), Value::Number(1e-3));
        let optimizer = Optimizer::new(&adam, network.parameters());
        let Problem { dims, classes } = arguments.problem();
        let (batch, size) = (arguments.batch, dims.0 * dims.1 * dims.2);
        let is_text = arguments.is_text();
        let character = |stream: &mut Stream| stream.below(classes as u64) as u32;
        let mut number = || if is_text { character(&mut stream) as f32 } else { stream.normal() as f32 };
        let inputs: Vec<f32> = (0..batch * size).map(|_| number()).collect();
        let asked = if is_text { batch * size } else { batch };
        let labels: Vec<u32> = (0..asked).map(|_| character(&mut stream)).collect();
        let inputs = Tensor::from_vec(inputs, (batch, size), &Device::Cpu).expect("whole rows");
        let pass = Pass::Train(Arc::new(Mutex::new(stream)));
        Self { network, optimizer, pass, inputs, labels, dims }
    }

    /// What another framework needs to train on the same.
    fn write(&self, path: &Path) {
        let parameters = self.network.parameters().iter();
        let mut tensors: HashMap<String, Tensor> =
            parameters.map(|p| (p.name.clone(), p.values.as_tensor().clone())).collect();
        let images = self.inputs.reshape(((), self.dims.0, self.dims.1, self.dims.2)).expect("whole images");
        let labels = Tensor::new(self.labels.as_slice(), &Device::Cpu).expect("labels");
        tensors.extend([("inputs".to_string(), images), ("labels".to_string(), labels)]);
        candle_core::safetensors::save(&tensors, path).expect("a file to write");
    }
}

impl Contender for Trainer {
    fn step(&mut self) -> f64 {
        let logits = self.network.forward(&self.inputs, &self.pass).expect("a pass");
        let loss = cross_entropy(&logits, Targets::from(self.labels.clone())).expect("a loss").loss;
        for parameter in self.network.parameters() {
            parameter.gradient.reset();
        }
        loss.backward().expect("gradients");
        self.optimizer.step(self.network.parameters(), |_| true).expect("an update");
        f64::from(loss.to_scalar::<f32>().expect("a number"))
    }

    fn microseconds(&mut self, steps: usize) -> f64 {
        clock::seconds(|| (0..steps).for_each(|_| _ = self.step())) * 1e6 / steps as f64
    }
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let activations = names::known(arguments.activations.clone());
    let Some(first) = activations.first() else { return };
    if let Some(path) = &arguments.write {
        return Trainer::new(first, &arguments).write(path);
    }
    if arguments.serve {
        return serve(|| Trainer::new(first, &arguments));
    }
    let mut trainers: Vec<Trainer> = activations.iter().map(|name| Trainer::new(name, &arguments)).collect();
    let mut times = vec![Vec::new(); trainers.len()];
    for trainer in &mut trainers {
        trainer.microseconds(3);
    }
    for _ in 0..arguments.rounds {
        for (trainer, times) in trainers.iter_mut().zip(&mut times) {
            times.push(trainer.microseconds(arguments.steps) / 1e3);
        }
    }
    let title = format!(
        "One training step of a {}, batch {} ({})",
        arguments.network,
        arguments.batch,
        clock::name()
    );
    let mut table = Table::new(&title, &["activation", "median ms", "least ms"]);
    for (name, times) in activations.iter().zip(&times) {
        table.row(vec![name.clone(), format!("{:.2}", median(times)), format!("{:.2}", least(times))]);
    }
    table.print();
}

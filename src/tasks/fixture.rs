//! Small data and plans for this room's tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Inputs, TaskStream};
use crate::data::{DataSet, Images};
use crate::random::Stream;
use crate::spec::{
    Augmentation, Choice, DataPlan, ExamplesFrom, Head, Length, Order, Plan, ProbesPlan, Scaling, StreamPlan,
    Value, Work,
};

fn choice(name: &str) -> Choice {
    Choice { name: name.to_owned(), parameters: BTreeMap::new() }
}

fn with_defaults(family: &str) -> Choice {
    let entry = super::entries().into_iter().find(|entry| entry.name == family);
    entry.map_or_else(|| choice(family), |entry| Choice::of(&entry))
}

/// 200 of the training examples, ten tasks, two epochs in batches of 16.
pub fn plan(family: &str) -> Plan {
    Plan {
        name: "test".to_owned(),
        source: String::new(),
        work: Work::Supervised {
            data: DataPlan {
                dataset: "noise".to_owned(),
                scaling: Scaling::Symmetric,
                augmentation: Augmentation::None,
            },
            stream: StreamPlan {
                family: with_defaults(family),
                tasks: 10,
                examples: Some(200),
                examples_from: ExamplesFrom::First,
                length: Length::Epochs(2),
                batch_size: 16,
                drop_last: false,
                order: Order::Reshuffled,
                head: Head::Single,
                transition: None,
                scaling_shock: None,
            },
        },
        network: choice("mlp"),
        activation: choice("relu"),
        optimizer: choice("adam"),
        methods: Vec::new(),
        probes: ProbesPlan { names: Vec::new(), samples: 50, plasticity_gap: false, retention: false },
        seed: 0,
    }
}

/// The same for a room that builds the network too: two hidden layers of eight relus.
pub fn mlp_plan() -> Plan {
    let mut plan = plan("shuffled-labels");
    let settings =
        [("hidden", Value::Integers(vec![8, 8])), ("initialization", Value::Text("pytorch".into()))];
    plan.network.parameters = settings.map(|(key, value)| (key.to_owned(), value)).into();
    plan
}

fn images(
    examples: usize,
    (channels, height, width): (usize, usize, usize),
    classes: usize,
    seed: u64,
) -> Images {
    let mut noise = Stream::new(seed, "fixture", 0);
    Images {
        pixels: (0..examples * channels * height * width).map(|_| noise.below(256) as u8).collect(),
        labels: (0..examples).map(|i| (i % classes) as u32).collect(),
        coarse_labels: Vec::new(),
        channels,
        height,
        width,
        classes,
    }
}

/// Noise with labels 0, 1, …, 0, 1, …; half as many test as training images.
pub fn data(examples: usize, channels: usize, height: usize, width: usize, classes: usize) -> DataSet {
    let dims = (channels, height, width);
    DataSet {
        name: "noise".to_owned(),
        train: images(examples, dims, classes, 1),
        test: images(examples / 2, dims, classes, 2),
        checksum: "0".repeat(64),
        mean: vec![0.5; channels],
        std: vec![0.25; channels],
    }
}

/// 300 training and 150 test images of 6 × 7 pixels in ten classes.
pub fn mnist_like() -> DataSet {
    data(300, 1, 6, 7, 10)
}

pub fn stream_of(family: &str, seed: u64, change: impl Fn(&mut Plan), data: DataSet) -> Box<dyn TaskStream> {
    let mut plan = plan(family);
    plan.seed = seed;
    plan.stream_mut().examples = plan.stream().examples.map(|n| n.min(data.train.len()));
    change(&mut plan);
    super::stream(&plan, Arc::new(data)).unwrap()
}

pub fn stream(family: &str, seed: u64) -> Box<dyn TaskStream> {
    stream_of(family, seed, |_| (), mnist_like())
}

pub fn rows(inputs: &Inputs) -> Vec<f32> {
    let mut rows = Vec::new();
    inputs.gather_range(0..inputs.len(), &mut rows);
    rows
}

pub fn counts(labels: &[u32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label as usize] += 1;
    }
    counts
}

/// Share of examples whose label is their original one, over the first `tasks` tasks.
pub fn agreement(stream: &dyn TaskStream, original: &[u32], tasks: usize) -> f64 {
    let same: usize = (0..tasks)
        .map(|index| stream.task(index).train.labels.iter().zip(original).filter(|(a, b)| a == b).count())
        .sum();
    same as f64 / (tasks * original.len()) as f64
}

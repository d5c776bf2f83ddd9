//! A plan: everything that determines one run. Only checked specs become plans, so what is below
//! never meets an unknown name or a zero batch.

use super::Choice;

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Benchmark's name: the folder under which its runs stand.
    pub name: String,
    /// Where the protocol comes from, for the report; may be empty.
    pub source: String,
    /// Which images, and how they are scaled.
    pub data: DataPlan,
    /// The stream of tasks.
    pub stream: StreamPlan,
    /// `mlp` with its sizes.
    pub network: Choice,
    /// Activation with its parameters.
    pub activation: Choice,
    /// Optimiser with its parameters.
    pub optimizer: Choice,
    /// Method against the loss of plasticity, or `none`.
    pub method: Choice,
    /// What is measured.
    pub probes: ProbesPlan,
    /// Master seed.
    pub seed: u64,
}

/// `[data]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPlan {
    /// Name in the catalogue's `datasets`.
    pub dataset: String,
    /// From bytes to network inputs.
    pub scaling: Scaling,
    /// What is done to training images, batch by batch.
    pub augmentation: Augmentation,
}

/// Random changes to training images; test images and probe sets stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Augmentation {
    /// Nothing.
    None,
    /// A crop of the image's own size out of it padded by 4 pixels of 0 (byte value), then a horizontal
    /// flip with probability 1/2: `RandomCrop(32, padding=4)` and `RandomHorizontalFlip` of the field.
    CropFlip,
}

/// How a pixel byte becomes a network input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// x / 255
    Unit,
    /// (x / 255 - 0.5) / 0.5
    Symmetric,
    /// (x / 255 - mean) / std with the data set's published constants, per channel.
    Standardize,
}

/// `[stream]`.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamPlan {
    /// Task family with its own parameters.
    pub family: Choice,
    /// Number of tasks, at least 1.
    pub tasks: usize,
    /// Training examples taken of the set; `None` takes all.
    pub examples: Option<usize>,
    /// How they are taken.
    pub examples_from: ExamplesFrom,
    /// Steps or epochs per task.
    pub length: Length,
    /// Examples per step, at least 1.
    pub batch_size: usize,
    /// Order within a task.
    pub order: Order,
    /// Which of the network's answers count.
    pub head: Head,
}

/// Which of the network's logits a task's loss and accuracy see (definitions, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// All of them: one head over all classes (class-incremental).
    Single,
    /// The task's own classes alone, out of one head over all classes.
    Masked,
    /// A head for each task (task-incremental), which no other task's steps touch.
    Multi,
}

/// Which examples are taken of a set larger than `examples`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExamplesFrom {
    /// A draw without replacement, by the run's seed.
    Seed,
    /// The first ones in the file's order.
    First,
}

/// Length of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Optimiser steps.
    Steps(usize),
    /// Passes over the task's training examples.
    Epochs(usize),
}

/// Order of the examples within a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A new order every epoch.
    Reshuffled,
    /// The set's own order, the same every epoch.
    Fixed,
}

/// `[probes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbesPlan {
    /// Probes by name, in the catalogue's order.
    pub names: Vec<String>,
    /// Size of the probe set.
    pub samples: usize,
    /// Whether a freshly initialised network is trained beside this one on every task.
    pub plasticity_gap: bool,
}

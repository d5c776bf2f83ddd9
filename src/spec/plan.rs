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
    /// What is trained on: images, or an environment.
    pub work: Work,
    /// `mlp` with its sizes. An agent's actor, where it has one.
    pub network: Choice,
    /// Activation with its parameters.
    pub activation: Choice,
    /// Optimiser with its parameters.
    pub optimizer: Choice,
    /// Methods against the loss of plasticity, in the order in which they act; empty for the plain optimiser.
    pub methods: Vec<Choice>,
    /// What is measured.
    pub probes: ProbesPlan,
    /// Master seed.
    pub seed: u64,
}

/// What a run trains on.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "one a run")]
pub enum Work {
    /// A stream of supervised tasks: `[data]` and `[stream]`.
    Supervised {
        /// Which images, and how they are scaled.
        data: DataPlan,
        /// The stream of tasks.
        stream: StreamPlan,
    },
    /// An agent in an environment: `[environment]`, `[agent]` and `[stream]`.
    Control(ControlPlan),
    /// A diagnostic whose true values are known: `[diagnostic]`.
    Diagnostic(Choice),
}

/// An agent in an environment that may change from task to task.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlPlan {
    /// The environment of the first task, by name.
    pub environment: String,
    /// Interpreter of environments outside (`python:…`); `None` for the one of `PLASTICITY_PYTHON`, or python3.
    /// Like a machine, it is said in `run.toml` and makes no other run of a plan.
    pub python: Option<String>,
    /// Environment steps for which an action is held, at least 1.
    pub action_repeat: usize,
    /// How the environment changes from task to task (`single`: not at all).
    pub change: Choice,
    /// Number of tasks, at least 1.
    pub tasks: usize,
    /// Environment steps a task, at least 1.
    pub steps: usize,
    /// The agent with its parameters.
    pub agent: Choice,
    /// What the critics have otherwise than the actor.
    pub critic: CriticPlan,
    /// Environment steps between two evaluations, at least 1.
    pub evaluate_every: usize,
    /// Episodes of an evaluation; 0 for none.
    pub evaluation_episodes: usize,
}

/// `[critic]`: what the critics have otherwise than the actor. What is `None` is the actor's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CriticPlan {
    /// `[critic.network]`
    pub network: Option<Choice>,
    /// `[critic.activation]`
    pub activation: Option<Choice>,
    /// `[critic.optimizer]`
    pub optimizer: Option<Choice>,
    /// `[critic.method]`
    pub methods: Option<Vec<Choice>>,
}

impl Plan {
    /// `[data]` of a plan that trains on images.
    ///
    /// # Panics
    /// If it does not train on images.
    #[must_use]
    pub fn data(&self) -> &DataPlan {
        match &self.work {
            Work::Supervised { data, .. } => data,
            Work::Control(_) | Work::Diagnostic(_) => panic!("{} trains on no images", self.name),
        }
    }

    /// `[stream]` of a plan that trains on images.
    ///
    /// # Panics
    /// If it does not train on images.
    #[must_use]
    pub fn stream(&self) -> &StreamPlan {
        match &self.work {
            Work::Supervised { stream, .. } => stream,
            Work::Control(_) | Work::Diagnostic(_) => panic!("{} trains on no images", self.name),
        }
    }

    /// [`Plan::data`], to be changed.
    ///
    /// # Panics
    /// If it does not train on images.
    pub fn data_mut(&mut self) -> &mut DataPlan {
        match &mut self.work {
            Work::Supervised { data, .. } => data,
            Work::Control(_) | Work::Diagnostic(_) => panic!("{} trains on no images", self.name),
        }
    }

    /// [`Plan::stream`], to be changed.
    ///
    /// # Panics
    /// If it does not train on images.
    pub fn stream_mut(&mut self) -> &mut StreamPlan {
        match &mut self.work {
            Work::Supervised { stream, .. } => stream,
            Work::Control(_) | Work::Diagnostic(_) => panic!("{} trains on no images", self.name),
        }
    }

    /// The agent and its environment, if it trains on control.
    #[must_use]
    pub fn control(&self) -> Option<&ControlPlan> {
        match &self.work {
            Work::Control(control) => Some(control),
            Work::Supervised { .. } | Work::Diagnostic(_) => None,
        }
    }

    /// Whether it trains on images.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        matches!(self.work, Work::Supervised { .. })
    }

    /// Number of tasks, at least 1.
    #[must_use]
    pub fn tasks(&self) -> usize {
        match &self.work {
            Work::Supervised { stream, .. } => stream.tasks,
            Work::Control(control) => control.tasks,
            Work::Diagnostic(_) => 1,
        }
    }

    /// Names of the methods, `none` where there is none: `ewc + l2-init`.
    #[must_use]
    pub fn method_names(&self) -> String {
        join_names(&self.methods)
    }

    /// The method of this name, if it is among the plan's.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&Choice> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// The names of composed methods, joined by plus signs; `none` without any.
pub(super) fn join_names(methods: &[Choice]) -> String {
    let names: Vec<&str> = methods.iter().map(|method| method.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" + ") }
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
    /// Whether an epoch's last batch is left out where it is short.
    pub drop_last: bool,
    /// Order within a task.
    pub order: Order,
    /// Which of the network's answers count.
    pub head: Head,
    /// How a task takes over from the one before; `None`: at once.
    pub transition: Option<Transition>,
    /// One epoch in so many has its inputs scaled; `None`: none has.
    pub scaling_shock: Option<usize>,
}

/// A gradual change from one task to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What goes over.
    pub form: TransitionForm,
    /// Steps that it takes, at least 1.
    pub steps: usize,
}

/// What goes over from the task before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionForm {
    /// Whole examples: some rows of a batch are of the task before.
    Mixture,
    /// Labels: some rows of a batch have the label of the task before.
    Labels,
    /// Inputs: every row is a weighted mean of what both tasks show.
    Inputs,
}

/// Which of the network's logits a task's loss and accuracy see (docs/definitions.md, section 3).
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
    /// Whether every task so far is tested after each, where tasks share their classes.
    pub retention: bool,
}

//! Streams of tasks: what a network is asked to learn, one task after the other.
//!
//! A family (one file each) turns a run's examples and its seed into tasks. Any task follows from the
//! seed and its own number alone, so a run that resumes, a fresh reference network and an accuracy
//! matrix can all ask for task 37 without replaying the 36 before it.

mod base;
mod batches;
mod error;
mod export;
mod inputs;
mod permuted_pixels;
mod pool;
mod random_labels;
mod remapped_classes;
mod scaling;
mod shuffled_labels;
mod tensors;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use base::Base;
pub use batches::Batches;
pub use error::{ExportError, TaskError};
pub use export::{Summary, export};
pub use inputs::{Answers, Examples, Inputs};

use crate::data::DataSet;
use crate::spec::{Entry, Plan};

/// A family: its entry in the catalogue and how its stream is made.
struct Family {
    entry: Entry,
    build: fn(&Plan, Base) -> Built,
}

type Built = Result<Box<dyn TaskStream>, TaskError>;

/// Every family. A new one is its file and its line here.
const FAMILIES: &[Family] =
    &[shuffled_labels::FAMILY, random_labels::FAMILY, remapped_classes::FAMILY, permuted_pixels::FAMILY];

/// The catalogue's section `families`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    FAMILIES.iter().map(|family| family.entry).collect()
}

/// The stream of tasks that `plan` asks for, on `data`.
pub fn stream(plan: &Plan, data: Arc<DataSet>) -> Result<Box<dyn TaskStream>, TaskError> {
    let name = &plan.stream.family.name;
    let family = FAMILIES.iter().find(|family| family.entry.name == name).ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.entry.name).collect();
        TaskError::UnknownFamily { name: name.clone(), known: known.join(", ") }
    })?;
    (family.build)(plan, Base::new(plan, data)?)
}

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number, from 0.
    pub index: usize,
    /// What is trained on.
    pub train: Examples,
    /// What is tested on; `None` where the labels are memorised and a test set would mean nothing.
    pub test: Option<Examples>,
    /// Whether the task counts towards the stream's score (`easy-hard` scores every other one).
    pub scored: bool,
}

impl Task {
    /// A scored task without a test set. Families start from this, so that a later field (the classes
    /// that a head may answer with, a task's own length) has its default in one place.
    #[must_use]
    pub fn new(index: usize, train: Examples) -> Self {
        Self { index, train, test: None, scored: true }
    }

    /// The same with a test set.
    #[must_use]
    pub fn with_test(mut self, test: Option<Examples>) -> Self {
        self.test = test;
        self
    }
}

/// A lazy stream of tasks with random access.
pub trait TaskStream: Send + Sync {
    /// What all families share: the run's examples and its seed.
    fn base(&self) -> &Base;

    /// Task number `index`, from the seed and `index` alone.
    fn task(&self, index: usize) -> Task;

    /// The test set of task `index` without its training set: what an accuracy matrix asks for again
    /// and again. The same as `task(index).test`.
    fn test_set(&self, index: usize) -> Option<Examples> {
        let _ = index;
        None
    }

    /// The classes of task `index`, ascending; `None` where every task has all classes.
    fn task_classes(&self, index: usize) -> Option<Arc<[u32]>> {
        let _ = index;
        None
    }

    /// Number of tasks.
    fn tasks(&self) -> usize {
        self.base().tasks()
    }

    /// Width of the network's head.
    fn classes(&self) -> usize {
        self.base().classes()
    }

    /// Channels, height, width of an input.
    fn dims(&self) -> (usize, usize, usize) {
        self.base().dims()
    }

    /// The run's probe set as task `index` presents its inputs: `samples` of the training examples (all
    /// of them, in their own order, where there are no more), the same ones for every task.
    fn probe_inputs(&self, index: usize, samples: usize) -> Inputs {
        let _ = index;
        self.base().probe_inputs(samples)
    }
}

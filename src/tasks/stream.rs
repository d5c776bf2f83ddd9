//! A task, and what a stream of them is asked for.

use std::sync::Arc;

use super::base::Base;
use super::error::TaskError;
use super::inputs::{Examples, Inputs};

/// A stream, or why there is none.
pub type Built = Result<Box<dyn TaskStream>, TaskError>;

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

    /// The test set of task `index`, by families that can without its training set: what an accuracy matrix
    /// asks for again and again.
    fn test_set(&self, index: usize) -> Option<Examples> {
        self.task(index).test
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

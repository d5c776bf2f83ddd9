//! `tasks.csv`: one row a task, which says all about its run, so that files can be laid end to end.

use serde::{Deserialize, Serialize};

use super::{Row, Status};

/// A task of a run. A template with the run's own columns filled in serves all its tasks:
/// `TaskRow { task, steps, ..template.clone() }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Name of the run's folder.
    pub run: String,
    /// The spec's name.
    pub benchmark: String,
    /// Data set.
    pub dataset: String,
    /// Task family.
    pub family: String,
    /// Network with its sizes.
    pub network: String,
    /// Activation.
    pub activation: String,
    /// Constraint on the activation's coefficients, where it has coefficients.
    pub constraint: Option<String>,
    /// Method, or `none`.
    pub method: String,
    /// Optimiser.
    pub optimizer: String,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Master seed.
    pub seed: u64,
    /// Task, from 0.
    pub task: usize,
    /// Done or diverged.
    pub status: Status,
    /// Optimiser steps taken.
    pub steps: usize,
    /// Training examples of the task.
    pub examples: usize,
    /// Mean over steps of the batch accuracy before the step's update, in [0, 1].
    pub online_accuracy: Option<f64>,
    /// The same of the loss, in nats.
    pub online_loss: Option<f64>,
    /// At the task's end, in evaluation mode, over its training examples.
    pub train_accuracy: Option<f64>,
    /// The same of the loss.
    pub train_loss: Option<f64>,
    /// Over its test set, where it has one.
    pub test_accuracy: Option<f64>,
    /// The same of the loss.
    pub test_loss: Option<f64>,
    /// Online accuracy of a freshly initialised network on the same batches.
    pub fresh_online_accuracy: Option<f64>,
    /// `fresh_online_accuracy - online_accuracy`
    pub plasticity_gap: Option<f64>,
    /// Wall-clock seconds from the first probe before the task to the last evaluation after it.
    pub seconds: f64,
    /// `steps / seconds`
    pub steps_per_second: f64,
}

impl Row for TaskRow {
    const FILE: &'static str = "tasks.csv";
}

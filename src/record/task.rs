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
    /// Optimiser steps taken on labelled examples; empty for agents, which have `updates`.
    pub steps: Option<usize>,
    /// Training examples of the task; empty for agents.
    pub examples: Option<usize>,
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
    /// Whether the task counts in the benchmark's score: of `easy-hard`, the hard tasks alone. Unknown in
    /// folders of format 1, which have no such column.
    #[serde(default)]
    pub scored: Option<bool>,
    /// Environment, for agents; the columns from here on are empty for streams of labelled examples.
    #[serde(default)]
    pub environment: Option<String>,
    /// Agent.
    #[serde(default)]
    pub agent: Option<String>,
    /// Environment steps of the task.
    #[serde(default)]
    pub environment_steps: Option<usize>,
    /// Gradient updates that the agent made in them.
    #[serde(default)]
    pub updates: Option<usize>,
    /// Training episodes that ended in the task.
    #[serde(default)]
    pub episodes: Option<usize>,
    /// Mean return of these episodes.
    #[serde(default)]
    pub online_return: Option<f64>,
    /// Mean return of the evaluation at the task's end.
    #[serde(default)]
    pub evaluation_return: Option<f64>,
    /// Loss of the fresh network on the task's training examples after the same batches.
    #[serde(default)]
    pub fresh_train_loss: Option<f64>,
    /// `train_loss - fresh_train_loss`
    #[serde(default)]
    pub loss_gap: Option<f64>,
}

impl TaskRow {
    /// Columns that say in words what the run's plan is. Two builds may word one plan differently: a setting is left
    /// out where it is the default, and defaults change.
    pub const WORDS: [&'static str; 13] = [
        "run",
        "benchmark",
        "dataset",
        "family",
        "network",
        "activation",
        "constraint",
        "method",
        "optimizer",
        "learning_rate",
        "seed",
        "environment",
        "agent",
    ];
}

impl Row for TaskRow {
    const FILE: &'static str = "tasks.csv";
}

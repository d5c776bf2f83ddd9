//! `coefficients.csv`: the learned shapes of trainable activations.

use serde::{Deserialize, Serialize};

use super::{Phase, Row};

/// One effective coefficient (after the constraint's form).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoefficientRow {
    /// Name of the run's folder.
    pub run: String,
    /// Task, from 0.
    pub task: usize,
    /// Before or after training on it.
    pub phase: Phase,
    /// Layer by its name in checkpoints.
    pub layer: String,
    /// Which set of the layer's, from 0 (one per layer, group or unit).
    pub set: usize,
    /// `a0` …, `b1` …
    pub coefficient: String,
    /// Its value.
    pub value: f64,
}

impl Row for CoefficientRow {
    const FILE: &'static str = "coefficients.csv";
}

//! `probes.csv`: what the probes measured.

use serde::{Deserialize, Serialize};

use super::{Phase, Row};

/// One number of one probe on one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRow {
    /// Name of the run's folder.
    pub run: String,
    /// Task, from 0.
    pub task: usize,
    /// Before or after training on it.
    pub phase: Phase,
    /// Layer by its name in checkpoints, or what else was measured.
    pub layer: String,
    /// Units of the layer, d; a rank is at most min(n, d).
    pub units: Option<usize>,
    /// Samples, n.
    pub samples: Option<usize>,
    /// Name of the probe.
    pub probe: String,
    /// What it measured; empty where it is undefined there.
    pub value: Option<f64>,
}

impl Row for ProbeRow {
    const FILE: &'static str = "probes.csv";
}

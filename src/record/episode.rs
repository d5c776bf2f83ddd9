//! `episodes.csv`: one row a training episode.

use serde::{Deserialize, Serialize};

use super::Row;

/// An episode that ended in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeRow {
    /// Name of the run's folder.
    pub run: String,
    /// Task, from 0.
    pub task: usize,
    /// Number of the episode in its task, from 0.
    pub episode: usize,
    /// Environment steps of the run when it ended.
    pub environment_step: usize,
    /// Its decisions.
    pub length: usize,
    /// Sum of its rewards, exploration included.
    pub r#return: f64,
    /// Whether it ended in a state after which nothing follows, and was not cut off.
    pub terminated: bool,
    /// Whether a step of it counts as solved; empty where the environment does not say.
    pub success: Option<bool>,
}

impl Row for EpisodeRow {
    const FILE: &'static str = "episodes.csv";
}

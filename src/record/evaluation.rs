//! `evaluations.csv`: one row an evaluation of an agent.

use serde::{Deserialize, Serialize};

use super::Row;

/// What the mode of a policy earned in an environment of its own, and how right its critics are about the
/// policy as it acts in training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRow {
    /// Name of the run's folder.
    pub run: String,
    /// Task, from 0.
    pub task: usize,
    /// Environment steps of the run so far.
    pub environment_step: usize,
    /// Episodes.
    pub episodes: usize,
    /// Mean of their returns: sums of raw rewards.
    pub return_mean: f64,
    /// The least one.
    pub return_min: f64,
    /// The largest one.
    pub return_max: f64,
    /// The mean on the scale where the least possible return is 0 and the largest 1; empty where these are
    /// not known.
    pub normalized_return: Option<f64>,
    /// Mean of Q(s, a) over critics and pairs of on-policy episodes.
    pub q_mean: Option<f64>,
    /// Mean over the same pairs of what was earned from there on, discounted, entropy included at the
    /// current temperature.
    pub monte_carlo_return: Option<f64>,
    /// `q_mean − monte_carlo_return`
    pub q_bias: Option<f64>,
    /// Mean over pairs of the bias divided by max(|Monte-Carlo return|, 10).
    pub q_bias_normalized: Option<f64>,
    /// Share of pairs and critics with a Q above what any policy can earn.
    pub q_impossible: Option<f64>,
    /// α; empty for agents without entropy.
    pub temperature: Option<f64>,
    /// Mean −log π of the policy's draws on these pairs, in nats; empty likewise.
    pub entropy: Option<f64>,
    /// Share of the episodes with a step that counts as solved; empty where the environment does not say.
    pub success_rate: Option<f64>,
    /// The mean return on the scale where that of uniformly drawn actions is 0 and the largest possible one 1;
    /// empty where these are not known.
    pub floor_normalized_return: Option<f64>,
}

impl Row for EvaluationRow {
    const FILE: &'static str = "evaluations.csv";
}

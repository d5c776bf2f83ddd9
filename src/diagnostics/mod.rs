//! Diagnostics of overestimation whose true values are known in closed form: no environment, no agent, about
//! a second a run. A flexible function that is maximised over actions overestimates; how much depends on the
//! activation and its constraint, and here nothing else is in the way.
//!
//! [`run`] is a pure function of the settings and a seed.

mod overestimation_fit;
mod overestimation_mdp;
mod polynomial;
mod quantiles;
mod regressor;

use crate::nn::NetworkError;
use crate::spec::{Choice, Entry, Plan, Work};

/// Names of all figures, of which each diagnostic has some: see the heads of their files.
pub const FIGURES: &[&str] = &[
    "overestimation",
    "overestimation_max",
    "fit_error",
    "bias_mean",
    "bias_variance",
    "bias_policy",
    "policy_error",
    "policy_value",
];

/// What is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// One of [`entries`] with its parameters.
    pub diagnostic: Choice,
    /// `mlp` with its sizes.
    pub network: Choice,
    /// Activation with its parameters.
    pub activation: Choice,
    /// Optimiser with its parameters.
    pub optimizer: Choice,
    /// Methods against the loss of plasticity, in the order in which they act.
    pub methods: Vec<Choice>,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Names and values, in the order of the diagnostic's description.
    Figures(Vec<(&'static str, f64)>),
    /// A loss or a value left the finite numbers, at this training step of this network.
    Diverged {
        /// Number of the network.
        network: usize,
        /// Number of the step.
        step: usize,
    },
}

impl Outcome {
    /// The figure of this name, if the run has it.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<f64> {
        match self {
            Self::Figures(figures) => figures.iter().find(|(n, _)| *n == name).map(|(_, value)| *value),
            Self::Diverged { .. } => None,
        }
    }
}

/// Why a diagnostic could not be run.
#[derive(Debug, thiserror::Error)]
pub enum DiagnosticError {
    /// The settings do not go together; a sentence.
    #[error("{0}")]
    Settings(String),
    /// The network could not be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// candle refused.
    #[error("the network could not be trained: {0}")]
    Candle(#[from] candle_core::Error),
}

/// Catalogue section `diagnostics`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    vec![overestimation_fit::ENTRY, overestimation_mdp::ENTRY]
}

/// Whether the settings of a plan's diagnostic go together.
///
/// # Errors
/// The sentence that says why not.
pub fn check(plan: &Plan) -> Result<(), String> {
    match &plan.work {
        Work::Diagnostic(choice) if choice.name == overestimation_mdp::ENTRY.name => {
            overestimation_mdp::check(choice)
        }
        _ => Ok(()),
    }
}

/// Runs the diagnostic of `settings` with every draw from `seed`.
///
/// # Errors
/// If the network is no `mlp`, cannot be built, or candle refuses. Divergence is an [`Outcome`].
pub fn run(settings: &Settings, seed: u64) -> Result<Outcome, DiagnosticError> {
    match settings.diagnostic.name.as_str() {
        "overestimation-fit" => overestimation_fit::run(settings, seed),
        "overestimation-mdp" => overestimation_mdp::run(settings, seed),
        other => Err(DiagnosticError::Settings(format!("there is no diagnostic named {other}"))),
    }
}

/// Mean without the smallest and the largest `share` of the values (0 ≤ `share` < ½), as TQC's figure
/// takes it over seeds with a share of 0.1. `None` where there is no value.
#[must_use]
pub fn trimmed_mean(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = (sorted.len() as f64 * share) as usize;
    let kept = sorted.get(cut..sorted.len() - cut)?;
    (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
}

#[cfg(test)]
mod tests;

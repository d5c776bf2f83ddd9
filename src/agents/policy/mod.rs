//! From an actor's outputs to actions, and back for the gradient.
//!
//! Written on slices in both float types: f32 acts and trains, f64 is checked against differences.

mod deterministic;
mod tanh_gaussian;

pub use deterministic::Deterministic;
pub use tanh_gaussian::{LogStd, TanhGaussian, log_density_of_tanh};

use crate::kernels::real::Real;

/// Actions drawn from outputs of an actor.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<T> {
    /// (rows, actions), in ±1.
    pub actions: Vec<T>,
    /// (rows): log π(a | s); 0 for a deterministic policy.
    pub log_probs: Vec<T>,
    /// What the backward pass needs again.
    saved: Vec<T>,
}

/// A head on the actor's network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// tanh of a normal draw.
    TanhGaussian(TanhGaussian),
    /// tanh of the output.
    Deterministic(Deterministic),
}

impl Policy {
    /// Outputs that the actor's network has for so many actions.
    #[must_use]
    pub fn outputs(&self, actions: usize) -> usize {
        match self {
            Self::TanhGaussian(_) => 2 * actions,
            Self::Deterministic(_) => actions,
        }
    }

    /// Whether actions are drawn.
    #[must_use]
    pub fn draws(&self) -> bool {
        matches!(self, Self::TanhGaussian(_))
    }

    /// Actions from `outputs` (rows, outputs) and standard normal `noise` (rows, actions).
    #[must_use]
    pub fn sample<T: Real>(&self, outputs: &[T], noise: &[T], actions: usize) -> Sample<T> {
        match self {
            Self::TanhGaussian(policy) => policy.sample(outputs, noise, actions),
            Self::Deterministic(_) => Deterministic::sample(outputs, actions),
        }
    }

    /// The most likely action before the tanh: what is done in evaluation.
    #[must_use]
    pub fn mode<T: Real>(&self, outputs: &[T], actions: usize) -> Vec<T> {
        let width = self.outputs(actions);
        outputs.chunks_exact(width).flat_map(|row| row[..actions].iter().map(|x| x.tanh())).collect()
    }

    /// dL/doutputs from dL/da (rows, actions) and dL/d log π (the same for every row).
    #[must_use]
    pub fn backward<T: Real>(
        &self,
        sample: &Sample<T>,
        outputs: &[T],
        noise: &[T],
        d_actions: &[T],
        d_log_prob: T,
    ) -> Vec<T> {
        match self {
            Self::TanhGaussian(policy) => policy.backward(sample, outputs, noise, d_actions, d_log_prob),
            Self::Deterministic(_) => Deterministic::backward(sample, d_actions),
        }
    }
}

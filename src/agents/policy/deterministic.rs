//! A deterministic policy: a = tanh(output). Silver et al. 2014; Lillicrap et al. 2016, arXiv 1509.02971.

use super::Sample;
use crate::kernels::real::Real;

/// The head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deterministic;

impl Deterministic {
    pub(super) fn sample<T: Real>(outputs: &[T], actions: usize) -> Sample<T> {
        let rows = outputs.len() / actions;
        let tanh = outputs.iter().map(|x| x.tanh()).collect();
        Sample { actions: tanh, log_probs: vec![T::ZERO; rows], saved: Vec::new() }
    }

    pub(super) fn backward<T: Real>(sample: &Sample<T>, d_actions: &[T]) -> Vec<T> {
        let slope = |(&a, &d): (&T, &T)| d * (T::ONE - a) * (T::ONE + a);
        sample.actions.iter().zip(d_actions).map(slope).collect()
    }
}

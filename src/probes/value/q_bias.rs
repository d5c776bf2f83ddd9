//! Bias of Q: what critics say of on-policy pairs less what was earned from there on (van Hasselt et al.
//! 2016; Fujimoto et al. 2018; normalised as in REDQ, Chen et al. 2021, arXiv 2101.05982).
//!
//! Two returns are compared with, since a soft Q holds entropy too: `q_bias` against the return with
//! entropies of all later steps at the current temperature, `q_bias_hard` against rewards alone.

use super::{Rollout, Scene, ValueError, ValueMeasurement, mean};
use crate::agents::Beliefs;
use crate::agents::combine::Combine;
use crate::spec::Entry;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "q_bias",
    summary: "Q less the discounted return that followed, on pairs of on-policy episodes: with entropies (q_bias) \
              and without (q_bias_hard), also divided by max(|return|, 10) (…_normalized); of every critic, \
              their least and their mean",
    source: "van Hasselt et al. 2016, arXiv 1509.06461; Chen et al. 2021, arXiv 2101.05982",
    parameters: &[],
};

/// Bias of one estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bias {
    /// Mean of Q.
    pub q_mean: f64,
    /// Mean of Q − G.
    pub bias: f64,
    /// Standard deviation of Q − G over pairs.
    pub spread: f64,
    /// Mean of (Q − G)/max(|G|, 10).
    pub normalized: f64,
}

/// Of the values `q` against the returns `g`.
#[must_use]
pub fn bias(q: &[f32], g: &[f64]) -> Bias {
    let differences: Vec<f64> = q.iter().zip(g).map(|(&q, g)| f64::from(q) - g).collect();
    let bias = mean(differences.iter().copied());
    let normalized = mean(differences.iter().zip(g).map(|(d, g)| d / g.abs().max(10.0)));
    let spread = mean(differences.iter().map(|d| (d - bias) * (d - bias))).sqrt();
    Bias { q_mean: mean(q.iter().map(|&q| f64::from(q))), bias, spread, normalized }
}

/// What is looked at: every critic, then, where there are several, the least and the mean of all.
pub(super) fn estimates(critics: Vec<Vec<f32>>) -> Vec<(String, Vec<f32>)> {
    let (least, middle) = (Combine::Min.values(&critics), Combine::Mean.values(&critics));
    let several = critics.len() > 1;
    let mut all: Vec<(String, Vec<f32>)> =
        critics.into_iter().enumerate().map(|(i, q)| (format!("critic{}", i + 1), q)).collect();
    if several {
        all.extend([("min".to_owned(), least), ("mean".to_owned(), middle)]);
    }
    all
}

/// Against the soft return: every critic, then the least and the mean of all where there are several.
///
/// # Errors
/// If candle refuses an operation.
pub fn biases(agent: &dyn Beliefs, rollout: &Rollout) -> Result<Vec<(String, Bias)>, ValueError> {
    let all = estimates(agent.q(&rollout.states, &rollout.actions)?);
    Ok(all.into_iter().map(|(of, q)| (of, bias(&q, &rollout.soft))).collect())
}

/// Rows `q_mean`, `q_bias`, `q_bias_std`, `q_bias_normalized`, `q_bias_hard`, `q_bias_hard_normalized`.
pub(super) fn measure(scene: &mut Scene<'_>) -> Result<Vec<ValueMeasurement>, ValueError> {
    let Scene { agent, rollout, .. } = *scene;
    let mut rows = Vec::new();
    for (of, q) in estimates(agent.q(&rollout.states, &rollout.actions)?) {
        let (soft, hard) = (bias(&q, &rollout.soft), bias(&q, &rollout.hard));
        for (probe, value) in [
            ("q_mean", soft.q_mean),
            ("q_bias", soft.bias),
            ("q_bias_std", soft.spread),
            ("q_bias_normalized", soft.normalized),
            ("q_bias_hard", hard.bias),
            ("q_bias_hard_normalized", hard.normalized),
        ] {
            rows.push(ValueMeasurement { of: of.clone(), probe, value, samples: rollout.pairs });
        }
    }
    Ok(rows)
}

//! `overestimation-mdp`: the decision process with one state of TQC, whose values are known exactly.
//!
//! One state, actions a ∈ [−1, 1], reward f(a) + N(0, noise²) with
//! f(a) = (0.3 + 0.6 (a + 1)/2) cos 5a. The data are `actions` places of an even grid with one noisy reward
//! each. Networks Q₁ … `Q_N` learn r + γ Q(`a_π`) by full-batch steps, where Q is their mean or least value and
//! `a_π` the action of a grid of step 0.001 at which Q is largest. The policy's true value is
//! Q^π(a) = f(a) + γ/(1 − γ) f(`a_π`).
//!
//! Figures: `bias_mean` and `bias_variance` of Δ(a) = Q(a) − Q^π(a) over 2000 draws of a ~ U(−1, 1);
//! `policy_error` = |a* − `a_π`| with a* = 0.01974; `bias_policy` = Δ(`a_π`), the overestimation at the maximum;
//! `policy_value`, the true Q^π(`a_π`), of which 60.2973 is the largest possible at γ = 0.99.

use super::regressor::{Regressor, column};
use super::{DiagnosticError, Outcome, Settings};
use crate::random::Stream;
use crate::spec::{Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "overestimation-mdp",
    summary: "Q(a) - true Q(a) in a decision process of one state, r = (0.3 + 0.3 (a + 1)) cos 5a + noise",
    source: "Kuznetsov et al. 2020 (TQC), arXiv 2005.04269, the single-state MDP",
    parameters: &[
        Parameter {
            name: "critics",
            summary: "networks",
            kind: Kind::Integer { default: Some(1), min: 1, max: 100 },
        },
        Parameter {
            name: "combine",
            summary: "how several critics are one value: TQC's AVG(N) or MIN(N)",
            kind: Kind::Text { default: Some("mean"), one_of: &["mean", "min"] },
        },
        Parameter {
            name: "steps",
            summary: "full-batch training steps",
            kind: Kind::Integer { default: Some(3000), min: 1, max: 10_000_000 },
        },
        Parameter {
            name: "actions",
            summary: "actions whose reward is seen, once each",
            kind: Kind::Integer { default: Some(50), min: 2, max: 100_000 },
        },
        Parameter {
            name: "noise",
            summary: "standard deviation of the rewards",
            kind: Kind::Number { default: Some(0.25), min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "discount",
            summary: "gamma",
            kind: Kind::Number { default: Some(0.99), min: 0.0, max: 0.999_999 },
        },
    ],
};

/// The action of the largest true value.
const BEST: f64 = 0.019_74;
/// The policy looks at ±1 in steps of 0.001.
const POLICY_GRID: usize = 2001;
/// Actions at which the bias is measured.
const MEASURED: usize = 2000;

/// Expected reward.
fn reward(a: f64) -> f64 {
    (0.3 + 0.6 * (a + 1.0) / 2.0) * libm::cos(5.0 * a)
}

/// `n` even places from −1 to 1.
fn even(n: usize) -> Vec<f64> {
    (0..n).map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64).collect()
}

/// The networks as one value.
struct Critics {
    networks: Vec<Regressor>,
    least: bool,
}

impl Critics {
    fn values(&self, inputs: &candle_core::Tensor) -> Result<Vec<f64>, DiagnosticError> {
        let mut values = self.networks[0].values(inputs)?;
        for network in &self.networks[1..] {
            for (value, other) in values.iter_mut().zip(network.values(inputs)?) {
                // Not `min`, which would lose a NaN.
                *value = if !self.least {
                    *value + other
                } else if other < *value {
                    other
                } else {
                    *value
                };
            }
        }
        let count = if self.least { 1.0 } else { self.networks.len() as f64 };
        Ok(values.into_iter().map(|value| value / count).collect())
    }
}

/// Number of the largest value, the first of equals.
fn argmax(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// The run, as [`super::run`].
pub fn run(settings: &Settings, seed: u64) -> Result<Outcome, DiagnosticError> {
    let choice = &settings.diagnostic;
    let count = choice.integer("critics") as usize;
    let (noise, discount) = (choice.number("noise"), choice.number("discount"));
    let networks = (0..count).map(|i| Regressor::new(settings, seed, i)).collect::<Result<_, _>>()?;
    let mut critics = Critics { networks, least: choice.text("combine") == "min" };

    let mut data = Stream::new(seed, "data", 0);
    let seen = even(choice.integer("actions") as usize);
    let rewards: Vec<f64> = seen.iter().map(|&a| reward(a) + noise * data.normal()).collect();
    let inputs = column(&seen)?;
    let policy = even(POLICY_GRID);
    let policy_inputs = column(&policy)?;

    let steps = choice.integer("steps") as usize;
    for step in 0..steps {
        let values = critics.values(&policy_inputs)?;
        let next = values[argmax(&values)];
        let targets: Vec<f64> = rewards.iter().map(|r| r + discount * next).collect();
        let targets = column(&targets)?;
        for (network, critic) in critics.networks.iter_mut().enumerate() {
            if !critic.step(&inputs, &targets)?.is_finite() {
                return Ok(Outcome::Diverged { network, step });
            }
        }
    }

    let values = critics.values(&policy_inputs)?;
    let chosen = argmax(&values);
    let action = policy[chosen];
    let after = discount / (1.0 - discount) * reward(action);
    let mut draws = Stream::new(seed, "probes", 0);
    let measured: Vec<f64> = (0..MEASURED).map(|_| draws.uniform(-1.0, 1.0)).collect();
    let estimates = critics.values(&column(&measured)?)?;
    let bias: Vec<f64> = estimates.iter().zip(&measured).map(|(q, &a)| q - reward(a) - after).collect();
    let mean = bias.iter().sum::<f64>() / bias.len() as f64;
    let variance = bias.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / bias.len() as f64;
    if !mean.is_finite() || !variance.is_finite() || !values[chosen].is_finite() {
        return Ok(Outcome::Diverged { network: 0, step: steps });
    }
    let policy_value = reward(action) + after;
    Ok(Outcome::Figures(vec![
        ("bias_mean", mean),
        ("bias_variance", variance),
        ("policy_error", (BEST - action).abs()),
        ("bias_policy", values[chosen] - policy_value),
        ("policy_value", policy_value),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of the text: a* = 0.01974, f* = 0.602973.
    #[test]
    fn the_best_action_is_the_known_one() {
        let fine = even(200_001);
        let values: Vec<f64> = fine.iter().map(|&a| reward(a)).collect();
        let best = argmax(&values);
        assert!((fine[best] - BEST).abs() < 1e-5, "{}", fine[best]);
        assert!((values[best] - 0.602_973).abs() < 1e-6, "{}", values[best]);
    }
}

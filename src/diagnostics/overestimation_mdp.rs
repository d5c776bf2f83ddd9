//! `overestimation-mdp`: the decision process with one state of TQC, whose values are known exactly.
//!
//! One state, actions a ∈ [−1, 1], reward f(a) + N(0, noise²) with
//! f(a) = (0.3 + 0.6 (a + 1)/2) cos 5a. The data are `actions` places of an even grid with one noisy reward
//! each. Networks Q₁ … `Q_N` learn r + γ Q(`a_π`) by full-batch steps, where Q is their mean or least value and
//! `a_π` the action of a grid of step 0.001 at which Q is largest. The policy's true value is
//! Q^π(a) = f(a) + γ/(1 − γ) f(`a_π`).
//!
//! With `combine = "truncated"` each network says `atoms` quantiles of the return, and learns r + γ z for the
//! atoms z of all networks at `a_π` together but the largest, `dropped` a network ([`super::quantiles`]). Q is
//! the mean of all atoms, for the policy and for the figures: truncation is in the targets alone.
//!
//! Figures: `bias_mean` and `bias_variance` of Δ(a) = Q(a) − Q^π(a) over 2000 draws of a ~ U(−1, 1);
//! `policy_error` = |a* − `a_π`| with a* = 0.01974; `bias_policy` = Δ(`a_π`), the overestimation at the maximum;
//! `policy_value`, the true Q^π(`a_π`), of which 60.2973 is the largest possible at γ = 0.99.

use candle_core::Tensor;

use super::quantiles::{huber, truncated};
use super::regressor::{Regressor, column};
use super::{DiagnosticError, Outcome, Settings};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter};

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
            summary: "how several critics are one value: TQC's AVG(N), MIN(N), or its own mixture without the largest atoms",
            kind: Kind::Text { default: Some("mean"), one_of: &["mean", "min", "truncated"] },
        },
        // Without defaults: the plans of the other two stay what they were.
        Parameter {
            name: "atoms",
            summary: "with truncated: quantiles that each network says; TQC's text has 25",
            kind: Kind::Integer { default: None, min: 1, max: 1000 },
        },
        Parameter {
            name: "dropped",
            summary: "with truncated: largest atoms that targets leave out, a network; below atoms",
            kind: Kind::Integer { default: None, min: 0, max: 999 },
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

/// How the networks are one value.
#[derive(Clone, Copy)]
enum Combine {
    Mean,
    Least,
    /// Largest atoms that targets leave out, a network.
    Truncated {
        dropped: usize,
    },
}

impl Combine {
    /// With the number of outputs that each network needs.
    fn of(choice: &Choice) -> (Self, usize) {
        match choice.text("combine") {
            "min" => (Self::Least, 1),
            "truncated" => {
                let count = |key| choice.integer(key) as usize;
                (Self::Truncated { dropped: count("dropped") }, count("atoms"))
            }
            _ => (Self::Mean, 1),
        }
    }

    /// One value of an action, of all networks' outputs there.
    fn value(self, outputs: impl Iterator<Item = f64> + Clone) -> f64 {
        match self {
            // Not `min`, which would lose a NaN.
            Self::Least => outputs.reduce(|a, b| if b < a || b.is_nan() { b } else { a }).unwrap_or(f64::NAN),
            Self::Mean | Self::Truncated { .. } => {
                let (sum, count) = outputs.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
                sum / count
            }
        }
    }
}

struct Critics {
    networks: Vec<Regressor>,
    outputs: usize,
    combine: Combine,
}

impl Critics {
    /// What each network says of each action, one output after the other.
    fn outputs(&self, inputs: &Tensor) -> Result<Vec<Vec<f64>>, DiagnosticError> {
        self.networks.iter().map(|network| network.values(inputs)).collect()
    }

    /// One network's outputs for an action.
    fn of<'a>(&self, network: &'a [f64], action: usize) -> &'a [f64] {
        &network[action * self.outputs..][..self.outputs]
    }

    /// One value of each action.
    fn combined(&self, outputs: &[Vec<f64>]) -> Vec<f64> {
        let actions = outputs[0].len() / self.outputs;
        let all = |action| outputs.iter().flat_map(move |network| self.of(network, action)).copied();
        (0..actions).map(|action| self.combine.value(all(action))).collect()
    }

    /// One step of every network to `rewards` and what follows by the outputs at the policy's actions, of which
    /// the best is taken; the number of a network whose loss is no number, if one is not.
    fn step(
        &mut self,
        inputs: &Tensor,
        rewards: &[f64],
        discount: f64,
        policy: &Tensor,
    ) -> Result<Option<usize>, DiagnosticError> {
        let outputs = self.outputs(policy)?;
        let values = self.combined(&outputs);
        let best = argmax(&values);
        if let Combine::Truncated { dropped } = self.combine {
            let there: Vec<Vec<f64>> =
                outputs.iter().map(|network| self.of(network, best).to_vec()).collect();
            let atoms = truncated(&there, dropped);
            let mut targets = atoms.clone();
            for (number, network) in self.networks.iter_mut().enumerate() {
                let loss = network.step_by(inputs, |row, outputs, slopes| {
                    for (target, atom) in targets.iter_mut().zip(&atoms) {
                        *target = rewards[row] + discount * atom;
                    }
                    huber(outputs, &targets, slopes)
                })?;
                if !loss.is_finite() {
                    return Ok(Some(number));
                }
            }
            return Ok(None);
        }
        let targets: Vec<f64> = rewards.iter().map(|r| r + discount * values[best]).collect();
        let targets = column(&targets)?;
        for (number, network) in self.networks.iter_mut().enumerate() {
            if !network.step(inputs, &targets)?.is_finite() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

/// Number of the largest value, the first of equals.
fn argmax(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Whether the settings go together.
///
/// # Errors
/// The sentence that says why not.
pub fn check(choice: &Choice) -> Result<(), String> {
    let count = |key: &str| choice.get(key).map(|_| choice.integer(key));
    match (choice.text("combine"), count("atoms"), count("dropped")) {
        ("truncated", Some(atoms), Some(dropped)) if dropped < atoms => Ok(()),
        ("truncated", Some(atoms), Some(dropped)) => Err(format!(
            "diagnostic.dropped = {dropped} leaves nothing of diagnostic.atoms = {atoms}: drop fewer than there are"
        )),
        ("truncated", ..) => {
            Err("diagnostic.combine = \"truncated\" needs the number of atoms a network and of \
                                  those that targets leave out, as in atoms = 25, dropped = 2"
                .to_owned())
        }
        (_, None, None) => Ok(()),
        (other, ..) => Err(format!(
            "diagnostic.atoms and diagnostic.dropped belong to combine = \"truncated\", and it is \"{other}\": leave \
             them out"
        )),
    }
}

/// The run, as [`super::run`].
pub fn run(settings: &Settings, seed: u64) -> Result<Outcome, DiagnosticError> {
    let choice = &settings.diagnostic;
    check(choice).map_err(DiagnosticError::Settings)?;
    let count = choice.integer("critics") as usize;
    let (noise, discount) = (choice.number("noise"), choice.number("discount"));
    let (combine, outputs) = Combine::of(choice);
    let networks =
        (0..count).map(|i| Regressor::new(settings, seed, i, outputs)).collect::<Result<_, _>>()?;
    let mut critics = Critics { networks, outputs, combine };

    let mut data = Stream::new(seed, "data", 0);
    let seen = even(choice.integer("actions") as usize);
    let rewards: Vec<f64> = seen.iter().map(|&a| reward(a) + noise * data.normal()).collect();
    let inputs = column(&seen)?;
    let policy = even(POLICY_GRID);
    let policy_inputs = column(&policy)?;

    let steps = choice.integer("steps") as usize;
    for step in 0..steps {
        if let Some(network) = critics.step(&inputs, &rewards, discount, &policy_inputs)? {
            return Ok(Outcome::Diverged { network, step });
        }
    }

    let values = critics.combined(&critics.outputs(&policy_inputs)?);
    let chosen = argmax(&values);
    let action = policy[chosen];
    let after = discount / (1.0 - discount) * reward(action);
    let mut draws = Stream::new(seed, "probes", 0);
    let measured: Vec<f64> = (0..MEASURED).map(|_| draws.uniform(-1.0, 1.0)).collect();
    let estimates = critics.combined(&critics.outputs(&column(&measured)?)?);
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

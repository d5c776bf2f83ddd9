//! A trained pick among fixed activations: `y = Σ w_k f_k(z)` with one logit `l_k` a function, the same for every
//! unit and input of the layer.
//!
//! In training w = softmax((l + g)/τ) with Gumbel noise `g_k = -ln(-ln u_k)`, drawn once a pass; in evaluation w is
//! 1 for the largest logit (the first of equals) and 0 elsewhere. Flex-Act (arXiv 2601.06441) picks activations by
//! Gumbel-softmax; only its abstract could be had, so this is *a* mixture of that kind (Jang et al. 2017, arXiv
//! 1611.01144), not theirs. Set and schedule are this suite's.
//!
//! With `estimator = "straight-through"` a training pass too puts out one function, that of the largest w, and its
//! gradients are what `PyTorch`'s `gumbel_softmax(hard=True)` makes of it: those by z through the function that was
//! picked, those by the logits through the soft weights, `dy/dl_j = Σ_k f_k(z) dw_k/dl_j`.
//!
//! τ falls geometrically from `temperature` to `temperature_last` over `anneal_steps` optimiser steps and stays
//! there. The steps are counted among the coefficients, so a run that resumes goes on with the same τ.
//! coefficients.csv has the logits, τ and the number of the function that evaluation picks (from 0).

use std::sync::Arc;

use super::{Activation, CoefficientRule, Coefficients, elu, gelu, identity, leaky_relu, relu, swish, tanh};
use crate::kernels::element::{ElementKernel, Gradients, Kernel, Mode, Saved};
use crate::kernels::storage::Slices;
use crate::spec::{Choice, Entry, Kind, Parameter, Value};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "mixture",
    summary: "softmax-weighted sum of fixed activations, with Gumbel noise in training; the largest logit's in evaluation",
    source: "after Jang et al. 2017, arXiv 1611.01144; the idea of Flex-Act, arXiv 2601.06441, in this suite's form",
    parameters: &[
        Parameter {
            name: "set",
            summary: "smooth: tanh, swish, gelu, identity; common: relu, leaky_relu, elu, gelu, swish, tanh",
            kind: Kind::Text { default: Some("common"), one_of: &["common", "smooth"] },
        },
        Parameter { name: "temperature", summary: "τ at the start", kind: TEMPERATURE },
        Parameter {
            name: "temperature_last",
            summary: "τ after anneal_steps",
            kind: Kind::Number { default: Some(0.1), min: 1e-3, max: 1e3 },
        },
        Parameter {
            name: "anneal_steps",
            summary: "optimiser steps over which τ falls",
            kind: Kind::Integer { default: Some(10_000), min: 1, max: MOST_STEPS },
        },
        Parameter {
            name: "estimator",
            summary: "soft: the weighted sum; straight-through: one function forward, gradients of the weights; soft if absent",
            kind: Kind::Text { default: None, one_of: &["soft", "straight-through"] },
        },
        Parameter {
            name: "learning_rate",
            summary: "of the logits; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
    ],
};

const TEMPERATURE: Kind = Kind::Number { default: Some(1.0), min: 1e-3, max: 1e3 };
/// Integers up to here are f32s.
const MOST_STEPS: i64 = 1 << 24;
/// Coefficients behind the logits: steps taken, and a place for the pick.
const BEHIND: usize = 2;

/// How τ falls.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    first: f64,
    last: f64,
    steps: f64,
}

impl Schedule {
    /// τ after so many steps, a whole number but for what an optimiser's rounding leaves.
    fn temperature(self, taken: f64) -> f64 {
        let share = (taken.round() / self.steps).clamp(0.0, 1.0);
        self.first * libm::pow(self.last / self.first, share)
    }
}

struct Mixture {
    members: Vec<Arc<dyn Kernel>>,
    schedule: Schedule,
    /// Whether a training pass puts out one function.
    straight: bool,
}

/// 1 in the place of the largest number, 0 elsewhere.
fn one_hot(values: &[f64]) -> Vec<f64> {
    let pick = largest(values);
    (0..values.len()).map(|k| f64::from(u8::from(k == pick))).collect()
}

impl Mixture {
    fn weights<T: Slices>(&self, coefficients: &[T], mode: &mut Mode<'_>) -> Vec<f64> {
        let logits: Vec<f64> = coefficients[..self.members.len()].iter().map(|l| l.wide()).collect();
        let Mode::Train(stream) = mode else {
            return one_hot(&logits);
        };
        let temperature = self.schedule.temperature(coefficients[self.members.len()].wide());
        let noisy: Vec<f64> =
            logits.iter().map(|logit| (logit - libm::log(-libm::log(stream.unit()))) / temperature).collect();
        let most = noisy.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = noisy.iter().map(|x| libm::exp(x - most)).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }

    /// What the functions are multiplied by where the weights are these.
    fn factors<T: Slices>(&self, weights: &[T]) -> Vec<T> {
        if !self.straight {
            return weights.to_vec();
        }
        one_hot(&weights.iter().map(|w| w.wide()).collect::<Vec<_>>()).into_iter().map(T::of).collect()
    }
}

/// The place of the largest, the first of equals.
fn largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, k| if values[k] > values[best] { k } else { best })
}

impl<T: Slices> ElementKernel<T> for Mixture {
    fn forward(
        &self,
        coefficients: &[T],
        inputs: usize,
        z: &[T],
        y: &mut [T],
        saved: &mut Vec<T>,
        mode: &mut Mode<'_>,
    ) {
        if saved.is_empty() {
            // Rounded to T first: the backward pass reads them back.
            saved.extend(self.weights(coefficients, mode).into_iter().map(T::of));
        }
        y.fill(T::ZERO);
        let mut part = vec![T::ZERO; z.len()];
        let factors = self.factors(saved);
        for (member, weight) in self.members.iter().zip(factors).filter(|(_, w)| *w != T::ZERO) {
            T::kernel(&**member).forward(&[], inputs, z, &mut part, &mut Vec::new(), &mut Mode::Evaluate);
            y.iter_mut().zip(&part).for_each(|(y, &f)| *y += weight * f);
        }
    }

    fn backward(
        &self,
        coefficients: &[T],
        inputs: usize,
        saved: Saved<'_, T>,
        dy: &[T],
        gradients: Gradients<'_, T>,
    ) {
        let (Saved { z, extra: weights, .. }, Gradients { dz, d_coefficients }) = (saved, gradients);
        dz.fill(T::ZERO);
        let (mut value, mut slope) = (vec![T::ZERO; z.len()], vec![T::ZERO; z.len()]);
        let mut by_weight = vec![0.0; self.members.len()];
        let factors = self.factors(weights);
        let members = self.members.iter().zip(weights).zip(factors);
        for (((member, &weight), factor), by_weight) in members.zip(&mut by_weight) {
            if weight == T::ZERO {
                continue;
            }
            let kernel = T::kernel(&**member);
            kernel.forward(&[], inputs, z, &mut value, &mut Vec::new(), &mut Mode::Evaluate);
            let saved = Saved { z, y: &value, extra: &[] };
            if factor != T::ZERO {
                kernel.backward(
                    &[],
                    inputs,
                    saved,
                    dy,
                    Gradients { dz: &mut slope, d_coefficients: &mut [] },
                );
                dz.iter_mut().zip(&slope).for_each(|(dz, &d)| *dz += factor * d);
            }
            *by_weight = dy.iter().zip(&value).map(|(d, f)| d.wide() * f.wide()).sum();
        }
        // dw_k/dl_j = w_k (δ_kj - w_j)/τ; a weight of 0 has no share in it.
        let temperature = self.schedule.temperature(coefficients[self.members.len()].wide());
        let mean: f64 = weights.iter().zip(&by_weight).map(|(w, d)| w.wide() * d).sum();
        for ((to, weight), by_weight) in d_coefficients.iter_mut().zip(weights).zip(by_weight) {
            *to += T::of(weight.wide() * (by_weight - mean) / temperature);
        }
    }
}

/// Counts the steps.
struct MixtureRule {
    functions: usize,
    schedule: Schedule,
}

impl CoefficientRule for MixtureRule {
    fn project(&self, values: &mut [f32]) {
        let taken = &mut values[self.functions];
        *taken = (taken.round() + 1.0).clamp(0.0, MOST_STEPS as f32);
    }

    fn effective(&self, values: &[f32]) -> Vec<f64> {
        let mut shown: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        let pick = largest(&shown[..self.functions]);
        shown[self.functions] = self.schedule.temperature(shown[self.functions]);
        shown[self.functions + 1] = pick as f64;
        shown
    }
}

/// An entry, and how its activation is built.
type Function = (Entry, fn(&Choice, usize) -> Activation);

/// Everything that a set may pick from.
const FUNCTIONS: [Function; 7] = [
    (relu::ENTRY, relu::build),
    (leaky_relu::ENTRY, leaky_relu::build),
    (elu::ENTRY, elu::build),
    (gelu::ENTRY, gelu::build),
    (swish::ENTRY, swish::build),
    (tanh::ENTRY, tanh::build),
    (identity::ENTRY, identity::build),
];

/// The functions of a set, by name.
fn members(set: &str) -> Vec<(&'static str, Arc<dyn Kernel>)> {
    let names: &[&str] = match set {
        "smooth" => &["tanh", "swish", "gelu", "identity"],
        _ => &["relu", "leaky_relu", "elu", "gelu", "swish", "tanh"],
    };
    let member = |name: &&str| {
        let (entry, build) =
            FUNCTIONS.iter().find(|(entry, _)| entry.name == *name).expect("one of the list");
        (entry.name, build(&Choice::of(entry), 1).kernel)
    };
    names.iter().map(member).collect()
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Activation {
    let (names, members): (Vec<_>, Vec<_>) = members(choice.text("set")).into_iter().unzip();
    let schedule = Schedule {
        first: choice.number("temperature"),
        last: choice.number("temperature_last"),
        steps: choice.integer("anneal_steps") as f64,
    };
    let straight = matches!(choice.get("estimator"), Some(Value::Text(word)) if word == "straight-through");
    let functions = names.len();
    let logits = names.iter().map(|name| format!("logit_{name}"));
    Activation {
        kernel: Arc::new(Mixture { members, schedule, straight }),
        expansion: 1,
        coefficients: Some(Coefficients {
            start: vec![0.0; functions + BEHIND],
            names: logits.chain(["temperature".to_owned(), "pick".to_owned()]).collect(),
            learning_rate: choice.optional_number("learning_rate"),
            // The count of steps must not decay.
            weight_decay: Some(0.0),
            network_wide: false,
            map: Vec::new(),
            rule: Arc::new(MixtureRule { functions, schedule }),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Both passes at τ = 1 against `PyTorch`, with its noise: `tests/reference/mixture_straight.py`.
    #[test]
    fn straight_through_gradients_are_those_of_gumbel_softmax_hard() {
        let mut choice = Choice::of(&ENTRY);
        choice.parameters.insert("set".into(), Value::Text("smooth".into()));
        choice.parameters.insert("estimator".into(), Value::Text("straight-through".into()));
        let kernel = build(&choice, 1).kernel;
        let kernel: &dyn ElementKernel<f64> = &*kernel;
        let text = include_str!("../../../tests/reference/mixture_straight.csv");
        let (mut cases, mut picks) = (0, std::collections::BTreeSet::new());
        for line in text.lines().skip(2) {
            let rows: Vec<Vec<f64>> =
                line.split(',').map(|list| list.split(' ').map(|x| x.parse().unwrap()).collect()).collect();
            let [logits, noise, z, dy, y, dz, d_logits] = &rows[..] else { panic!("seven lists") };
            let coefficients = [&logits[..], &[0.0, 0.0]].concat();
            // The weights of this noise, where the pass would draw its own.
            let powers: Vec<f64> = logits.iter().zip(noise).map(|(l, g)| (l + g).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let mut saved: Vec<f64> = powers.iter().map(|p| p / sum).collect();
            picks.insert(largest(&saved));
            let mut ours = vec![0.0; z.len()];
            let mut stream = Stream::new(0, "test", 0);
            kernel.forward(&coefficients, 1, z, &mut ours, &mut saved, &mut Mode::Train(&mut stream));
            let (mut by_z, mut by_coefficients) = (vec![0.0; z.len()], vec![0.0; 6]);
            let gradients = Gradients { dz: &mut by_z, d_coefficients: &mut by_coefficients };
            kernel.backward(&coefficients, 1, Saved { z, y: &ours, extra: &saved }, dy, gradients);
            for (ours, theirs) in [(&ours[..], &y[..]), (&by_z, dz), (&by_coefficients[..4], d_logits)] {
                assert!(ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-12), "{ours:?} {theirs:?}");
            }
            assert!(d_logits.iter().all(|d| d.abs() > 1e-3));
            cases += 1;
        }
        assert!(cases == 4 && picks.len() > 1, "{cases} {picks:?}");
    }

    fn built(set: &str) -> Activation {
        let mut choice = Choice::of(&ENTRY);
        choice.parameters.insert("set".into(), crate::spec::Value::Text(set.into()));
        build(&choice, 1)
    }

    fn forward(kernel: &dyn Kernel, coefficients: &[f64], z: f64, mode: &mut Mode<'_>) -> (f64, Vec<f64>) {
        let (mut y, mut saved) = ([0.0], Vec::new());
        ElementKernel::<f64>::forward(kernel, coefficients, 1, &[z], &mut y, &mut saved, mode);
        (y[0], saved)
    }

    #[test]
    fn evaluation_picks_the_largest_logit_and_the_first_of_equals() {
        let activation = built("smooth");
        for (logits, expected) in [
            ([0.0, 0.0, 0.0, 0.0], libm::tanh(0.7)),
            ([0.0, 2.0, 1.0, 2.0], 0.7 / (1.0 + libm::exp(-0.7))),
            ([-5.0, -4.0, -3.0, -2.0], 0.7),
        ] {
            let coefficients = [&logits[..], &[3.0, 0.0]].concat();
            let (y, _) = forward(&*activation.kernel, &coefficients, 0.7, &mut Mode::Evaluate);
            assert!((y - expected).abs() < 1e-15, "{logits:?}: {y}");
        }
    }

    /// The pick of arg max (l + g) is k with probability `softmax(l)_k`, whatever τ (Gumbel's trick), and the weights
    /// sum to 1.
    #[test]
    fn the_largest_weight_is_drawn_by_the_softmax_of_the_logits() {
        let activation = built("smooth");
        let logits = [0.5, -0.5, 1.0, 0.0];
        let coefficients = [&logits[..], &[0.0, 0.0]].concat();
        let mut counts = [0u32; 4];
        let mut stream = Stream::new(0, "test", 0);
        for _ in 0..20_000 {
            let (y, weights) =
                forward(&*activation.kernel, &coefficients, 0.7, &mut Mode::Train(&mut stream));
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let values = [0.604_367_777_117_163_6, 0.467_731_440_517_716_26, 0.530_625_443_443_848_9, 0.7];
            let expected: f64 = weights.iter().zip(values).map(|(w, f)| w * f).sum();
            assert!((y - expected).abs() < 1e-12, "{y} {expected}");
            counts[largest(&weights)] += 1;
        }
        let sum: f64 = logits.iter().map(|l: &f64| l.exp()).sum();
        for (count, logit) in counts.iter().zip(logits) {
            let share = logit.exp() / sum;
            // Five deviations of a binomial.
            let spread = 5.0 * (20_000.0 * share * (1.0 - share)).sqrt();
            assert!((f64::from(*count) - 20_000.0 * share).abs() < spread, "{counts:?}");
        }
    }

    #[test]
    fn a_low_temperature_makes_a_pick_of_the_weights_and_steps_lower_it() {
        let activation = built("common");
        let rule = &activation.coefficients.as_ref().unwrap().rule;
        let mut values = vec![0.0f32; 8];
        values[4] = 0.25;
        for _ in 0..5000 {
            rule.project(&mut values);
        }
        assert_eq!(values[6], 5000.0);
        let shown = rule.effective(&values);
        // Halfway from 1 to 0.1 in logarithms; swish is number 4.
        assert!((shown[6] - 0.1f64.sqrt()).abs() < 1e-12 && shown[7] == 4.0, "{shown:?}");
        values[6] += 0.3;
        rule.project(&mut values);
        assert_eq!(values[6], 5001.0, "what moves a count is rounded away");
        values[6] = 1e6;
        assert!((rule.effective(&values)[6] - 0.1).abs() < 1e-12);
        let mut stream = Stream::new(1, "test", 0);
        let mut mean = |taken: f64| -> f64 {
            let coefficients = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, taken, 0.0];
            let most = |_| {
                let (_, weights) =
                    forward(&*activation.kernel, &coefficients, 1.0, &mut Mode::Train(&mut stream));
                weights[largest(&weights)]
            };
            (0..500).map(most).sum::<f64>() / 500.0
        };
        let (warm, cold) = (mean(0.0), mean(10_000.0));
        assert!(warm < 0.6 && cold > 0.85, "{warm} {cold}");
    }
}

//! Shrink and perturb: θ ← shrink·θ + noise·ε on weights and biases (Ash & Adams 2020, arXiv 1910.08475).
//!
//! The field has several forms under this name. `every` is "task" (before every task but the first) or
//! "step" (after every update: the tables of L2 Init, UPGD and Dohare et al., with 1 - shrink of 1e-4 or 1e-3).
//! `noise_from` is "normal", ε ~ N(0, 1); "init", ε a parameter drawn anew from its initialisation, which
//! scales with the layer's fan-in (Ash & Adams; the code of L2 Init); or "start", ε = θ₀. `form` is "add", as
//! above, or "convex", θ ← shrink·θ + (1 - shrink)·ε without `noise` (FIRE, Hare & Tortoise, with "start"). Left
//! out, they are "task", "normal" and "add".
//!
//! Scales and shifts of normalisations are left alone (a scale has its neutral value at 1, not at 0), and
//! so are coefficients of activations (shrinking a denominator raises the output) and the heads of
//! `head = "multi"`, each of which belongs to one task.

use candle_core::Result;

use super::hooks::{At, Method, Perturbation};
use super::registered::{Build, Registered};
use super::reset;
use crate::kernels::element::vectorized;
use crate::kernels::fused_activation::Captured;
use crate::kernels::inplace::update;
use crate::kernels::normals::Normals;
use crate::nn::{self, Network, Role};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "shrink-and-perturb",
    summary: "before every task but the first, θ ← shrink·θ + noise·N(0, 1) on weights and biases",
    source: "Ash & Adams 2020, arXiv 1910.08475",
    parameters: &[
        Parameter {
            name: "shrink",
            summary: "factor on the parameters",
            kind: Kind::Number { default: Some(0.8), min: 0.0, max: 1.0 },
        },
        Parameter {
            name: "noise",
            summary: "factor on what is added: a standard deviation, for normal noise",
            kind: Kind::Number { default: Some(0.01), min: 0.0, max: 1e3 },
        },
        Parameter {
            name: "every",
            summary: "task: before every task but the first; step: after every update; task if absent",
            kind: Kind::Text { default: None, one_of: &["task", "step"] },
        },
        Parameter {
            name: "noise_from",
            summary: "normal: N(0, 1); init: parameters drawn anew; start: the first ones; normal if absent",
            kind: Kind::Text { default: None, one_of: &["normal", "init", "start"] },
        },
        Parameter {
            name: "form",
            summary: "add: shrink·θ + noise·ε; convex: shrink·θ + (1 - shrink)·ε; add if absent",
            kind: Kind::Text { default: None, one_of: &["add", "convex"] },
        },
    ],
};

#[derive(Clone, Copy, PartialEq)]
enum Noise {
    Normal,
    Init,
    Start,
}

struct ShrinkAndPerturb {
    shrink: f32,
    /// Factor on ε.
    noise: f32,
    every_step: bool,
    from: Noise,
    /// The first parameters, if they are wanted.
    start: Vec<Vec<f32>>,
}

/// Of each step's generator.
const PURPOSE: &str = "shrink-and-perturb";

fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let from = match choice.optional_text("noise_from") {
        Some("init") => Noise::Init,
        Some("start") => Noise::Start,
        _ => Noise::Normal,
    };
    let parameters = network.parameters().iter().filter(|_| from == Noise::Start);
    let shrink = choice.number("shrink");
    let convex = choice.optional_text("form") == Some("convex");
    Ok(Box::new(ShrinkAndPerturb {
        shrink: shrink as f32,
        noise: if convex { 1.0 - shrink } else { choice.number("noise") } as f32,
        every_step: choice.optional_text("every") == Some("step"),
        from,
        start: parameters.map(nn::Parameter::to_vec).collect::<Result<_>>()?,
    }))
}

fn check(_: &Plan, choice: &Choice) -> std::result::Result<(), String> {
    if choice.optional_text("form") == Some("convex")
        && choice.optional_text("noise_from").is_none_or(|from| from == "normal")
    {
        return Err(
            "method \"shrink-and-perturb\" with form = \"convex\" goes from the parameters to a network's start: set \
             noise_from = \"init\" or \"start\""
                .into(),
        );
    }
    Ok(())
}

impl ShrinkAndPerturb {
    /// `values` to shrink·θ + noise·ε.
    fn move_by(&self, added: &[f32], values: &mut [f32]) {
        vectorized(
            #[inline(always)]
            || {
                for (value, added) in values.iter_mut().zip(added) {
                    *value = self.shrink.mul_add(*value, self.noise * added);
                }
            },
        );
    }

    fn apply(&self, at: &mut At<'_>, mut draws: Stream) -> Result<()> {
        if self.shrink == 1.0 && self.noise == 0.0 {
            return Ok(());
        }
        let fresh = if self.from == Noise::Init { reset::fresh(at.network, &mut draws) } else { Vec::new() };
        let added = if self.from == Noise::Init { &fresh } else { &self.start };
        let mut normals = Normals::new(draws);
        for (number, (parameter, state)) in
            at.network.parameters().iter().zip(at.optimizer.states()).enumerate()
        {
            if !matches!(parameter.role, Role::Weight | Role::Bias | Role::Embedding) || state.separate_rows {
                continue;
            }
            update(&parameter.values, |mut values| match added.get(number) {
                Some(added) => self.move_by(added, values),
                None => {
                    while !values.is_empty() {
                        let added = normals.take(values.len());
                        let (now, later) = values.split_at_mut(added.len());
                        self.move_by(added, now);
                        values = later;
                    }
                }
            })?;
        }
        Ok(())
    }
}

impl Method for ShrinkAndPerturb {
    fn perturbation(&self) -> Option<Perturbation<'_>> {
        let start = (self.from == Noise::Start).then_some(&*self.start);
        let Self { shrink, noise, .. } = *self;
        self.every_step.then_some(Perturbation { shrink, noise, start, purpose: PURPOSE })
    }

    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if at.task == 0 || self.every_step {
            return Ok(());
        }
        let draws = at.streams.of_task("method");
        self.apply(at, draws)
    }

    fn updated(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if !self.every_step {
            return Ok(());
        }
        let draws = at.streams.of_step(PURPOSE);
        self.apply(at, draws)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use crate::nn::Network;
    use crate::spec::Value;

    fn word(word: &str) -> Value {
        Value::Text(word.into())
    }

    fn weight(network: &dyn Network) -> Vec<f32> {
        fixture::get(network, "layers.0.weight")
    }

    #[test]
    fn the_convex_form_goes_towards_the_start_by_its_share() {
        let (network, mut optimizer) = fixture::mlp(&[3], 0);
        let settings =
            [("form", word("convex")), ("noise_from", word("start")), ("shrink", Value::Number(0.75))];
        let mut method = fixture::method_of("shrink-and-perturb", &settings, &*network);
        let start = weight(&*network);
        let moved: Vec<f32> = start.iter().map(|w| w + 1.0).collect();
        fixture::set(&*network, "layers.0.weight", &moved);
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 0, 0)).unwrap();
        assert_eq!(weight(&*network), moved);
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 1, 0)).unwrap();
        for (now, start) in weight(&*network).iter().zip(&start) {
            assert!((now - start - 0.75).abs() < 1e-6);
        }
    }

    #[test]
    fn every_step_shrinks_in_the_first_task_too_and_noise_has_the_scale_of_the_start() {
        let (network, mut optimizer) = fixture::mlp(&[200], 0);
        let settings = [
            ("every", word("step")),
            ("noise_from", word("init")),
            ("shrink", Value::Number(0.0)),
            ("noise", Value::Number(0.5)),
        ];
        let mut method = fixture::method_of("shrink-and-perturb", &settings, &*network);
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 1, 0)).unwrap();
        let before = weight(&*network);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        let after = weight(&*network);
        // Uniform on ±0.5/√4: variance 0.25²/3.
        let variance = after.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / after.len() as f64;
        assert!(after.iter().all(|w| w.abs() <= 0.25) && (variance / (0.0625 / 3.0) - 1.0).abs() < 0.15);
        assert!(before.iter().zip(&after).all(|(a, b)| a != b));
        let earlier = weight(&*network);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 1), &[]).unwrap();
        assert_ne!(weight(&*network), earlier, "every step draws anew");
    }

    /// One sequence of draws over all parameters in their order.
    #[test]
    fn normal_noise_goes_on_from_one_parameter_to_the_next() {
        let (network, mut optimizer) = fixture::mlp(&[150, 7], 0);
        let settings =
            [("every", word("step")), ("shrink", Value::Number(0.0)), ("noise", Value::Number(1.0))];
        let mut method = fixture::method_of("shrink-and-perturb", &settings, &*network);
        let mut at = fixture::at(&*network, &mut optimizer, 0, 3);
        let mut normals = super::Normals::new(at.streams.of_step(super::PURPOSE));
        method.updated(&mut at, &[]).unwrap();
        let ours: Vec<f32> = network.parameters().iter().flat_map(|p| p.to_vec().unwrap()).collect();
        let mut theirs = Vec::new();
        while theirs.len() < ours.len() {
            theirs.extend_from_slice(normals.take(ours.len() - theirs.len()));
        }
        assert!(ours.len() > 1024 && ours == theirs);
    }

    /// θ ← 0.8·θ + 0.01·N(0, 1); scales of normalisations and separate heads stay.
    #[test]
    fn norms_and_separate_heads_are_left_alone() {
        let rest = "network = { kind = 'resnet18', width = 2 }\nactivation = 'relu'\noptimizer = 'sgd'\n";
        let (network, mut optimizer) = fixture::network(rest, (1, 8, 8), 0);
        let head = network.layers().last().unwrap().weight;
        optimizer.separate_rows(&[head], network.parameters());
        let before: Vec<Vec<f32>> = network.parameters().iter().map(|p| p.to_vec().unwrap()).collect();
        let mut method = fixture::method("shrink-and-perturb", &[], &*network);
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 2, 0)).unwrap();
        for (number, (parameter, before)) in network.parameters().iter().zip(before).enumerate() {
            let stays = parameter.role == crate::nn::Role::Norm || number == head;
            assert_eq!(parameter.to_vec().unwrap() == before, stays, "{}", parameter.name);
        }
    }
}

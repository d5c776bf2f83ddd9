//! Elastic weight consolidation: λ/2 Σ Σ F (θ - θ*)² over parameters and over every task learned
//! (Kirkpatrick et al. 2017, PNAS 114, eq. 3). Its gradient λ (θ Σ F - Σ F·θ*), sums over tasks, needs two
//! numbers a parameter however many the tasks.
//!
//! With `decay` it has the online form (Schwarz et al. 2018, arXiv 1805.06370): one penalty λ/2 Σ F̃ (θ - θ*)² to the
//! last task's parameters, with F̃ ← γF̃ + F after every task.
//!
//! F is the diagonal of the Fisher information, the mean over so many of the task's examples, drawn
//! without replacement, of the squared gradient of ln p(y | x) at the task's end, example by example. y is
//! drawn from the network's own distribution over the answers that count (`fisher = "sampled"`, the
//! definition), or is the label (`"empirical"`, nearly nothing where the labels are fitted; van de Ven
//! 2025, arXiv 2502.11756, compares them). Images are not augmented for it. Batch normalisations have their running
//! statistics there, as constants, as in public code, which puts the network into evaluation mode: of a batch of
//! one example there is no other gradient.
//!
//! Activations that move make the Fisher information of the weights stale (Jaziri et al. 2025):
//! `coefficients` says whether their coefficients are held too.

use std::sync::{Arc, Mutex};

use candle_core::{Result, Tensor};

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::kernels::loss::{Targets, cross_entropy};
use crate::nn::{self, Network, Pass, Role, batch, places};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};
use crate::tasks::{Examples, draw};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Consolidation(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "ewc",
    summary: "after each task, a penalty strength/2·Σ F(θ - θ*)² by the Fisher information F, summed over tasks",
    source: "Kirkpatrick et al. 2017, arXiv 1612.00796",
    parameters: &[
        Parameter {
            name: "strength",
            summary: "λ of the penalty",
            kind: Kind::Number { default: Some(100.0), min: 0.0, max: 1e12 },
        },
        Parameter {
            name: "samples",
            summary: "examples that the Fisher information is estimated on; all, where a task has fewer",
            kind: Kind::Integer { default: Some(200), min: 1, max: 10_000_000 },
        },
        Parameter {
            name: "fisher",
            summary: "sampled: labels from the network's own distribution; empirical: the true ones",
            kind: Kind::Text { default: Some("sampled"), one_of: &["sampled", "empirical"] },
        },
        Parameter {
            name: "coefficients",
            summary: "whether the activations' coefficients are held too",
            kind: Kind::Flag { default: true },
        },
        Parameter {
            name: "decay",
            summary: "γ of the online form: F ← γF + F of the task, around the last task's parameters; without it, the sum over tasks",
            kind: Kind::Number { default: None, min: 0.0, max: 1.0 },
        },
    ],
};

/// Sums over the tasks learned, for one parameter; empty until one was.
struct Held {
    parameter: usize,
    name: String,
    len: usize,
    /// Σ F
    importance: Vec<f32>,
    /// Σ F θ*
    anchor: Vec<f32>,
}

struct Ewc {
    strength: f32,
    samples: usize,
    sampled: bool,
    /// γ of the online form.
    decay: Option<f32>,
    held: Vec<Held>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let coefficients = choice.flag("coefficients");
    let parameters = network.parameters().iter().enumerate();
    let held = parameters
        .filter(|(_, p)| coefficients || !matches!(p.role, Role::Coefficients(_)))
        .map(|(parameter, p)| Held {
            parameter,
            name: p.name.clone(),
            len: p.values.elem_count(),
            importance: Vec::new(),
            anchor: Vec::new(),
        })
        .collect();
    Ok(Box::new(Ewc {
        strength: choice.number("strength") as f32,
        samples: count(choice, "samples"),
        sampled: choice.text("fisher") == "sampled",
        decay: choice.optional_number("decay").map(|decay| decay as f32),
        held,
    }))
}

impl Ewc {
    /// Writes the gradient of -ln p(y | x) of one example into the network's gradients.
    fn differentiate(
        &self,
        network: &dyn Network,
        examples: &Examples,
        position: u32,
        pass: &Pass,
        draws: &mut Stream,
    ) -> Result<()> {
        let (inputs, targets) = batch(examples, &[position])?;
        let logits = network.forward(&inputs, pass)?;
        let mut targets = places(&inputs, &logits, targets)?;
        if self.sampled {
            let rows = 0..targets.labels.len();
            let sampled = rows
                .map(|row| sample(&logits.narrow(0, row, 1)?, &targets.range(row..row + 1), draws.unit()));
            targets.labels = Arc::new(sampled.collect::<Result<_>>()?);
        }
        nn::reset_gradients(network.parameters());
        cross_entropy(&logits, targets)?.loss.backward()?;
        Ok(())
    }
}

/// The class whose share of the distribution over the answers that count holds `unit` of [0, 1).
fn sample(logits: &Tensor, targets: &Targets, unit: f64) -> Result<u32> {
    let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    let classes: Vec<u32> = match &targets.among {
        Some(among) => among[0].to_vec(),
        None => (0..logits.len() as u32).collect(),
    };
    let of = |class: u32| f64::from(logits[class as usize]);
    let largest = classes.iter().map(|&class| of(class)).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = classes.iter().map(|&class| libm::exp(of(class) - largest)).collect();
    let mut left = unit * weights.iter().sum::<f64>();
    for (&class, weight) in classes.iter().zip(weights) {
        left -= weight;
        if left < 0.0 {
            return Ok(class);
        }
    }
    // Rounding, or logits that are no numbers.
    Ok(*classes.last().expect("a task has classes"))
}

impl Method for Ewc {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.strength == 0.0 {
            return Ok(());
        }
        for held in self.held.iter().filter(|held| !held.importance.is_empty()) {
            let parameter = &at.network.parameters()[held.parameter];
            let values = parameter.to_vec()?;
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            for (((g, &v), &f), &a) in
                gradient.iter_mut().zip(&values).zip(&held.importance).zip(&held.anchor)
            {
                *g += self.strength * f.mul_add(v, -a);
            }
        }
        Ok(())
    }

    fn end_task(&mut self, at: &mut At<'_>, examples: Option<&Examples>) -> Result<()> {
        let Some(examples) = examples else { return Ok(()) };
        let parameters = at.network.parameters();
        let mut stream = at.streams.of_task("method-end");
        let chosen = draw(&mut stream, examples.len(), self.samples.min(examples.len()));
        // Randomised activations have a generator of their own: not the training's, and not that of the
        // labels, whose draws would be correlated with theirs.
        let pass = if at.network.buffers().is_empty() {
            Pass::Train(Arc::new(Mutex::new(at.streams.of_task("fisher-activation"))))
        } else {
            Pass::Differentiate
        };
        let mut squares: Vec<Vec<f64>> = self.held.iter().map(|h| vec![0.0; h.len]).collect();
        for &position in &chosen {
            self.differentiate(at.network, examples, position, &pass, &mut stream)?;
            for (held, squares) in self.held.iter().zip(&mut squares) {
                let mut gradient = parameters[held.parameter].gradient.lock();
                let Some(gradient) = gradient.read::<f32>()? else { continue };
                squares.iter_mut().zip(gradient).for_each(|(s, g)| *s += f64::from(*g).powi(2));
            }
        }
        nn::reset_gradients(at.network.parameters());
        for (held, squares) in self.held.iter_mut().zip(squares) {
            let values = parameters[held.parameter].to_vec()?;
            held.importance.resize(held.len, 0.0);
            held.anchor.resize(held.len, 0.0);
            let sums = held.importance.iter_mut().zip(&mut held.anchor);
            for ((value, square), (importance, anchor)) in values.into_iter().zip(squares).zip(sums) {
                let fisher = (square / chosen.len() as f64) as f32;
                if let Some(decay) = self.decay {
                    *importance = decay.mul_add(*importance, fisher);
                    *anchor = *importance * value;
                } else {
                    *importance += fisher;
                    *anchor = fisher.mul_add(value, *anchor);
                }
            }
        }
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        for held in self.held.iter().filter(|held| !held.importance.is_empty()) {
            state.insert(format!("{}.anchor", held.name), Values::F32(held.anchor.clone()));
            state.insert(format!("{}.importance", held.name), Values::F32(held.importance.clone()));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for held in &mut self.held {
            // Before the end of the first task there is nothing.
            let kept = if state.is_empty() { 0 } else { held.len };
            for (what, values) in [("anchor", &mut held.anchor), ("importance", &mut held.importance)] {
                values.resize(kept, 0.0);
                if kept > 0 {
                    state.copy_f32s(&format!("{}.{what}", held.name), values)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

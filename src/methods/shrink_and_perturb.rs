//! Shrink and perturb: before every task but the first, θ ← shrink·θ + noise·ε with ε ~ N(0, 1), on
//! weights and biases (Ash & Adams 2020, arXiv 1910.08475).
//!
//! Scales and shifts of normalisations are left alone (a scale has its neutral value at 1, not at 0), and
//! so are coefficients of activations (shrinking a denominator raises the output) and the heads of
//! `head = "multi"`, each of which belongs to one task.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registry::{Build, Registered, anywhere};
use crate::kernels::inplace::update;
use crate::nn::{Network, Role};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

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
            summary: "standard deviation of what is added",
            kind: Kind::Number { default: Some(0.01), min: 0.0, max: 1e3 },
        },
    ],
};

struct ShrinkAndPerturb {
    shrink: f32,
    noise: f64,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(ShrinkAndPerturb { shrink: choice.number("shrink") as f32, noise: choice.number("noise") }))
}

impl Method for ShrinkAndPerturb {
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if at.task == 0 || (self.shrink == 1.0 && self.noise == 0.0) {
            return Ok(());
        }
        let mut stream = at.streams.of_task("method");
        for (parameter, state) in at.network.parameters().iter().zip(at.optimizer.states()) {
            if !matches!(parameter.role, Role::Weight | Role::Bias) || state.separate_rows {
                continue;
            }
            update(&parameter.values, |values| {
                for value in values {
                    *value = self.shrink.mul_add(*value, (self.noise * stream.normal()) as f32);
                }
            })?;
        }
        Ok(())
    }
}

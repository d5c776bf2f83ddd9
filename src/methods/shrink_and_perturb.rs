//! Shrink and perturb: before every task but the first, θ ← shrink·θ + noise·ε with ε ~ N(0, 1), on
//! weights and biases (Ash & Adams 2020, arXiv 1910.08475). Coefficients of activations are left
//! alone: shrinking a denominator's coefficients raises the output.

use candle_core::Result;

use super::Method;
use crate::kernels::inplace::update;
use crate::nn::{Network, Role};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
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

/// Builds it.
#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
pub fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(ShrinkAndPerturb { shrink: choice.number("shrink") as f32, noise: choice.number("noise") }))
}

impl Method for ShrinkAndPerturb {
    fn start_task(&mut self, task: usize, network: &dyn Network, stream: &mut Stream) -> Result<()> {
        if task == 0 {
            return Ok(());
        }
        for parameter in network.parameters().iter().filter(|p| !matches!(p.role, Role::Coefficients(_))) {
            update(&parameter.values, |values| {
                for value in values {
                    *value = self.shrink.mul_add(*value, (self.noise * stream.normal()) as f32);
                }
            })?;
        }
        Ok(())
    }
}

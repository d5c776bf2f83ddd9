//! L1 Init: the penalty strength·‖θ - θ₀‖₁ to the initial parameters, a variant of L2 Init (Kumar et al. 2023,
//! arXiv 2308.11958, section on variants). Its gradient is strength·sgn(θ - θ₀), with sgn(0) = 0.

use candle_core::Result;

use super::from_start::FromStart;
use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "l1-init",
    summary: "penalty strength·‖θ - θ₀‖₁ to the initial parameters",
    source: "a variant in Kumar et al. 2023, arXiv 2308.11958",
    parameters: &[Parameter {
        name: "strength",
        summary: "λ of the penalty",
        kind: Kind::Number { default: Some(1e-4), min: 0.0, max: 1e6 },
    }],
};

struct L1Init {
    strength: f32,
    start: FromStart,
}

fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let strength = choice.number("strength") as f32;
    Ok(Box::new(L1Init { strength, start: FromStart::new(network)? }))
}

impl Method for L1Init {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.strength == 0.0 {
            return Ok(());
        }
        // signum() of 0 is 1, not 0.
        self.start.add(at.network, |v, s| if v == s { 0.0 } else { self.strength.copysign(v - s) })
    }
}

//! L2 Init: a penalty on the distance to the initial parameters (Kumar et al. 2023, arXiv 2308.11958). Its
//! gradient joins the loss's before the optimiser sees it. Coefficients of activations are parameters too.
//!
//! The paper writes the penalty as λ‖θ - θ₀‖². The authors' code has ½λ‖θ - θ₀‖² (`agents/agents.py` of
//! `skumar9876/L2_Init`), and the λ of their tables belongs to the code. `form = "code"` takes theirs;
//! without `form`, or with `"paper"`, the penalty is the paper's, twice as strong at the same λ.

use candle_core::Result;

use super::from_start::FromStart;
use super::hooks::{At, Method, Pull};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter, Value};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "l2-init",
    summary: "penalty strength·‖θ - θ₀‖² to the initial parameters",
    source: "Kumar et al. 2023, arXiv 2308.11958",
    parameters: &[
        Parameter {
            name: "strength",
            summary: "λ of the penalty",
            kind: Kind::Number { default: Some(1e-2), min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "form",
            summary: "paper: strength·‖θ - θ₀‖²; code: half of it, as in the authors' code and tables; paper if absent",
            kind: Kind::Text { default: None, one_of: &["paper", "code"] },
        },
    ],
};

struct L2Init {
    /// Factor of θ - θ₀ in the gradient.
    slope: f32,
    start: FromStart,
}

/// Remembers the parameters as they are now.
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let halved = matches!(choice.get("form"), Some(Value::Text(form)) if form == "code");
    let strength = choice.number("strength") as f32;
    let slope = if halved { strength } else { 2.0 * strength };
    Ok(Box::new(L2Init { slope, start: FromStart::new(network)? }))
}

impl Method for L2Init {
    fn pull(&self) -> Option<Pull<'_>> {
        Some(Pull { slope: self.slope, start: self.start.values() })
    }

    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.slope == 0.0 {
            return Ok(());
        }
        self.start.add(at.network, |v, s| self.slope * (v - s))
    }
}

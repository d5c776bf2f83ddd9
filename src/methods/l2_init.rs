//! L2 Init: a penalty on the distance to the start, λ‖θ - θ₀‖², over all parameters (Kumar et al.
//! 2023, arXiv 2308.11958). Its gradient 2λ(θ - θ₀) joins the loss's before the optimiser sees it.
//! Coefficients of activations are parameters too and are drawn to their start as well.

use candle_core::{DType, Result};

use super::Method;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "l2-init",
    summary: "penalty strength·‖θ - θ₀‖² to the initial parameters",
    source: "Kumar et al. 2023, arXiv 2308.11958",
    parameters: &[Parameter {
        name: "strength",
        summary: "λ of the penalty",
        kind: Kind::Number { default: Some(1e-2), min: 0.0, max: 1e6 },
    }],
};

struct L2Init {
    strength: f32,
    start: Vec<Vec<f32>>,
}

/// Remembers the parameters as they are now.
pub fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let start = network.parameters().iter().map(crate::nn::Parameter::to_vec).collect::<Result<_>>()?;
    Ok(Box::new(L2Init { strength: choice.number("strength") as f32, start }))
}

impl Method for L2Init {
    fn before_update(&mut self, network: &dyn Network) -> Result<()> {
        for (parameter, start) in network.parameters().iter().zip(&self.start) {
            debug_assert_eq!(parameter.values.dtype(), DType::F32);
            let values = parameter.to_vec()?;
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            for ((g, &v), &s) in gradient.iter_mut().zip(&values).zip(start) {
                *g += 2.0 * self.strength * (v - s);
            }
        }
        Ok(())
    }
}

//! The parameters at a network's start, or at a task's end: what penalties on the distance to them share.

use candle_core::Result;

use crate::kernels::storage::with_slice;
use crate::nn::{self, Network};

/// The values of every parameter at one time, coefficients of activations and normalisations among them.
pub(super) struct FromStart {
    values: Vec<Vec<f32>>,
}

/// One list a parameter.
impl From<Vec<Vec<f32>>> for FromStart {
    fn from(values: Vec<Vec<f32>>) -> Self {
        Self { values }
    }
}

impl FromStart {
    /// The parameters as they are now.
    pub fn new(network: &dyn Network) -> Result<Self> {
        let values = network.parameters().iter().map(nn::Parameter::to_vec).collect::<Result<_>>()?;
        Ok(Self { values })
    }

    /// Them.
    pub fn values(&self) -> &[Vec<f32>] {
        &self.values
    }

    /// Adds `term(value, start)` to every gradient. It gets both and not their difference, which is not a
    /// number where both are infinite.
    pub fn add(&self, network: &dyn Network, term: impl Fn(f32, f32) -> f32) -> Result<()> {
        for (parameter, start) in network.parameters().iter().zip(&self.values) {
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            with_slice::<f32, _>(&parameter.values, |values| {
                for ((g, &v), &s) in gradient.iter_mut().zip(values).zip(start) {
                    *g += term(v, s);
                }
            })?;
        }
        Ok(())
    }
}

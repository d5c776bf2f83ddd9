//! Target networks: copies that follow slowly what is trained (Lillicrap et al. 2016; Mnih et al. 2015).

use std::sync::PoisonError;

use candle_core::{Result, Tensor};

use super::tensors;
use crate::kernels::element::vectorized;
use crate::kernels::inplace::update;
use crate::kernels::storage::with_slice;
use crate::nn::{self, Network};
use crate::state::{StateDict, StateError, Stateful, Values};

/// A network that is never trained.
pub struct Target {
    /// target1, …
    pub name: String,
    network: Box<dyn Network>,
}

impl Target {
    /// From a network of the make of `followed`, whose values it takes.
    pub fn new(name: String, network: Box<dyn Network>, followed: &dyn Network) -> Result<Self> {
        let target = Self { name, network };
        target.follow(followed, 1.0)?;
        Ok(target)
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &dyn Network {
        &*self.network
    }

    /// Outputs.
    pub fn evaluate(&self, inputs: &Tensor) -> Result<Vec<f32>> {
        tensors::evaluate(&*self.network, inputs)
    }

    /// Polyak's average: every value, coefficients of activations included, becomes (1 − τ) of itself and τ
    /// of the followed one. With τ = 1 it is a copy.
    pub fn follow(&self, followed: &dyn Network, tau: f64) -> Result<()> {
        let (tau, rest) = (tau as f32, (1.0 - tau) as f32);
        for (own, other) in self.network.parameters().iter().zip(followed.parameters()) {
            with_slice(&other.values, |other| update(&own.values, |own| blend(own, other, rest, tau)))??;
            if let Some(rule) = nn::rule_of(&*self.network, own.role).filter(|_| rest > 0.0) {
                update(&own.values, |values| rule.confine_average(values))?;
            }
        }
        for (own, other) in self.network.buffers().iter().zip(followed.buffers()) {
            let other = other.values.lock().unwrap_or_else(PoisonError::into_inner);
            blend(&mut own.values.lock().unwrap_or_else(PoisonError::into_inner), &other, rest, tau);
        }
        Ok(())
    }
}

fn blend(own: &mut [f32], other: &[f32], rest: f32, tau: f32) {
    vectorized(
        #[inline(always)]
        || {
            for (own, &other) in own.iter_mut().zip(other) {
                *own = rest.mul_add(*own, tau * other);
            }
        },
    );
}

impl Stateful for Target {
    fn save(&self, state: &mut StateDict) {
        for parameter in self.network.parameters() {
            let values = parameter.to_vec().expect("a parameter in training is f32");
            state.insert(parameter.name.clone(), Values::F32(values));
        }
        for buffer in self.network.buffers() {
            let values = buffer.values.lock().unwrap_or_else(PoisonError::into_inner).clone();
            state.insert(buffer.name.clone(), Values::F32(values));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for parameter in self.network.parameters() {
            let mut loaded = Ok(());
            update(&parameter.values, |values| loaded = state.copy_f32s(&parameter.name, values))
                .map_err(|e| StateError { entry: parameter.name.clone(), why: e.to_string() })?;
            loaded?;
        }
        for buffer in self.network.buffers() {
            state
                .copy_f32s(&buffer.name, &mut buffer.values.lock().unwrap_or_else(PoisonError::into_inner))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::spec::Spec;

    /// b₄ of the two networks lie on either side of 0, and their average is 0: so must a₅ be, nearly.
    #[test]
    fn an_average_of_projected_coefficients_is_projected() {
        let text = "name = 'x'\ndata = { dataset = 'generated-digits' }\noptimizer = 'adam'\n\
                    activation = { name = 'rational', constraint = 'projected-tail-slope' }\n\
                    network = { kind = 'mlp', hidden = [6] }\n\
                    stream = { family = 'shuffled-labels', tasks = 1, examples = 8, steps = 1, batch_size = 1 }\n";
        let spec = Spec::parse(text, "x.toml", &[], &crate::catalogue::catalogue()).unwrap();
        let plan = spec.plans(None).unwrap().remove(0);
        let build = || nn::build(&plan, (1, 1, 5), 3, &mut Stream::new(0, "init", 0)).unwrap();
        let coefficients = |network: &dyn Network| {
            let found = network.parameters().iter().find(|p| matches!(p.role, nn::Role::Coefficients(_)));
            found.unwrap().values.clone()
        };
        let (followed, target) = (build(), build());
        let target = Target::new("target".to_owned(), target, &*followed).unwrap();
        let set = |network: &dyn Network, b: f32| {
            update(&coefficients(network), |values| (values[5], values[9]) = (0.5, b)).unwrap();
        };
        set(&*followed, 0.5);
        set(target.network(), -0.5);
        target.follow(&*followed, 0.5).unwrap();
        let values = coefficients(target.network()).flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((values[5], values[9]), (1e-3, 0.0));
        // A copy is a copy.
        update(&coefficients(&*followed), |values| values[5] = 9.0).unwrap();
        target.follow(&*followed, 1.0).unwrap();
        let values = coefficients(target.network()).flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((values[5], values[9]), (9.0, 0.5));
    }
}

//! All values of a network, to be taken and given back: what methods share that keep a second network.

use std::sync::PoisonError;

use candle_core::Result;

use crate::kernels::inplace::update;
use crate::nn::{Buffer, Network, Parameter, Role};
use crate::state::{StateDict, StateError, Values};

/// Values of the parameters, then of the buffers (running statistics), each in the network's order.
#[derive(Clone)]
pub(super) struct Snapshot {
    names: Vec<String>,
    pub lists: Vec<Vec<f32>>,
}

impl Snapshot {
    /// The network's values as they are now.
    pub fn take(network: &dyn Network) -> Result<Self> {
        let parameters = network.parameters().iter();
        let mut lists = parameters.map(Parameter::to_vec).collect::<Result<Vec<_>>>()?;
        let of = |buffer: &Buffer| buffer.values.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lists.extend(network.buffers().iter().map(of));
        let names = network.parameters().iter().map(|p| p.name.clone());
        let names = names.chain(network.buffers().iter().map(|b| b.name.clone())).collect();
        Ok(Self { names, lists })
    }

    /// Gives them to the network. If `projects`, coefficients go into their constraint's set, as those of a
    /// mean may have to.
    pub fn give(&self, network: &dyn Network, projects: bool) -> Result<()> {
        let parameters = network.parameters();
        for (parameter, list) in parameters.iter().zip(&self.lists) {
            let rule = match parameter.role {
                Role::Coefficients(site) if projects => network.activations()[site].rule(),
                _ => None,
            };
            update(&parameter.values, |values| {
                values.copy_from_slice(list);
                if let Some(rule) = rule {
                    rule.project(values);
                }
            })?;
        }
        for (buffer, list) in network.buffers().iter().zip(&self.lists[parameters.len()..]) {
            buffer.values.lock().unwrap_or_else(PoisonError::into_inner).clone_from(list);
        }
        Ok(())
    }

    /// Adds every list under `prefix.` and its name.
    pub fn save(&self, prefix: &str, state: &mut StateDict) {
        for (name, values) in self.names.iter().zip(&self.lists) {
            state.insert(format!("{prefix}.{name}"), Values::F32(values.clone()));
        }
    }

    /// Takes them back.
    pub fn load(&mut self, prefix: &str, state: &StateDict) -> std::result::Result<(), StateError> {
        let mut lists = self.names.iter().zip(&mut self.lists);
        lists.try_for_each(|(name, values)| state.copy_f32s(&format!("{prefix}.{name}"), values))
    }
}

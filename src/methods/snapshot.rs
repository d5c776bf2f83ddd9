//! All values of a network, to be taken and given back: what methods share that keep a second network.

use std::sync::PoisonError;

use candle_core::Result;

use crate::kernels::element::vectorized;
use crate::kernels::inplace::update;
use crate::kernels::storage::with_slice;
use crate::nn::{Buffer, Network, Parameter, rule_of};
use crate::state::{StateDict, StateError, Values};

/// Values of the parameters, then of the buffers (running statistics), each in the network's order.
#[derive(Clone)]
pub(super) struct Snapshot {
    names: Vec<String>,
    lists: Vec<Vec<f32>>,
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

    /// The values of this name.
    #[cfg(test)]
    pub fn list(&self, name: &str) -> &[f32] {
        let place = self.names.iter().position(|of| of == name).expect("a name of the network");
        &self.lists[place]
    }

    /// Gives them to the network. If `projects`, coefficients go into their constraint's set, as those of a
    /// mean may have to.
    pub fn give(&self, network: &dyn Network, projects: bool) -> Result<()> {
        let parameters = network.parameters();
        for (parameter, list) in parameters.iter().zip(&self.lists) {
            let rule = rule_of(network, parameter.role).filter(|_| projects);
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

    /// Moves them to `share` of themselves and the rest of the network's values.
    pub fn follow(&mut self, network: &dyn Network, share: f32) -> Result<()> {
        let (parameters, buffers) = self.lists.split_at_mut(network.parameters().len());
        for (slow, parameter) in parameters.iter_mut().zip(network.parameters()) {
            with_slice::<f32, _>(&parameter.values, |fast| mix(slow, fast, share))?;
        }
        for (slow, buffer) in buffers.iter_mut().zip(network.buffers()) {
            mix(slow, &buffer.values.lock().unwrap_or_else(PoisonError::into_inner), share);
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

/// slow ← share·slow + (1 - share)·fast. Without a share of its own it is `fast` to the bit, signs of zeros and
/// what is not finite included.
fn mix(slow: &mut [f32], fast: &[f32], share: f32) {
    if share == 0.0 {
        slow.copy_from_slice(fast);
        return;
    }
    let rest = 1.0 - share;
    vectorized(
        #[inline(always)]
        || slow.iter_mut().zip(fast).for_each(|(slow, fast)| *slow = share.mul_add(*slow, rest * fast)),
    );
}

//! L2 to the last task's end: the penalty strength/2·‖θ - θ*‖² with θ* the parameters when the last task ended.
//! It is EWC with every importance at 1, the baseline that Kirkpatrick et al. 2017 (arXiv 1612.00796) call L2.
//! The first task has none.

use candle_core::Result;

use super::from_start::FromStart;
use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};
use crate::tasks::Examples;

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "l2-previous",
    summary: "after each task, a penalty strength/2·‖θ - θ*‖² to the parameters at its end",
    source: "the baseline L2 in Kirkpatrick et al. 2017, arXiv 1612.00796",
    parameters: &[Parameter {
        name: "strength",
        summary: "λ of the penalty",
        kind: Kind::Number { default: Some(1e-2), min: 0.0, max: 1e12 },
    }],
};

struct L2Previous {
    strength: f32,
    /// Names of the parameters.
    names: Vec<String>,
    /// θ*; none before the end of the first task.
    anchor: Option<FromStart>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let names = network.parameters().iter().map(|p| p.name.clone()).collect();
    Ok(Box::new(L2Previous { strength: choice.number("strength") as f32, names, anchor: None }))
}

impl Method for L2Previous {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        match &self.anchor {
            Some(anchor) if self.strength > 0.0 => anchor.add(at.network, |v, s| self.strength * (v - s)),
            _ => Ok(()),
        }
    }

    fn end_task(&mut self, at: &mut At<'_>, _: Option<&Examples>) -> Result<()> {
        self.anchor = Some(FromStart::new(at.network)?);
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        for (name, values) in self.names.iter().zip(self.anchor.iter().flat_map(FromStart::values)) {
            state.insert(name.clone(), Values::F32(values.clone()));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        self.anchor = None;
        if !state.is_empty() {
            let values = self.names.iter().map(|name| Ok(state.f32s(name)?.to_vec()));
            self.anchor = Some(FromStart::from(values.collect::<std::result::Result<Vec<_>, StateError>>()?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn nothing_pulls_in_the_first_task_and_its_end_in_the_second() {
        let (network, mut optimizer) = fixture::mlp(&[2], 0);
        let mut method = fixture::method("l2-previous", &[("strength", 0.5)], &*network);
        let mut pull = |task: usize, ends: bool| {
            fixture::no_gradients(&*network);
            let mut at = fixture::at(&*network, &mut optimizer, task, 0);
            method.gradients(&mut at, &[]).unwrap();
            if ends {
                method.end_task(&mut at, None).unwrap();
            }
            fixture::gradient(&*network, "layers.0.bias")
        };
        fixture::set(&*network, "layers.0.bias", &[1.0, 2.0]);
        assert_eq!(pull(0, true), [0.0, 0.0]);
        fixture::set(&*network, "layers.0.bias", &[3.0, -2.0]);
        assert_eq!(pull(1, true), [1.0, -2.0]);
        assert_eq!(pull(2, false), [0.0, 0.0]);
    }
}

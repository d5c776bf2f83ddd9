//! Methods on weights in the order in which a spec names them. Every hook runs through the list.

use candle_core::{Result, Tensor};

use super::hooks::{At, Method, Perturbation, Pull};
use super::registered::Build;
use super::registry;
use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::spec::Choice;
use crate::state::{StateDict, StateError, Stateful};
use crate::tasks::Examples;

/// The methods of one network.
pub struct Methods {
    list: Vec<(&'static str, Box<dyn Method>)>,
}

impl Methods {
    /// Those of `choices` that work on weights, for a freshly initialised network.
    ///
    /// # Errors
    /// If candle refuses an operation.
    ///
    /// # Panics
    /// If a choice is not in the catalogue.
    pub fn new(choices: &[Choice], network: &dyn Network) -> Result<Self> {
        let mut list = Vec::new();
        for choice in choices {
            let registered = registry::find(&choice.name);
            if let Build::Weights(build) | Build::Consolidation(build) = registered.build {
                list.push((registered.entry.name, build(choice, network)?));
            }
        }
        Ok(Self { list })
    }

    /// A list of one method that the catalogue does not have.
    #[cfg(test)]
    pub(crate) fn of(name: &'static str, method: Box<dyn Method>) -> Self {
        Self { list: vec![(name, method)] }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The penalty of the one that has one.
    #[must_use]
    pub fn pull(&self) -> Option<Pull<'_>> {
        self.list.iter().find_map(|(_, method)| method.pull())
    }

    /// The perturbation of the one that has one.
    #[must_use]
    pub fn perturbation(&self) -> Option<Perturbation<'_>> {
        self.list.iter().find_map(|(_, method)| method.perturbation())
    }

    /// Before the first step of a task.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        self.list.iter_mut().try_for_each(|(_, method)| method.start_task(at))
    }

    /// Whether any of them wants features in the next step.
    #[must_use]
    pub fn wants_features(&self, steps: u64) -> bool {
        self.list.iter().any(|(_, method)| method.wants_features(steps))
    }

    /// Whether any of them wants the next step's inputs.
    #[must_use]
    pub fn wants_inputs(&self, steps: u64) -> bool {
        self.list.iter().any(|(_, method)| method.wants_inputs(steps))
    }

    /// The batch, before [`Methods::gradients`].
    pub fn inputs(&mut self, at: &mut At<'_>, inputs: &Tensor) -> Result<()> {
        self.list.iter_mut().try_for_each(|(_, method)| method.inputs(at, inputs))
    }

    /// Between the backward pass and the update.
    pub fn gradients(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        self.list.iter_mut().try_for_each(|(_, method)| method.gradients(at, features))
    }

    /// After the update.
    pub fn updated(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        self.list.iter_mut().try_for_each(|(_, method)| method.updated(at, features))
    }

    /// After the last step of a task.
    pub fn end_task(&mut self, at: &mut At<'_>, examples: Option<&Examples>) -> Result<()> {
        self.list.iter_mut().try_for_each(|(_, method)| method.end_task(at, examples))
    }

    /// Before an evaluation.
    pub fn start_evaluation(&mut self, at: &mut At<'_>) -> Result<()> {
        self.list.iter_mut().try_for_each(|(_, method)| method.start_evaluation(at))
    }

    /// After it, in reverse: what was taken last is given back first.
    pub fn end_evaluation(&mut self, at: &mut At<'_>) -> Result<()> {
        self.list.iter_mut().rev().try_for_each(|(_, method)| method.end_evaluation(at))
    }
}

/// `NAME.ENTRY` for every entry of every method.
impl Stateful for Methods {
    fn save(&self, state: &mut StateDict) {
        for (name, method) in &self.list {
            let mut own = StateDict::default();
            method.save(&mut own);
            state.insert_under(name, own);
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for (name, method) in &mut self.list {
            let saved = state.part(name);
            method.load(&saved).map_err(|e| StateError { entry: format!("{name}.{}", e.entry), ..e })?;
            // A method that forgets a part of its state would go on as another run.
            let mut taken = StateDict::default();
            method.save(&mut taken);
            if taken != saved {
                let why = "was not taken back as it was saved".to_owned();
                return Err(StateError { entry: (*name).to_owned(), why });
            }
        }
        Ok(())
    }
}

//! What a method is: hooks at the edges of tasks and around the optimiser's update.

use candle_core::{Result, Tensor};

use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::optimizers::Optimizer;
use crate::random::Stream;
use crate::spec::Choice;
use crate::state::{StateDict, StateError};
use crate::tasks::{Examples, stream_index};

/// A setting that counts something.
pub(super) fn count(choice: &Choice, name: &str) -> usize {
    usize::try_from(choice.integer(name)).expect("checked against the catalogue")
}

/// What a hook can see and change.
pub struct At<'a> {
    /// Tasks that the network has been trained on before this one: 0 in its first.
    pub task: usize,
    /// Steps taken in this task, without the one under way.
    pub step: usize,
    /// Steps taken in the network's life, without the one under way.
    pub steps: u64,
    /// The network. Its parameters change through [`crate::kernels::inplace::update`].
    pub network: &'a dyn Network,
    /// The optimiser with its moments and step counts, in the order of the network's parameters.
    pub optimizer: &'a mut Optimizer,
    /// Generators.
    pub streams: Streams<'a>,
}

/// Generators for one moment of a run. They follow from seed, purpose and moment alone, so nothing of them
/// needs saving.
#[derive(Clone, Copy, Debug)]
pub struct Streams<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Name of the network among those of its agent; empty for the only one.
    pub network: &'a str,
    /// The task's number in the run.
    pub task: usize,
    /// Steps taken in the task.
    pub step: usize,
}

impl Streams<'_> {
    /// The generator of `purpose` for this task.
    #[must_use]
    pub fn of_task(&self, purpose: &str) -> Stream {
        Stream::new(self.seed, &self.name(purpose), self.task as u64)
    }

    /// The generator of `purpose` for this step.
    #[must_use]
    pub fn of_step(&self, purpose: &str) -> Stream {
        Stream::new(self.seed, &self.name(purpose), stream_index(self.task, self.step))
    }

    fn name(&self, purpose: &str) -> String {
        if self.network.is_empty() { purpose.to_owned() } else { format!("{purpose}.{}", self.network) }
    }
}

/// A penalty whose gradient is slope·(θ - start), parameter by parameter.
#[derive(Clone, Copy, Debug)]
pub struct Pull<'a> {
    /// Its factor.
    pub slope: f32,
    /// By parameter.
    pub start: &'a [Vec<f32>],
}

/// Weights and biases become shrink·θ + noise·ε after every update. ε is the first parameters, or drawn for each step.
#[derive(Clone, Copy, Debug)]
pub struct Perturbation<'a> {
    /// Factor on the parameters.
    pub shrink: f32,
    /// Factor on ε.
    pub noise: f32,
    /// The first parameters, by parameter, where ε is those.
    pub start: Option<&'a [Vec<f32>]>,
    /// Purpose of each step's generator.
    pub purpose: &'static str,
}

/// A method that works on weights. All hooks default to nothing.
///
/// A method is built from the freshly initialised network. Its generators follow from the moment
/// ([`Streams`]); whatever else it keeps from one step to the next must be in its state.
pub trait Method: Send {
    /// The penalty, if pulling to where the parameters were is all that the method does in a step.
    fn pull(&self) -> Option<Pull<'_>> {
        None
    }

    /// The perturbation, if that is all that the method does in a step.
    fn perturbation(&self) -> Option<Perturbation<'_>> {
        None
    }

    /// Before the first step of a task.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        let _ = at;
        Ok(())
    }

    /// Whether the next step's hooks get features, after so many `steps` of the network's life. They cost a
    /// forward pass.
    fn wants_features(&self, steps: u64) -> bool {
        let _ = steps;
        false
    }

    /// Whether the next step gives [`Method::inputs`] the batch, after so many `steps` of the network's life.
    fn wants_inputs(&self, steps: u64) -> bool {
        let _ = steps;
        false
    }

    /// The inputs of the batch, between the backward pass and [`Method::gradients`]: for losses of other
    /// outputs, whose backward pass adds to the gradients.
    fn inputs(&mut self, at: &mut At<'_>, inputs: &Tensor) -> Result<()> {
        let _ = (at, inputs);
        Ok(())
    }

    /// Between the backward pass and the optimiser's update. The loss's gradients may be added to.
    /// `features` are those of the batch, one for each layer with an activation in forward order, computed
    /// in evaluation mode with the weights before the update; empty if no method wants them.
    fn gradients(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        let _ = (at, features);
        Ok(())
    }

    /// After the optimiser's update, with the same features.
    fn updated(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        let _ = (at, features);
        Ok(())
    }

    /// After the last step of a task. `examples` are those that were trained on; `None` for an agent, which
    /// has none. The network's gradients may be used.
    fn end_task(&mut self, at: &mut At<'_>, examples: Option<&Examples>) -> Result<()> {
        let _ = (at, examples);
        Ok(())
    }

    /// Before the network is evaluated at a task's end: it may be given the values that are to be evaluated
    /// in place of those in training.
    fn start_evaluation(&mut self, at: &mut At<'_>) -> Result<()> {
        let _ = at;
        Ok(())
    }

    /// After it: the network gets back what [`Method::start_evaluation`] took.
    fn end_evaluation(&mut self, at: &mut At<'_>) -> Result<()> {
        let _ = at;
        Ok(())
    }

    /// Adds whatever a resumed run could not rebuild, under names of the method's own.
    fn save(&self, state: &mut StateDict) {
        let _ = state;
    }

    /// Takes back what [`Method::save`] added.
    ///
    /// # Errors
    /// If an entry is missing or does not fit.
    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        let _ = state;
        Ok(())
    }
}

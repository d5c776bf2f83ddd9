//! A network in training: with its optimiser, its methods and its random draws. Supervised runs have one,
//! an agent has several (actor, critics).

mod view;
mod weights;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, Tensor};

pub use self::view::View;
use crate::kernels::fused_activation::Captured;
use crate::kernels::inplace::update;
use crate::methods::{At, Methods, Perturbation, Pull, Streams};
use crate::nn::{self, Network, Pass, Role};
use crate::optimizers::Optimizer;
use crate::random::Stream;
use crate::spec::Choice;
use crate::state::{StateDict, StateError, Stateful, Values};
use crate::tasks::Examples;

/// Prefixes in the state of what is not a weight.
const OPTIMIZER: &str = "optimizer";
const METHODS: &str = "methods";
const PROGRESS: &str = "progress";

/// What one step did to the weight of every layer.
#[derive(Clone, Debug, Default)]
pub struct StepTrace {
    /// Per layer, the gradient of the minibatch's loss.
    pub gradients: Vec<Vec<f32>>,
    /// Per layer, what methods added to that gradient before the optimiser saw it; empty if no method is
    /// in use. The optimiser's own weight decay is in neither.
    pub penalties: Vec<Vec<f32>>,
    /// Per layer, the weight after the step minus before it.
    pub updates: Vec<Vec<f32>>,
}

impl StepTrace {
    /// What came to the numbers of each layer.
    #[must_use]
    pub fn differences(now: &[Vec<f32>], then: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let layers = now.iter().zip(then);
        layers.map(|(now, then)| now.iter().zip(then).map(|(a, b)| a - b).collect()).collect()
    }
}

/// A network in training.
pub struct Trained {
    name: String,
    network: Box<dyn Network>,
    optimizer: Optimizer,
    methods: Methods,
    draws: Arc<Mutex<Stream>>,
    pass: Pass,
    seed: u64,
    /// Number of the current task in the run.
    task: usize,
    /// Number of its first task.
    first_task: usize,
    /// Steps taken in the current task.
    step: usize,
    /// Steps taken in all.
    steps: u64,
    /// Inputs of the last training pass, kept if a method wants them or features of them.
    inputs: RefCell<Option<Tensor>>,
}

impl Trained {
    /// From a freshly initialised network. `name` tells it from the other networks of an agent and is empty
    /// for the only one; `choices` may hold data methods too, which are none of its business.
    ///
    /// # Errors
    /// If candle refuses an operation.
    ///
    /// # Panics
    /// If a choice is not in the catalogue.
    pub fn new(
        name: &str,
        network: Box<dyn Network>,
        optimizer: &Choice,
        choices: &[Choice],
        seed: u64,
    ) -> Result<Self> {
        let optimizer = Optimizer::new(optimizer, network.parameters());
        let methods = Methods::new(choices, &*network)?;
        let draws = Arc::new(Mutex::new(activation_stream(seed, name, 0)));
        let pass = Pass::Train(Arc::clone(&draws));
        Ok(Self {
            name: name.to_owned(),
            network,
            optimizer,
            methods,
            draws,
            pass,
            seed,
            task: 0,
            first_task: 0,
            step: 0,
            steps: 0,
            inputs: RefCell::new(None),
        })
    }

    /// The same for a network whose first task is number `task`: no method acts at its start as between
    /// two tasks, and no constraint has frozen it yet.
    #[must_use]
    pub fn first_in(self, task: usize) -> Self {
        Self { first_task: task, ..self }
    }

    /// Treats each row of the head (the last layer) as a parameter of its own: one head per task.
    pub fn separate_head_rows(&mut self) {
        let parameters = self.network.parameters();
        let head = self.network.layers().last().expect("a network has a head");
        let numbers: Vec<usize> = [Some(head.weight), head.bias].into_iter().flatten().collect();
        self.optimizer.separate_rows(&numbers, parameters);
    }

    /// Begins task number `task` of the run: the activations' draws start anew, and methods get their hook.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn start_task(&mut self, task: usize) -> Result<()> {
        (self.task, self.step) = (task, 0);
        *self.draws.lock().unwrap_or_else(PoisonError::into_inner) =
            activation_stream(self.seed, &self.name, task);
        let (methods, mut at) = self.at();
        methods.start_task(&mut at)
    }

    /// Ends the task. `examples` are those that it trained on; `None` for an agent.
    pub fn end_task(&mut self, examples: Option<&Examples>) -> Result<()> {
        let (methods, mut at) = self.at();
        methods.end_task(&mut at, examples)
    }

    /// Gives the network the values that its methods want evaluated, if `evaluates`, and those in training back
    /// if not.
    pub fn evaluates(&mut self, evaluates: bool) -> Result<()> {
        let (methods, mut at) = self.at();
        if evaluates { methods.start_evaluation(&mut at) } else { methods.end_evaluation(&mut at) }
    }

    /// Outputs (batch, outputs) of inputs (batch, features).
    ///
    /// Methods that look at features see those of the last training pass before the update.
    pub fn forward(&self, inputs: &Tensor, pass: &Pass) -> Result<Tensor> {
        let wanted = self.methods.wants_features(self.steps) || self.methods.wants_inputs(self.steps);
        if matches!(pass, Pass::Train(_)) && wanted {
            *self.inputs.borrow_mut() = Some(inputs.clone());
        }
        self.network.forward(inputs, pass)
    }

    /// The pass of a training step: recorded, with draws from this network's own stream.
    #[must_use]
    pub fn training(&self) -> &Pass {
        &self.pass
    }

    /// One optimiser step on a finite scalar loss: backward pass, the methods' hooks, update, projection of
    /// coefficients.
    pub fn update(&mut self, loss: &Tensor) -> Result<()> {
        self.update_rows(loss, || None)
    }

    /// The same. Of a head with separate rows, only the rows that `used` lists are stepped, or all if it
    /// gives `None`.
    pub fn update_rows(&mut self, loss: &Tensor, used: impl Fn() -> Option<Vec<u32>>) -> Result<()> {
        self.backward(loss)?;
        let features = self.change_gradients()?;
        self.apply(&features, used)
    }

    /// [`Trained::update_rows`] with what it did to every layer's weight.
    pub fn traced_update(&mut self, loss: &Tensor, used: impl Fn() -> Option<Vec<u32>>) -> Result<StepTrace> {
        let before = self.view().weights()?;
        self.backward(loss)?;
        let gradients = self.weight_gradients()?;
        let features = self.change_gradients()?;
        // Here, since the optimiser may clip what it gets.
        let penalties = self.penalties(&gradients)?;
        self.apply(&features, used)?;
        let updates = StepTrace::differences(&self.view().weights()?, &before);
        Ok(StepTrace { gradients, penalties, updates })
    }

    /// Gradients and penalties alone, for a step that is taken elsewhere. Methods that want features or inputs get
    /// none.
    pub fn gradients(&mut self, loss: &Tensor) -> Result<StepTrace> {
        self.backward(loss)?;
        let gradients = self.weight_gradients()?;
        let (methods, mut at) = self.at();
        methods.gradients(&mut at, &[])?;
        let penalties = self.penalties(&gradients)?;
        Ok(StepTrace { gradients, penalties, updates: Vec::new() })
    }

    /// What methods have added to these gradients.
    fn penalties(&self, gradients: &[Vec<f32>]) -> Result<Vec<Vec<f32>>> {
        let none = self.methods.is_empty();
        Ok(if none { Vec::new() } else { StepTrace::differences(&self.weight_gradients()?, gradients) })
    }

    /// Counts steps that were taken elsewhere, by network and optimiser.
    pub fn advance(&mut self, steps: usize) {
        self.step += steps;
        self.steps += steps as u64;
        for number in 0..self.network.parameters().len() {
            if self.trains(self.network.parameters()[number].role) {
                self.optimizer.states_mut()[number].steps.iter_mut().for_each(|count| *count += steps as u64);
            }
        }
    }

    /// Whether the optimiser steps a parameter of this role in the current task.
    #[must_use]
    pub fn trains(&self, role: Role) -> bool {
        nn::rule_of(&*self.network, role).is_none_or(|rule| rule.trained_in(self.tasks_seen()))
    }

    /// How far the activations' draws have come.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).position()
    }

    /// Takes the activations' draws back to where they were.
    pub fn rewind(&self, drawn: u64) {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).seek(drawn);
    }

    /// Lets steps that are taken elsewhere draw what the activations would.
    pub fn draw<T>(&self, draws: impl FnOnce(&mut Stream) -> T) -> T {
        draws(&mut self.draws.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The penalty that its methods add in every step, if that is all they do there.
    #[must_use]
    pub fn pull(&self) -> Option<Pull<'_>> {
        self.methods.pull()
    }

    /// What its methods do to weights and biases after every update, if that is all that they do there.
    #[must_use]
    pub fn perturbation(&self) -> Option<Perturbation<'_>> {
        self.methods.perturbation()
    }

    /// A method's generator for step number `step` of the task.
    #[must_use]
    pub fn stream_of_step(&self, purpose: &str, step: usize) -> Stream {
        Streams { seed: self.seed, network: &self.name, task: self.task, step }.of_step(purpose)
    }

    fn backward(&self, loss: &Tensor) -> Result<()> {
        nn::reset_gradients(self.network.parameters());
        loss.backward()?;
        Ok(())
    }

    /// The methods' hooks before the optimiser's step, and the features that they were given.
    fn change_gradients(&mut self) -> Result<Vec<Captured>> {
        let inputs = self.inputs.take();
        let features = match &inputs {
            Some(inputs) if self.methods.wants_features(self.steps) => {
                match self.network.captured(inputs)? {
                    Some(features) => features,
                    None => self.network.capture(inputs, usize::MAX)?,
                }
            }
            _ => Vec::new(),
        };
        let (methods, mut at) = self.at();
        if let Some(inputs) = &inputs {
            methods.inputs(&mut at, inputs)?;
        }
        methods.gradients(&mut at, &features)?;
        Ok(features)
    }

    /// The optimiser's step and the methods' hooks after it.
    fn apply(&mut self, features: &[Captured], used: impl Fn() -> Option<Vec<u32>>) -> Result<()> {
        self.step_parameters(used)?;
        let (methods, mut at) = self.at();
        methods.updated(&mut at, features)?;
        self.step += 1;
        self.steps += 1;
        Ok(())
    }

    fn step_parameters(&mut self, used: impl Fn() -> Option<Vec<u32>>) -> Result<()> {
        let (network, tasks_seen) = (&*self.network, self.tasks_seen());
        let trained = |role: Role| nn::rule_of(network, role).is_none_or(|rule| rule.trained_in(tasks_seen));
        self.optimizer.step_rows(network.parameters(), trained, used)?;
        for parameter in network.parameters() {
            if let Some(rule) = nn::rule_of(network, parameter.role) {
                update(&parameter.values, |values| rule.project(values))?;
            }
        }
        Ok(())
    }

    /// The methods, and what their hooks get.
    fn at(&mut self) -> (&mut Methods, At<'_>) {
        let tasks_seen = self.tasks_seen();
        let streams = Streams { seed: self.seed, network: &self.name, task: self.task, step: self.step };
        let at = At {
            task: tasks_seen,
            step: self.step,
            steps: self.steps,
            network: &*self.network,
            optimizer: &mut self.optimizer,
            streams,
        };
        (&mut self.methods, at)
    }

    /// Number of tasks that it was trained on before this one.
    fn tasks_seen(&self) -> usize {
        self.task - self.first_task
    }

    fn weight_gradients(&self) -> Result<Vec<Vec<f32>>> {
        let layers = self.network.layers().iter();
        layers.map(|layer| self.network.parameters()[layer.weight].gradient.to_f32()).collect()
    }

    /// Its name among the networks of an agent; empty for the only one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of the current task in the run.
    #[must_use]
    pub fn task(&self) -> usize {
        self.task
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &dyn Network {
        &*self.network
    }

    /// The optimiser with its state.
    #[must_use]
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The same, to change its state.
    pub fn optimizer_mut(&mut self) -> &mut Optimizer {
        &mut self.optimizer
    }

    /// The network to look at.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::new(&*self.network)
    }

    /// Whether all weights are finite.
    ///
    /// # Errors
    /// If candle refuses an operation.
    pub fn is_finite(&self) -> Result<bool> {
        for parameter in self.network.parameters() {
            if !parameter.to_vec()?.iter().all(|value| value.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The generator that randomised activations draw from in task number `task`.
fn activation_stream(seed: u64, network: &str, task: usize) -> Stream {
    Streams { seed, network, task, step: 0 }.of_task("activation")
}

/// Weights and running statistics under `PyTorch`'s names; `optimizer.…`, `methods.…`; `progress`: task,
/// steps in it, steps in all, and position of the activations' draws.
impl Stateful for Trained {
    fn save(&self, state: &mut StateDict) {
        weights::save(&*self.network, state);
        state.insert_part(OPTIMIZER, &self.optimizer);
        state.insert_part(METHODS, &self.methods);
        let drawn = self.draws.lock().unwrap_or_else(PoisonError::into_inner).position();
        let progress = vec![self.task as u64, self.step as u64, self.steps, drawn];
        state.insert(PROGRESS, Values::U64(progress));
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        weights::load(&*self.network, state)?;
        state.load_part(OPTIMIZER, &mut self.optimizer)?;
        state.load_part(METHODS, &mut self.methods)?;
        let mut progress = [0; 4];
        state.copy_u64s(PROGRESS, &mut progress)?;
        let [task, step, steps, drawn] = progress;
        (self.task, self.step, self.steps) = (task as usize, step as usize, steps);
        let mut stream = activation_stream(self.seed, &self.name, self.task);
        stream.seek(drawn);
        *self.draws.lock().unwrap_or_else(PoisonError::into_inner) = stream;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

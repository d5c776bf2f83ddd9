//! A network, its optimiser, and one step of them.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, Tensor};

use super::optimizer::Optimizer;
use super::{StepTrace, TrainError};
use crate::kernels::inplace::update;
use crate::kernels::loss::{Targets, cross_entropy};
use crate::methods::{self, Learned, Method};
use crate::nn::{self, Network, Pass, Rehearsed, Role};
use crate::random::Stream;
use crate::spec::{Head, Plan};
use crate::tasks::{Examples, TaskStream, numbered};

/// Loss and correct predictions of one batch, before the update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Mean cross-entropy.
    pub loss: f64,
    /// Correct rows of the batch.
    pub correct: usize,
}

/// What is trained.
pub struct Learner {
    network: Box<dyn Network>,
    optimizer: Optimizer,
    method: Box<dyn Method>,
    draws: Arc<Mutex<Stream>>,
    pass: Pass,
    task: usize,
    /// The task that it was initialised for: 0, but for fresh reference networks.
    born: usize,
}

impl Learner {
    /// A new network drawn from `init`, and an optimiser without a history.
    pub fn new(
        plan: &Plan,
        stream: &dyn TaskStream,
        init: &mut Stream,
    ) -> std::result::Result<Self, TrainError> {
        let network = nn::build(plan, stream.dims(), stream.classes(), init)?;
        let mut optimizer = Optimizer::new(&plan.optimizer, network.parameters());
        if plan.stream().head == Head::Multi {
            let head = network.layers().last().expect("a network has a head").weight;
            // The bias follows its weight.
            optimizer.separate_rows(&[head, head + 1], network.parameters());
        }
        let method = methods::build(&plan.methods, &*network)?;
        let draws = Arc::new(Mutex::new(Stream::new(plan.seed, "activation", 0)));
        let pass = Pass::Train(Arc::clone(&draws));
        Ok(Self { network, optimizer, method, draws, pass, task: 0, born: 0 })
    }

    /// The freshly initialised network that task number `task` is paired with, for the same batches.
    pub fn fresh(plan: &Plan, stream: &dyn TaskStream, task: usize) -> std::result::Result<Self, TrainError> {
        let learner = Self::new(plan, stream, &mut Stream::new(plan.seed, "fresh-init", task as u64))?;
        Ok(Self { born: task, ..learner })
    }

    /// Tells which task comes; the activations' draws start anew.
    pub fn start_task(&mut self, plan: &Plan, task: usize) -> Result<()> {
        self.task = task;
        *self.draws.lock().unwrap_or_else(PoisonError::into_inner) =
            Stream::new(plan.seed, "activation", task as u64);
        self.method.start_task(self.age(), &*self.network, &mut Stream::new(plan.seed, "method", task as u64))
    }

    /// What task number `task` trains on, where the method says other than the task.
    #[must_use]
    pub fn training_set(&self, task: usize, stream: &dyn TaskStream) -> Option<Examples> {
        self.method.training_set(task, stream)
    }

    /// Examples of earlier tasks to extend the batch of step number `step` by.
    pub fn rehearse(&mut self, plan: &Plan, stream: &dyn TaskStream, step: usize) -> Vec<Rehearsed> {
        let number = numbered(self.task, step);
        self.method.rehearse(stream, &|| Stream::new(plan.seed, "rehearsal", number))
    }

    /// Tells that the task was learned, from these examples.
    pub fn end_task(&mut self, plan: &Plan, stream: &dyn TaskStream, examples: &Examples) -> Result<()> {
        let learned = Learned { task: self.task, examples, tasks: stream, network: &*self.network };
        self.method.end_task(&learned, &mut Stream::new(plan.seed, "method-end", self.task as u64))
    }

    /// Tasks learned before this one. A fresh reference network is in its first task whatever that one's
    /// number: no method perturbs it at its birth, no constraint has frozen it yet.
    fn age(&self) -> usize {
        self.task - self.born
    }

    /// Goes on within a task that was started before: the method has had its start, the activations have
    /// drawn up to `draws`.
    pub fn resume_task(&mut self, plan: &Plan, task: usize, draws: u64) {
        self.task = task;
        let mut stream = Stream::new(plan.seed, "activation", task as u64);
        stream.seek(draws);
        *self.draws.lock().unwrap_or_else(PoisonError::into_inner) = stream;
    }

    /// How far the activations have drawn from this task's stream.
    #[must_use]
    pub fn draws(&self) -> u64 {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner).position()
    }

    /// One step: forward, loss, backward, update. A loss that is no number is returned as it is and
    /// changes nothing.
    pub fn step(&mut self, inputs: &Tensor, targets: &Targets) -> Result<StepResult> {
        self.step_counting(inputs, targets, targets.labels.len())
    }

    /// The same on a batch whose first `own` rows are the task's: all are learned from, those counted.
    pub fn step_counting(&mut self, inputs: &Tensor, targets: &Targets, own: usize) -> Result<StepResult> {
        let logits = self.network.forward(inputs, &self.pass)?;
        let batch = cross_entropy(&logits, targets.clone())?;
        let loss = f64::from(batch.loss.to_scalar::<f32>()?);
        let mut result = StepResult { loss, correct: batch.correct };
        if own < targets.labels.len() && loss.is_finite() {
            let counted = cross_entropy(&logits.detach().narrow(0, 0, own)?, targets.first(own))?;
            result =
                StepResult { loss: f64::from(counted.loss.to_scalar::<f32>()?), correct: counted.correct };
        }
        if loss.is_finite() {
            for parameter in self.network.parameters() {
                parameter.gradient.reset();
            }
            batch.loss.backward()?;
            self.method.before_update(&*self.network)?;
            self.update(targets)?;
        }
        Ok(result)
    }

    fn update(&mut self, targets: &Targets) -> Result<()> {
        let (network, age) = (&*self.network, self.age());
        let rule = |role: Role| match role {
            Role::Coefficients(site) => network.sites()[site].rule(),
            Role::Weight | Role::Bias | Role::Norm => None,
        };
        let trained = |role: Role| rule(role).is_none_or(|r| r.trained_in(age));
        self.optimizer.step_rows(network.parameters(), trained, || targets.classes())?;
        for parameter in network.parameters() {
            if let Some(rule) = rule(parameter.role) {
                update(&parameter.values, |values| rule.project(values))?;
            }
        }
        Ok(())
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

    /// The same, to restore a state.
    pub fn optimizer_mut(&mut self) -> &mut Optimizer {
        &mut self.optimizer
    }

    /// The same with another method.
    #[cfg(test)]
    pub(super) fn with_method(self, method: Box<dyn Method>) -> Self {
        Self { method, ..self }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &dyn Method {
        &*self.method
    }

    /// The same, to restore a state.
    pub fn method_mut(&mut self) -> &mut dyn Method {
        &mut *self.method
    }

    /// A copy of every layer's weight.
    pub fn weights(&self) -> Result<Vec<Vec<f32>>> {
        let layers = self.network.layers().iter();
        layers.map(|layer| self.network.parameters()[layer.weight].to_vec()).collect()
    }

    /// The last step's gradients, and what it changed since `before`.
    pub fn trace(&self, before: &[Vec<f32>]) -> Result<StepTrace> {
        let layers = self.network.layers();
        let gradients = layers
            .iter()
            .map(|l| self.network.parameters()[l.weight].gradient.to_f32())
            .collect::<Result<_>>()?;
        let updates = self
            .weights()?
            .into_iter()
            .zip(before)
            .map(|(now, then)| now.iter().zip(then).map(|(a, b)| a - b).collect())
            .collect();
        Ok(StepTrace { gradients, updates })
    }
}

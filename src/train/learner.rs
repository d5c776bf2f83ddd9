//! What a supervised run trains: a network in training with cross-entropy as its loss, and the methods
//! that say what is trained on.

use candle_core::{Result, Tensor};

use super::TrainError;
use crate::kernels::loss::{BatchLoss, Targets, cross_entropy};
use crate::methods::Curricula;
use crate::nn::{self, Replayed};
use crate::random::Stream;
use crate::spec::{Head, Plan};
use crate::state::{StateDict, StateError, Stateful};
use crate::tasks::{Examples, TaskStream, stream_index};
use crate::trained::{StepTrace, Trained, View};

/// Prefix in the state of what is not the network in training.
const CURRICULA: &str = "curricula";

/// Loss and correct predictions of one batch, before the update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// Mean cross-entropy.
    pub loss: f64,
    /// Correct answers.
    pub correct: usize,
    /// Answers: one an example, or one for each character of a text.
    pub answers: usize,
}

/// What a supervised run trains.
pub struct Learner {
    trained: Trained,
    curricula: Curricula,
}

impl Learner {
    /// A new network drawn from `init`, and an optimiser without a history.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn new(
        plan: &Plan,
        stream: &dyn TaskStream,
        init: &mut Stream,
    ) -> std::result::Result<Self, TrainError> {
        let network = nn::build(plan, stream.dims(), stream.classes(), init)?;
        let choices = &plan.methods;
        let mut trained = Trained::new("", network, &plan.optimizer, choices, plan.seed)?;
        if plan.stream().head == Head::Multi {
            trained.separate_head_rows();
        }
        Ok(Self { trained, curricula: Curricula::new(choices) })
    }

    /// The freshly initialised network that task number `task` is paired with, for the same batches. It is
    /// in its first task, whatever that one's number.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn fresh(plan: &Plan, stream: &dyn TaskStream, task: usize) -> std::result::Result<Self, TrainError> {
        let learner = Self::new(plan, stream, &mut Stream::new(plan.seed, "fresh-init", task as u64))?;
        Ok(Self { trained: learner.trained.first_in(task), curricula: Curricula::default() })
    }

    /// Begins task number `task`.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn start_task(&mut self, task: usize) -> Result<()> {
        self.trained.start_task(task)
    }

    /// What task number `task` trains on, if a method says other than the task.
    #[must_use]
    pub fn training_set(&self, task: usize, stream: &dyn TaskStream) -> Option<Examples> {
        self.curricula.training_set(task, stream)
    }

    /// Examples of earlier tasks that extend the batch of step number `step`.
    pub fn replayed(&mut self, plan: &Plan, stream: &dyn TaskStream, step: usize) -> Vec<Replayed> {
        let number = stream_index(self.trained.task(), step);
        self.curricula.replayed(stream, &|| Stream::new(plan.seed, "rehearsal", number))
    }

    /// Calls `look` with the network as its methods want it evaluated.
    ///
    /// # Errors
    /// If candle refuses an operation, or `look` fails.
    pub fn evaluated<T, E: From<candle_core::Error>>(
        &mut self,
        look: impl FnOnce(View<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.trained.evaluates(true)?;
        let seen = look(self.view());
        self.trained.evaluates(false)?;
        seen
    }

    /// Ends the task, which trained on these examples.
    pub fn end_task(&mut self, plan: &Plan, examples: &Examples) -> Result<()> {
        self.trained.end_task(Some(examples))?;
        let task = self.trained.task();
        self.curricula.end_task(task, examples, &|| Stream::new(plan.seed, "method-end", task as u64));
        Ok(())
    }

    /// One step: forward, loss, backward, update. A loss that is not finite is returned and changes nothing.
    pub fn step(&mut self, inputs: &Tensor, targets: &Targets) -> Result<StepResult> {
        self.step_counting(inputs, targets, targets.labels.len())
    }

    /// Trains on the whole batch. Loss and accuracy are reported for its first `own` rows only.
    pub fn step_counting(&mut self, inputs: &Tensor, targets: &Targets, own: usize) -> Result<StepResult> {
        let (batch, result) = self.forward(inputs, targets, own)?;
        if result.loss.is_finite() {
            self.trained.update_rows(&batch.loss, || targets.classes())?;
        }
        Ok(result)
    }

    /// [`Learner::step_counting`] with what the step did to every layer's weight; `None` if it changed
    /// nothing.
    pub fn traced_step(
        &mut self,
        inputs: &Tensor,
        targets: &Targets,
        own: usize,
    ) -> Result<(StepResult, Option<StepTrace>)> {
        let (batch, result) = self.forward(inputs, targets, own)?;
        if !result.loss.is_finite() {
            return Ok((result, None));
        }
        let trace = self.trained.traced_update(&batch.loss, || targets.classes())?;
        Ok((result, Some(trace)))
    }

    /// What a step on this batch would add to the gradients, for a step that is taken elsewhere: nothing moves, and
    /// there are no updates in it.
    pub fn gradients(&mut self, inputs: &Tensor, targets: &Targets) -> Result<StepTrace> {
        let drawn = self.trained.drawn();
        let logits = self.trained.forward(inputs, self.trained.training())?;
        self.trained.rewind(drawn);
        self.trained.gradients(&cross_entropy(&logits, targets.clone())?.loss)
    }

    /// The batch's loss, and the figures of its first `own` rows. They are not finite if the loss of the
    /// whole batch is not.
    fn forward(&self, inputs: &Tensor, targets: &Targets, own: usize) -> Result<(BatchLoss, StepResult)> {
        let logits = self.trained.forward(inputs, self.trained.training())?;
        let examples = targets.labels.len();
        let targets = nn::places(inputs, &logits, targets.clone())?;
        let answers = targets.labels.len();
        let mut result = StepResult { loss: 0.0, correct: 0, answers };
        let batch = cross_entropy(&logits, targets.clone())?;
        result.take(&batch)?;
        if own < examples && result.loss.is_finite() {
            result.answers = answers / examples * own;
            let own = 0..result.answers;
            let logits = logits.detach().narrow(0, 0, own.len())?;
            result.take(&cross_entropy(&logits, targets.range(own))?)?;
        }
        Ok((batch, result))
    }

    /// The network in training.
    #[must_use]
    pub fn trained(&self) -> &Trained {
        &self.trained
    }

    /// The same, for steps that are taken elsewhere.
    pub fn trained_mut(&mut self) -> &mut Trained {
        &mut self.trained
    }

    /// The network to look at.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        self.trained.view()
    }
}

impl StepResult {
    /// The figures of this batch.
    fn take(&mut self, batch: &BatchLoss) -> Result<()> {
        (self.loss, self.correct) = (f64::from(batch.loss.to_scalar::<f32>()?), batch.correct);
        Ok(())
    }

    /// Share of correct answers.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.answers as f64
    }
}

/// The network in training under its own names, and `curricula.…`.
impl Stateful for Learner {
    fn save(&self, state: &mut StateDict) {
        self.trained.save(state);
        state.insert_part(CURRICULA, &self.curricula);
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        self.trained.load(state)?;
        state.load_part(CURRICULA, &mut self.curricula)
    }
}

//! The batches of a task as its steps are served with them.

use candle_core::{Result, Tensor};

use super::Learner;
use crate::kernels::loss::Targets;
use crate::nn::{Replayed, training_batch};
use crate::spec::Plan;
use crate::tasks::{Batches, CropFlip, Served, Task, TaskStream};

/// What one task's steps are served with.
pub struct Feed<'a> {
    plan: &'a Plan,
    stream: &'a dyn TaskStream,
    task: &'a Task,
    batches: Batches,
    augmentation: Option<CropFlip>,
    served: Served,
}

impl<'a> Feed<'a> {
    /// Of this task.
    #[must_use]
    pub fn new(plan: &'a Plan, stream: &'a dyn TaskStream, task: &'a Task) -> Self {
        let batches = Batches::new(plan, task.train.labels.len(), task.index);
        let augmentation = CropFlip::of(plan, task.index);
        let served = Served::new(plan, stream, task.index, &batches);
        Self { plan, stream, task, batches, augmentation, served }
    }

    /// The task.
    #[must_use]
    pub fn task(&self) -> &'a Task {
        self.task
    }

    /// Steps of the task.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.batches.steps()
    }

    /// Positions of the task's own examples in the batch of step number `step`.
    pub fn positions(&mut self, step: usize) -> &[u32] {
        self.batches.batch(step)
    }

    /// What `learner`'s methods extend the batch of step number `step` by.
    pub fn replayed(&self, learner: &mut Learner, step: usize) -> Vec<Replayed> {
        learner.replayed(self.plan, self.stream, step)
    }

    /// The batch of step number `step` with these rows behind the task's own, and how many those are.
    ///
    /// # Errors
    /// If candle refuses an operation.
    pub fn batch(&mut self, step: usize, replayed: &[Replayed]) -> Result<((Tensor, Targets), usize)> {
        let positions = self.batches.batch(step);
        let crops = self.augmentation.map(|crop_flip| crop_flip.crops(step));
        let whole = training_batch((&self.task.train, positions), replayed, crops)?;
        Ok((self.served.batch(step, positions, whole)?, positions.len()))
    }
}

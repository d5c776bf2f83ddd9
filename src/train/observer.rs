//! What a loop tells its observer, and the running figures of one task.

use serde::{Deserialize, Serialize};

use super::Evaluation;
use crate::sha256::Prefixes;
use crate::tasks::TaskStream;
use crate::trained::{StepTrace, View};

/// The result files of a run, which grow as it goes on.
pub trait Rows {
    /// Called once before the first task, with what the checkpoint that the run goes on from remembers of
    /// the files (nothing for a new run). Whatever was written after that is cut off.
    ///
    /// # Errors
    /// If rows are missing or a file cannot be written; likewise below.
    fn resume(&mut self, files: &Prefixes) -> anyhow::Result<()>;

    /// Whether the files still begin as a checkpoint remembers them.
    fn holds(&self, files: &Prefixes) -> anyhow::Result<bool>;

    /// Puts all rows so far on disk, those of an unfinished task too, and returns what the files hold. A
    /// checkpoint follows.
    fn commit(&mut self) -> anyhow::Result<Prefixes>;
}

/// Sees a supervised run from outside: it can read and evaluate the network, but change nothing.
pub trait Observer {
    /// Where the rows of the run go.
    fn rows(&mut self) -> &mut dyn Rows;

    /// Whether gradients and updates of a task's first and last step are wanted.
    fn traces_steps(&self) -> bool;

    /// Before the first step of a task.
    ///
    /// # Errors
    /// If something cannot be measured or recorded; likewise below.
    fn task_started(&mut self, task: usize, stream: &dyn TaskStream, network: View<'_>)
    -> anyhow::Result<()>;

    /// After every step: mean loss and accuracy of the batch before the update.
    fn stepped(&mut self, task: usize, step: usize, loss: f64, accuracy: f64) -> anyhow::Result<()>;

    /// After the task's first or last step, if wanted.
    fn traced(&mut self, task: usize, edge: Edge, network: View<'_>, trace: &StepTrace)
    -> anyhow::Result<()>;

    /// After the evaluation that ends a task. All rows so far must be on disk when this returns, whether
    /// or not a checkpoint follows.
    fn task_ended(
        &mut self,
        result: &TaskResult,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()>;

    /// In place of `task_ended`, if a loss or a weight is not finite any more.
    fn diverged(&mut self, result: &TaskResult) -> anyhow::Result<()>;
}

/// Which step of a task was traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The first one.
    First,
    /// The last one.
    Last,
}

/// Figures of one task (docs/definitions.md, section 4); while it is under way, part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Number of the task, from 0.
    pub task: usize,
    /// Whether it counts towards the stream's score.
    pub scored: bool,
    /// Training examples of the task.
    pub examples: usize,
    /// Steps made.
    pub steps: usize,
    /// Whether it ended because a loss or a weight was not finite.
    pub diverged: bool,
    /// On the training examples, in evaluation mode.
    #[serde(skip)]
    pub train: Option<Evaluation>,
    /// On the test set, if there is one.
    #[serde(skip)]
    pub test: Option<Evaluation>,
    /// Of the paired fresh network on the training examples, where there is one.
    #[serde(skip)]
    pub fresh_train: Option<Evaluation>,
    /// Wall time, over all attempts as far as their steps are in the figures.
    pub seconds: f64,
    accuracy_sum: f64,
    loss_sum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_accuracy_sum: Option<f64>,
}

impl TaskResult {
    /// Nothing stepped yet.
    #[must_use]
    pub fn new(task: usize, scored: bool, examples: usize) -> Self {
        Self {
            task,
            scored,
            examples,
            steps: 0,
            diverged: false,
            train: None,
            test: None,
            fresh_train: None,
            seconds: 0.0,
            accuracy_sum: 0.0,
            loss_sum: 0.0,
            fresh_accuracy_sum: None,
        }
    }

    /// Adds one batch, as it stood before its update.
    pub fn online(&mut self, accuracy: f64, loss: f64) {
        self.steps += 1;
        self.accuracy_sum += accuracy;
        self.loss_sum += loss;
    }

    /// Adds one batch of the paired fresh network. A loss that is not finite makes the sum NaN for good: a
    /// network that has diverged is no reference.
    pub fn online_fresh(&mut self, accuracy: f64, loss: f64) {
        let accuracy = if loss.is_finite() { accuracy } else { f64::NAN };
        *self.fresh_accuracy_sum.get_or_insert(0.0) += accuracy;
    }

    /// Adds the evaluations that end the task.
    pub fn finish(&mut self, train: Evaluation, test: Option<Evaluation>) {
        (self.train, self.test) = (Some(train), test);
    }

    /// Mean over the steps of the batch accuracy before the update; NaN without a step.
    #[must_use]
    pub fn online_accuracy(&self) -> f64 {
        self.accuracy_sum / self.steps as f64
    }

    /// Mean over the steps of the batch loss before the update; NaN without a step.
    #[must_use]
    pub fn online_loss(&self) -> f64 {
        self.loss_sum / self.steps as f64
    }

    /// Loss of the paired fresh network on the training examples at the task's end, where there is one and it
    /// did not diverge.
    #[must_use]
    pub fn fresh_train_loss(&self) -> Option<f64> {
        self.fresh_train.map(|evaluation| evaluation.loss).filter(|loss| loss.is_finite())
    }

    /// Online accuracy of the paired fresh network, where there is one and it did not diverge.
    #[must_use]
    pub fn fresh_online_accuracy(&self) -> Option<f64> {
        self.fresh_accuracy_sum.map(|sum| sum / self.steps as f64).filter(|mean| mean.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_fresh_network_is_no_reference() {
        let mut result = TaskResult::new(0, true, 8);
        for loss in [2.0, 1.0] {
            result.online(4.0 / 8.0, 1.0);
            result.online_fresh(6.0 / 8.0, loss);
        }
        assert_eq!(result.fresh_online_accuracy(), Some(0.75));
        result.online(4.0 / 8.0, 1.0);
        result.online_fresh(0.0 / 8.0, f64::NAN);
        result.online(4.0 / 8.0, 1.0);
        result.online_fresh(0.0 / 8.0, 1.0);
        assert_eq!((result.fresh_online_accuracy(), result.online_accuracy()), (None, 0.5));
    }
}

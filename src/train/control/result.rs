//! The running figures of one task of an agent; while it is under way, part of a checkpoint.

use serde::{Deserialize, Serialize};

use crate::environments::{Step, either};

/// Figures of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlResult {
    /// Number of the task, from 0.
    pub task: usize,
    /// Decisions made.
    pub decisions: usize,
    /// Environment steps.
    pub steps: usize,
    /// The agent's updates before the task.
    pub updates_before: u64,
    /// Its updates in the task, once that has ended.
    pub updates: u64,
    /// Episodes that ended in it.
    pub episodes: usize,
    /// Whether it ended because a loss or a state was not finite, or a Q impossible.
    pub diverged: bool,
    /// Mean return of its last evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_return: Option<f64>,
    /// Wall time, over all attempts as far as their steps are in the figures.
    pub seconds: f64,
    returns_sum: f64,
    /// Return and decisions of the episode under way.
    open: (f64, usize),
    /// Whether it has had a success, where the environment says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_success: Option<bool>,
}

/// A training episode that ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// Its number in the task, from 0.
    pub number: usize,
    /// Its decisions.
    pub length: usize,
    /// Sum of its rewards.
    pub total: f64,
    /// Whether it ended in a state after which nothing follows, and was not cut off.
    pub terminated: bool,
    /// Whether a step of it counts as solved, where the environment says so.
    pub success: Option<bool>,
}

impl ControlResult {
    /// Nothing done yet, by an agent of so many updates.
    #[must_use]
    pub fn new(task: usize, updates_before: u64) -> Self {
        Self {
            task,
            decisions: 0,
            steps: 0,
            updates_before,
            updates: 0,
            episodes: 0,
            diverged: false,
            evaluation_return: None,
            seconds: 0.0,
            returns_sum: 0.0,
            open: (0.0, 0),
            open_success: None,
        }
    }

    /// Adds a decision, held for so many environment steps.
    pub fn decision(&mut self, step: &Step, steps: usize) {
        self.decisions += 1;
        self.steps += steps;
        self.open.0 += step.reward;
        self.open.1 += 1;
        self.open_success = either(self.open_success, step.success);
    }

    /// Ends the episode under way.
    pub fn episode(&mut self, terminated: bool) -> Episode {
        let (total, length) = std::mem::take(&mut self.open);
        let success = self.open_success.take();
        let number = self.episodes;
        self.episodes += 1;
        self.returns_sum += total;
        Episode { number, length, total, terminated, success }
    }

    /// Mean return of the task's episodes, if one ended.
    #[must_use]
    pub fn online_return(&self) -> Option<f64> {
        (self.episodes > 0).then(|| self.returns_sum / self.episodes as f64)
    }
}

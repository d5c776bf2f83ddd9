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

#[cfg(test)]
mod tests {
    use super::*;

    fn step(reward: f64, success: Option<bool>) -> Step {
        Step { reward, terminated: false, truncated: false, success }
    }

    /// As a checkpoint takes it down in the middle of an episode.
    #[test]
    fn an_episode_under_way_keeps_its_return_and_its_success() {
        let again = |result: &ControlResult| -> ControlResult {
            toml::from_str(&toml::to_string(result).unwrap()).unwrap()
        };
        let mut result = ControlResult::new(0, 0);
        result.decision(&step(1.0, Some(false)), 2);
        result.decision(&step(0.5, Some(true)), 2);
        let mut resumed = again(&result);
        assert_eq!(resumed, result);
        for result in [&mut result, &mut resumed] {
            result.decision(&step(0.25, Some(false)), 2);
            let episode = result.episode(false);
            assert_eq!((episode.total, episode.length, episode.success), (1.75, 3, Some(true)));
            // The next one begins without it.
            result.decision(&step(0.0, Some(false)), 2);
            assert_eq!(result.episode(true).success, Some(false));
        }
        // Where nothing is said, a checkpoint is what it was before there was anything to say.
        let mut silent = ControlResult::new(0, 0);
        silent.decision(&step(1.0, None), 1);
        assert!(!toml::to_string(&silent).unwrap().contains("success"));
        assert_eq!(again(&silent).episode(false).success, None);
    }
}

//! What the agents' loop tells its observer.

use super::super::Rows;
use super::evaluation::Returns;
use super::result::{ControlResult, Episode};
use crate::agents::Beliefs;
use crate::environments::Environment;
use crate::state::Stateful;

/// An evaluation and its moment.
#[derive(Clone, Copy, Debug)]
pub struct Evaluated<'a> {
    /// The task under way.
    pub task: usize,
    /// Environment steps of the run so far.
    pub passed: usize,
    /// Whether the task ends with it.
    pub ends_task: bool,
    /// What the policy's mode earned.
    pub returns: &'a Returns,
}

/// A decision that is about to be made.
#[derive(Clone, Copy)]
pub struct Deciding<'a> {
    /// The task under way.
    pub task: usize,
    /// Whether the task ends with it.
    pub last: bool,
    /// The agent before it.
    pub agent: &'a dyn Beliefs,
    /// The environment in the state that is decided in.
    pub environment: &'a dyn Environment,
}

/// A decision that has been made, with the updates that it led to.
#[derive(Clone, Copy)]
pub struct Decided<'a> {
    /// The task under way.
    pub task: usize,
    /// Number of the decision in the task.
    pub step: usize,
    /// Whether the agent learned something.
    pub updated: bool,
    /// The agent after it.
    pub agent: &'a dyn Beliefs,
}

/// Sees the run of an agent from outside: it can read what the agent believes, but change nothing. What it
/// remembers from one decision to the next is part of a checkpoint.
pub trait ControlObserver: Stateful {
    /// Where the rows of the run go.
    fn rows(&mut self) -> &mut dyn Rows;

    /// Before the first step of a task.
    ///
    /// # Errors
    /// If something cannot be measured or recorded; likewise below.
    fn task_started(&mut self, task: usize, agent: &dyn Beliefs) -> anyhow::Result<()>;

    /// Before every decision.
    fn deciding(&mut self, deciding: &Deciding<'_>) -> anyhow::Result<()>;

    /// After every decision.
    fn stepped(&mut self, decided: &Decided<'_>) -> anyhow::Result<()>;

    /// A training episode ended, after so many environment steps of the run.
    fn episode(&mut self, task: usize, passed: usize, episode: &Episode) -> anyhow::Result<()>;

    /// After an evaluation, in an environment like the task's own that is free to be copied.
    fn evaluated(
        &mut self,
        moment: &Evaluated<'_>,
        agent: &dyn Beliefs,
        environment: &dyn Environment,
    ) -> anyhow::Result<()>;

    /// At the end of a task. All rows so far must be on disk when this returns, whether or not a checkpoint
    /// follows.
    fn task_ended(&mut self, result: &ControlResult, agent: &dyn Beliefs) -> anyhow::Result<()>;

    /// In place of `task_ended`, if the run has diverged.
    fn diverged(&mut self, result: &ControlResult) -> anyhow::Result<()>;
}

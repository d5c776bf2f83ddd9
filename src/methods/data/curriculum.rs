//! The form of a method that says what is trained on.

use crate::nn::Replayed;
use crate::random::Stream;
use crate::spec::Choice;
use crate::state::{StateDict, StateError};
use crate::tasks::{Examples, TaskStream};

/// How a data method is built, and what it adds to the work of a run.
#[derive(Clone, Copy)]
pub(in crate::methods) struct Served {
    /// From a checked choice.
    pub build: fn(&Choice) -> Box<dyn Curriculum>,
    /// Examples that every batch has beside the task's own.
    pub rows: fn(&Choice) -> usize,
    /// Whether a task trains on the examples of all tasks so far.
    pub cumulative: bool,
}

/// A method that says what is trained on. All hooks default to nothing.
pub trait Curriculum: Send {
    /// What task number `task` trains on, if not on its own examples. Asked again when a run goes on within
    /// a task.
    fn training_set(&self, task: usize, tasks: &dyn TaskStream) -> Option<Examples> {
        let _ = (task, tasks);
        None
    }

    /// Examples of earlier tasks that the next step trains on beside its own batch. `draws` gives the
    /// step's own generator.
    fn replayed(&mut self, tasks: &dyn TaskStream, draws: &dyn Fn() -> Stream) -> Vec<Replayed> {
        let _ = (tasks, draws);
        Vec::new()
    }

    /// After the last step of task number `task`, which trained on `examples`. `draws` is a generator of
    /// this task's end.
    fn end_task(&mut self, task: usize, examples: &Examples, draws: &mut Stream) {
        let _ = (task, examples, draws);
    }

    /// Adds whatever a resumed run could not rebuild.
    fn save(&self, state: &mut StateDict) {
        let _ = state;
    }

    /// Takes it back.
    ///
    /// # Errors
    /// If an entry is missing or does not fit.
    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        let _ = state;
        Ok(())
    }
}

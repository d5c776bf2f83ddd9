//! Methods that say what is trained on: the network and its optimiser are left as they are.

pub(super) mod curriculum;
pub(super) mod joint;
pub(super) mod replay;

use crate::nn::Replayed;
use crate::random::Stream;
use crate::spec::{Choice, Plan};
use crate::state::{StateDict, StateError, Stateful};
use crate::tasks::{Examples, TaskStream};

pub use self::curriculum::Curriculum;
use self::curriculum::Served;
use super::registered::{Build, Registered};
use super::registry;

/// The data methods of a run.
#[derive(Default)]
pub struct Curricula {
    list: Vec<(&'static str, Box<dyn Curriculum>)>,
}

impl Curricula {
    /// Those of `choices` that say what is trained on.
    ///
    /// # Panics
    /// If a choice is not in the catalogue.
    #[must_use]
    pub fn new(choices: &[Choice]) -> Self {
        let served = choices.iter().filter_map(|choice| match registry::find(&choice.name) {
            registered @ Registered { build: Build::Data(served), .. } => {
                Some((registered.entry.name, (served.build)(choice)))
            }
            _ => None,
        });
        Self { list: served.collect() }
    }

    /// What task number `task` trains on, if not on its own examples. At most one method sets it.
    #[must_use]
    pub fn training_set(&self, task: usize, tasks: &dyn TaskStream) -> Option<Examples> {
        self.list.iter().find_map(|(_, served)| served.training_set(task, tasks))
    }

    /// Examples of earlier tasks that the next step trains on too.
    pub fn replayed(&mut self, tasks: &dyn TaskStream, draws: &dyn Fn() -> Stream) -> Vec<Replayed> {
        self.list.iter_mut().flat_map(|(_, served)| served.replayed(tasks, draws)).collect()
    }

    /// After the last step of a task. `draws` gives the generator of its end.
    pub fn end_task(&mut self, task: usize, examples: &Examples, draws: &dyn Fn() -> Stream) {
        for (_, served) in &mut self.list {
            served.end_task(task, examples, &mut draws());
        }
    }
}

/// `NAME.ENTRY` for every entry of every method.
impl Stateful for Curricula {
    fn save(&self, state: &mut StateDict) {
        for (name, served) in &self.list {
            let mut own = StateDict::default();
            served.save(&mut own);
            state.insert_under(name, own);
        }
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        for (name, served) in &mut self.list {
            let saved = state.part(name);
            served.load(&saved).map_err(|e| StateError { entry: format!("{name}.{}", e.entry), ..e })?;
            let mut taken = StateDict::default();
            served.save(&mut taken);
            if taken != saved {
                let why = "was not taken back as it was saved".to_owned();
                return Err(StateError { entry: (*name).to_owned(), why });
            }
        }
        Ok(())
    }
}

fn served(plan: &Plan) -> impl Iterator<Item = (Served, &Choice)> {
    plan.methods.iter().filter_map(|choice| match registry::find(&choice.name).build {
        Build::Data(served) => Some((served, choice)),
        _ => None,
    })
}

/// Examples that every batch has beside the task's own, once there are earlier tasks.
#[must_use]
pub fn extra_rows(plan: &Plan) -> usize {
    served(plan).map(|(served, choice)| (served.rows)(choice)).sum()
}

/// Whether a task trains on the examples of all tasks so far.
#[must_use]
pub fn is_cumulative(plan: &Plan) -> bool {
    served(plan).any(|(served, _)| served.cumulative)
}

/// Whether the batches of a run are those of the stream's tasks.
///
/// # Errors
/// A sentence that names the method which trains on others.
pub fn check_export(plan: &Plan) -> Result<(), String> {
    match plan.methods.iter().find(|c| matches!(registry::find(&c.name).build, Build::Data(_))) {
        None => Ok(()),
        Some(choice) => Err(format!(
            "with the method \"{}\" a run trains on examples of earlier tasks too, which an export does not \
             hold: add --set method=none to export the tasks alone",
            choice.name
        )),
    }
}

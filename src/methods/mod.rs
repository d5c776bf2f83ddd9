//! Methods against the loss of plasticity: what is done to a network beside its optimiser's steps.

mod ewc;
mod joint;
mod l2_init;
mod replay;
mod shrink_and_perturb;

use candle_core::Result;

use crate::nn::{Network, Rehearsed};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Plan};
use crate::tasks::{Examples, TaskStream};

/// A task that the network has just learned.
#[derive(Clone, Copy)]
pub struct Learned<'a> {
    /// Its number in the stream.
    pub task: usize,
    /// What was trained on.
    pub examples: &'a Examples,
    /// All tasks.
    pub tasks: &'a dyn TaskStream,
    /// The network as it is now. Its gradients are free to be used.
    pub network: &'a dyn Network,
}

/// Hooks at the edges of tasks and steps. All of them default to nothing.
///
/// A method is made from the network as initialised, and what it draws comes from streams of its own for
/// every task, every step and every task's end: none of these needs saving. What else it keeps between two steps stands in its state.
pub trait Method: Send {
    /// Before the first step of the network's task number `task`: 0 is the first that it learns.
    fn start_task(&mut self, task: usize, network: &dyn Network, stream: &mut Stream) -> Result<()> {
        let _ = (task, network, stream);
        Ok(())
    }

    /// What the stream's task number `task` trains on, where that is not the task's own examples. Asked again
    /// when a run goes on within a task.
    fn training_set(&self, task: usize, tasks: &dyn TaskStream) -> Option<Examples> {
        let _ = (task, tasks);
        None
    }

    /// Examples of earlier tasks that the next step learns from beside its own batch. `draws` gives the
    /// generator of this very step.
    fn rehearse(&mut self, tasks: &dyn TaskStream, draws: &dyn Fn() -> Stream) -> Vec<Rehearsed> {
        let _ = (tasks, draws);
        Vec::new()
    }

    /// After the last step of a task.
    fn end_task(&mut self, learned: &Learned<'_>, stream: &mut Stream) -> Result<()> {
        let _ = (learned, stream);
        Ok(())
    }

    /// All that it keeps and that a resumed run could not rebuild, as named lists: part of every
    /// checkpoint.
    fn state(&self) -> Vec<(String, Vec<f32>)> {
        Vec::new()
    }

    /// Takes back what [`Method::state`] gave, in the order of the names. A run that goes on within a task
    /// calls this in place of `start_task`.
    fn restore(&mut self, state: Vec<(String, Vec<f32>)>) {
        debug_assert!(state.is_empty(), "a method that keeps a state takes it back");
    }

    /// Between the backward pass and the optimiser's update: gradients may be added to.
    fn before_update(&mut self, network: &dyn Network) -> Result<()> {
        let _ = network;
        Ok(())
    }
}

/// A registered method: its entry, and what builds it for a network just initialised.
struct Registered {
    entry: Entry,
    build: fn(&Choice, &dyn Network) -> Result<Box<dyn Method>>,
    /// Whether it goes with the rest of the plan. The error is a sentence.
    check: fn(&Plan) -> std::result::Result<(), String>,
}

/// The plain optimiser.
struct Plain;

impl Method for Plain {}

/// Every method. A new one is a file and a line here.
const REGISTRY: &[Registered] = &[
    Registered {
        entry: Entry { name: "none", summary: "the optimiser alone", source: "", parameters: &[] },
        build: |_, _| Ok(Box::new(Plain)),
        check: anywhere,
    },
    Registered { entry: l2_init::ENTRY, build: l2_init::build, check: anywhere },
    Registered { entry: shrink_and_perturb::ENTRY, build: shrink_and_perturb::build, check: anywhere },
    Registered { entry: ewc::ENTRY, build: ewc::build, check: ewc::check },
    Registered { entry: replay::ENTRY, build: replay::build, check: anywhere },
    Registered { entry: joint::ENTRY, build: joint::build, check: joint::check },
];

#[allow(clippy::unnecessary_wraps, reason = "the form that every check has")]
fn anywhere(_: &Plan) -> std::result::Result<(), String> {
    Ok(())
}

/// A setting that counts something.
fn count(choice: &Choice, name: &str) -> usize {
    usize::try_from(choice.integer(name)).expect("checked against the catalogue")
}

fn known(name: &str) -> &'static Registered {
    REGISTRY.iter().find(|r| r.entry.name == name).unwrap_or_else(|| panic!("no method is named {name}"))
}

/// Whether the plan's method goes with the rest of it. The error is a sentence.
pub fn check(plan: &Plan) -> std::result::Result<(), String> {
    if plan.methods.len() > 1 {
        return Err(format!("{} cannot be combined: name one method", plan.method_names()));
    }
    plan.methods.iter().try_for_each(|method| (known(&method.name).check)(plan))
}

/// Catalogue section `methods`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|r| r.entry).collect()
}

/// The method that a checked plan names, for a network just initialised.
///
/// # Panics
/// If a choice is not one of [`entries`].
pub fn build(choices: &[Choice], network: &dyn Network) -> Result<Box<dyn Method>> {
    match choices.first() {
        None => Ok(Box::new(Plain)),
        Some(choice) => (known(&choice.name).build)(choice, network),
    }
}

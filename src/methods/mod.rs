//! Methods against the loss of plasticity: what is done to a network beside its optimiser's steps.

mod l2_init;
mod shrink_and_perturb;

use candle_core::Result;

use crate::nn::Network;
use crate::random::Stream;
use crate::spec::{Choice, Entry};

/// Hooks at the edges of tasks and steps. All of them default to nothing.
///
/// A method is made from the network as initialised, and what it draws comes from a stream of its own
/// for every task: neither needs saving. What else it keeps between two steps stands in its state.
pub trait Method: Send {
    /// Before the first step of the network's task number `task`: 0 is the first that it learns.
    fn start_task(&mut self, task: usize, network: &dyn Network, stream: &mut Stream) -> Result<()> {
        let _ = (task, network, stream);
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
}

/// The plain optimiser.
struct None;

impl Method for None {}

/// Every method. A new one is a file and a line here.
const REGISTRY: &[Registered] = &[
    Registered {
        entry: Entry { name: "none", summary: "the optimiser alone", source: "", parameters: &[] },
        build: |_, _| Ok(Box::new(None)),
    },
    Registered { entry: l2_init::ENTRY, build: l2_init::build },
    Registered { entry: shrink_and_perturb::ENTRY, build: shrink_and_perturb::build },
];

/// Catalogue section `methods`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|r| r.entry).collect()
}

/// The method that a checked choice names, for a network just initialised.
///
/// # Panics
/// If the choice is not one of [`entries`].
pub fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let known = REGISTRY.iter().find(|r| r.entry.name == choice.name);
    (known.unwrap_or_else(|| panic!("no method is named {}", choice.name)).build)(choice, network)
}

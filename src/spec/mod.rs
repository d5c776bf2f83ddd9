//! What is asked: TOML in, a checked grid of single-run plans out.
//!
//! A spec has the sections `data` and `stream` (images) or `environment`, `stream`, `agent`, `critic` and
//! `evaluation` (control) or `diagnostic`, and `network`, `activation`, `optimizer`, `method` and `probes`; `[grid]` or `[[variants]]` make many runs of it (see [`Spec`]). Names and parameters are
//! checked against a [`Catalogue`]. How settings are laid over each other:
//!
//! - A value replaces what stood under its key; a dotted key sets that key alone.
//! - A table (`activation = { … }` in a variant or a grid's list) is laid over the section key by key.
//!   Where it names another activation, optimiser, method, network or constraint than the section, it
//!   replaces the section, whose parameters belong to the old name. `[stream]` keeps its own keys
//!   (tasks, steps, …) and loses those of the old family.
//! - A word is short for a table with that name: `activation = ["relu", "gelu"]`, `constraint = "frozen"`.
//! - The order is: the spec, a variant or a grid point (sections before dotted keys), `--set`. A `--set` of
//!   a whole section comes before a point's keys within it, and an axis that is a `--set` comes last.
//! - `[[method]]` (or a list of names) is a list of methods; `--set method.ewc.strength=10` sets one of them.
//! - Runs that come out the same are run once.
//!
//! `[tune]` lays settings over every variant, to find each one's best ([`Tuning`]).

mod axes;
mod catalogue;
mod choice;
mod error;
mod grid;
pub mod keys;
mod nearest;
mod overlay;
mod parse;
mod plan;
mod presets;
mod reader;
mod search;
mod sections;
mod seeds;
mod settings;
mod slug;
mod tree;
mod tune;
mod variants;
mod write;

#[cfg(test)]
pub(crate) mod test_plans;
#[cfg(test)]
mod tests;

pub use axes::{Axis, axes, value, values};
pub use catalogue::{Catalogue, Choice, Entry, Kind, Parameter, Rule, Value};
pub use error::SpecError;
pub use parse::{MAX_BYTES, Spec};
pub use plan::{
    Augmentation, ControlPlan, CriticPlan, DataPlan, ExamplesFrom, Head, Length, Order, Plan, ProbesPlan,
    Scaling, StreamPlan, Transition, TransitionForm, Work,
};
pub use presets::Preset;
pub use settings::Setting;
pub use tune::{TUNING_SUFFIX, Tuned, Tuning};
pub use variants::variants_toml;
pub use write::number;

/// Most runs that one grid may have.
pub const MAX_RUNS: usize = 100_000;

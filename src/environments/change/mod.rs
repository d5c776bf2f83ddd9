//! Environments that change: a stream of tasks, each an environment of its own, from a seed and the task's
//! number alone.

mod dynamics;
mod observation_offset;
mod single;
mod slippery;
mod switch;

use super::{BuildError, Environment, Named};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// A stream of environments.
pub trait Change: Send + Sync {
    /// The environment of task number `index`, before its first reset. Whoever calls it twice gets the same
    /// environment twice.
    ///
    /// # Errors
    /// If it cannot be built, or changed so.
    fn task(&self, index: usize) -> Result<Box<dyn Environment>, BuildError>;

    /// What is particular to task number `index`, in a few words: `friction 0.31`.
    fn describe(&self, index: usize) -> String;
}

/// Makes a stream from a checked choice, the environment and the seed.
pub type Build = fn(&Choice, &Named, u64) -> Result<Box<dyn Change>, BuildError>;

/// A registered family.
#[derive(Clone, Copy)]
pub struct Registered {
    /// Name, summary, source, parameters.
    pub entry: Entry,
    /// Makes it.
    pub build: Build,
}

/// Every family. A new one is a file and a line here.
#[must_use]
pub fn registry() -> Vec<Registered> {
    vec![
        Registered { entry: single::ENTRY, build: single::build },
        Registered { entry: switch::ENTRY, build: switch::build },
        Registered { entry: slippery::ENTRY, build: slippery::build },
        Registered { entry: observation_offset::ENTRY, build: observation_offset::build },
        Registered { entry: dynamics::ENTRY, build: dynamics::build },
    ]
}

/// Catalogue section `changes`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    registry().into_iter().map(|registered| registered.entry).collect()
}

/// The family that `choice` names, on `environment`, drawn from `seed`. The environments of
/// all names are built once, so that a name or a change that cannot be is found out here.
///
/// # Errors
/// As said.
pub fn build(choice: &Choice, environment: &Named, seed: u64) -> Result<Box<dyn Change>, BuildError> {
    let family = registry().into_iter().find(|registered| registered.entry.name == choice.name);
    let family =
        family.ok_or_else(|| BuildError::Family(format!("there is no change named {}", choice.name)))?;
    (family.build)(choice, environment, seed)
}

/// Whether the first task is drawn like the others.
const FIRST: Parameter = Parameter {
    name: "first_task",
    summary: "the first task: the environment as it is, or drawn like the others",
    kind: Kind::Text { default: Some("unchanged"), one_of: &["unchanged", "drawn"] },
};

/// The draws of task number `index`; `None` for a first task that is left as it is.
fn draws(first_drawn: bool, seed: u64, index: usize) -> Option<Stream> {
    (index > 0 || first_drawn).then(|| Stream::new(seed, "tasks", index as u64))
}

/// Log-uniform in [low, high], both above 0.
fn log_uniform(draws: &mut Stream, low: f64, high: f64) -> f64 {
    libm::exp(draws.uniform(libm::log(low), libm::log(high))).clamp(low, high)
}

#[cfg(test)]
mod tests;

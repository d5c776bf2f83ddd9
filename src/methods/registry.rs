//! Every method: its entry, how it is built, what it goes with, and what it costs.

use candle_core::Result;

use super::data::{self, Served};
use super::hooks::Method;
use super::{ewc, l2_init, shrink_and_perturb};
use crate::nn::Network;
use crate::spec::{Choice, Entry, Plan};

/// How a method is built.
#[derive(Clone, Copy)]
pub(super) enum Build {
    /// It does nothing.
    Nothing,
    /// It works on weights.
    Weights(fn(&Choice, &dyn Network) -> Result<Box<dyn Method>>),
    /// It says what is trained on.
    Data(Served),
}

/// A registered method.
pub(super) struct Registered {
    pub entry: Entry,
    pub build: Build,
    /// Whether it goes with the rest of the plan. The error is a sentence.
    pub check: fn(&Plan, &Choice) -> std::result::Result<(), String>,
    /// Methods that it cannot be combined with, and why in a half sentence.
    pub excludes: &'static [(&'static str, &'static str)],
}

/// The plain optimiser.
const NONE: Registered = Registered {
    entry: Entry { name: "none", summary: "the optimiser alone", source: "", parameters: &[] },
    build: Build::Nothing,
    check: anywhere,
    excludes: &[],
};

/// Every method. A new one is a file and a line here.
const REGISTRY: &[Registered] = &[
    NONE,
    l2_init::METHOD,
    shrink_and_perturb::METHOD,
    ewc::METHOD,
    data::replay::METHOD,
    data::joint::METHOD,
];

/// For methods that go with every plan.
#[allow(clippy::unnecessary_wraps, reason = "the form that every check has")]
pub(super) fn anywhere(_: &Plan, _: &Choice) -> std::result::Result<(), String> {
    Ok(())
}

/// The method of this name.
///
/// # Panics
/// If there is none: a plan holds checked names alone.
pub(super) fn find(name: &str) -> &'static Registered {
    REGISTRY.iter().find(|r| r.entry.name == name).unwrap_or_else(|| panic!("no method is named {name}"))
}

/// Catalogue section `methods`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|r| r.entry).collect()
}

/// Whether the plan's methods go with each other and with the rest of it.
///
/// # Errors
/// A sentence that names the cure.
pub fn check(plan: &Plan) -> std::result::Result<(), String> {
    let chosen = &plan.methods;
    for (number, choice) in chosen.iter().enumerate() {
        let name = choice.name.as_str();
        if chosen[..number].iter().any(|earlier| earlier.name == name) {
            return Err(format!("the method \"{name}\" is named twice: keep one of the two"));
        }
        if name == NONE.entry.name && chosen.len() > 1 {
            return Err("the method \"none\" does not go with others: leave it out".into());
        }
        for (other, why) in find(name).excludes {
            if chosen.iter().any(|choice| choice.name == *other) {
                return Err(format!(
                    "the methods \"{name}\" and \"{other}\" cannot be combined: {why}; keep one of the two"
                ));
            }
        }
        (find(name).check)(plan, choice)?;
    }
    Ok(())
}

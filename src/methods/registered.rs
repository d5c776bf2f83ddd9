//! What the registry holds of a method.

use candle_core::Result;

use super::data::curriculum::Served;
use super::hooks::Method;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Plan};

/// Why what remembers earlier tasks is not combined with joint training.
pub(super) const JOINT_HAS_ALL: &str = "joint training has the examples of all earlier tasks already";

/// How a method is built.
#[derive(Clone, Copy)]
pub(super) enum Build {
    /// It does nothing.
    Nothing,
    /// It works on weights.
    Weights(fn(&Choice, &dyn Network) -> Result<Box<dyn Method>>),
    /// It works on weights, and looks at a task's examples when the task ends.
    Consolidation(fn(&Choice, &dyn Network) -> Result<Box<dyn Method>>),
    /// It says what is trained on.
    Data(Served),
}

/// A registered method.
pub(super) struct Registered {
    pub entry: Entry,
    pub build: Build,
    /// Whether it goes with the rest of the plan. The error is a sentence.
    pub check: fn(&Plan, &Choice) -> std::result::Result<(), String>,
    /// Methods that it cannot be combined with, and why in half a sentence.
    pub excludes: &'static [(&'static str, &'static str)],
}

impl Registered {
    /// Whether it makes no sense without a task's examples.
    pub fn needs_examples(&self) -> bool {
        matches!(self.build, Build::Data(_) | Build::Consolidation(_))
    }
}

/// For methods that go with every plan.
#[allow(clippy::unnecessary_wraps, reason = "the form that every check has")]
pub(super) fn anywhere(_: &Plan, _: &Choice) -> std::result::Result<(), String> {
    Ok(())
}

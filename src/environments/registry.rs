//! All environments by name.

use super::planar::Changes;
use super::{Environment, EnvironmentError, classic_control, dm_control, gymnasium, python};
use crate::spec::{Entry, Plan, Value};

/// An environment that can be built by name.
#[derive(Clone, Copy)]
pub struct Registered {
    /// Name, summary, source.
    pub entry: Entry,
    /// Makes one in a changed world; one that is no mechanism refuses any change.
    pub build: fn(&Changes) -> Result<Box<dyn Environment>, BuildError>,
}

/// Why an environment could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The name is not known.
    #[error("there is no environment {0}: `list environments` shows those that there are")]
    Unknown(String),
    /// A change to its world that it cannot have.
    #[error("{0} cannot be changed so: {1}")]
    Changes(String, String),
    /// A family of changes that does not go with its settings; a sentence.
    #[error("{0}")]
    Family(String),
    /// A program outside that does not come up; the sentence names the cure.
    #[error(transparent)]
    Outside(#[from] EnvironmentError),
}

/// Every environment. A new one is a line in the list of its file.
#[must_use]
pub fn registry() -> Vec<Registered> {
    [dm_control::registry(), gymnasium::registry(), classic_control::registry()].concat()
}

/// What can be said about every environment by name.
#[must_use]
pub fn entries() -> Vec<Entry> {
    registry().into_iter().map(|registered| registered.entry).collect()
}

/// An environment by its name, and what runs it if it is one of Python.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    name: String,
    python: Option<String>,
}

impl Named {
    /// With the interpreter of environments outside; `None` for that of `PLASTICITY_PYTHON`, or python3.
    #[must_use]
    pub fn new(name: &str, python: Option<&str>) -> Self {
        Self { name: name.to_owned(), python: python.map(str::to_owned) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Another one by the same interpreter.
    #[must_use]
    pub fn other(&self, name: &str) -> Self {
        Self::new(name, self.python.as_deref())
    }

    /// Builds it.
    ///
    /// # Errors
    /// If there is none of this name, or it does not come up.
    pub fn build(&self) -> Result<Box<dyn Environment>, BuildError> {
        self.build_changed(&Changes::default())
    }

    /// Builds it in a changed world.
    ///
    /// # Errors
    /// Likewise, and if it cannot be changed so.
    pub fn build_changed(&self, changes: &Changes) -> Result<Box<dyn Environment>, BuildError> {
        let name = &self.name;
        if let Some(outside) = name.strip_prefix(python::PREFIX) {
            if *changes != Changes::default() {
                let why = "a program outside has its own world".to_owned();
                return Err(BuildError::Changes(name.clone(), why));
            }
            return Ok(python::build(outside, &python::Launch::new(self.python.as_deref())?)?);
        }
        let found = registry().into_iter().find(|registered| registered.entry.name == name);
        (found.ok_or_else(|| BuildError::Unknown(name.clone()))?.build)(changes)
    }
}

/// Whether a plan that names an interpreter has an environment for it.
///
/// # Errors
/// The sentence that says so.
pub fn check(plan: &Plan) -> Result<(), String> {
    let Some(control) = plan.control() else { return Ok(()) };
    let Some(interpreter) = &control.python else { return Ok(()) };
    let following = match control.change.get("environments") {
        Some(Value::Names(names)) => &names[..],
        _ => &[],
    };
    let outside = |name: &String| name.starts_with(python::PREFIX);
    if outside(&control.environment) || following.iter().any(outside) {
        return Ok(());
    }
    Err(format!(
        "environment.python = {interpreter:?} is the interpreter of environments outside, as in \
         \"python:gymnasium/Ant-v5\", and {} runs without one: leave the key out",
        control.environment
    ))
}

/// The environment of this name.
///
/// # Errors
/// If there is none.
pub fn build(name: &str) -> Result<Box<dyn Environment>, BuildError> {
    Named::new(name, None).build()
}

/// The environment of this name in a changed world.
///
/// # Errors
/// If there is none, or if it cannot be changed so.
pub fn build_changed(name: &str, changes: &Changes) -> Result<Box<dyn Environment>, BuildError> {
    Named::new(name, None).build_changed(changes)
}

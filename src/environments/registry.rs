//! All environments by name.

use super::planar::Changes;
use super::{Environment, EnvironmentError, classic_control, dm_control, gymnasium, python};
use crate::spec::Entry;

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

/// The environment of this name.
///
/// # Errors
/// If there is none.
pub fn build(name: &str) -> Result<Box<dyn Environment>, BuildError> {
    build_changed(name, &Changes::default())
}

/// The environment of this name in a changed world.
///
/// # Errors
/// If there is none, or if it cannot be changed so.
pub fn build_changed(name: &str, changes: &Changes) -> Result<Box<dyn Environment>, BuildError> {
    if let Some(outside) = name.strip_prefix(python::PREFIX) {
        if *changes != Changes::default() {
            let why = "a program outside has its own world".to_owned();
            return Err(BuildError::Changes(name.to_owned(), why));
        }
        return Ok(python::build(outside, &python::Launch::new(None)?)?);
    }
    let found = registry().into_iter().find(|registered| registered.entry.name == name);
    (found.ok_or_else(|| BuildError::Unknown(name.to_owned()))?.build)(changes)
}

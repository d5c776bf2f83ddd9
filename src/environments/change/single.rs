//! `single`: the same environment throughout.

use super::Change;
use crate::environments::{BuildError, Environment, build as environment};
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry =
    Entry { name: "single", summary: "the same environment in every task", source: "", parameters: &[] };

struct Single {
    name: String,
}

/// See [`ENTRY`].
pub fn build(_: &Choice, name: &str, _: u64) -> Result<Box<dyn Change>, BuildError> {
    environment(name)?;
    Ok(Box::new(Single { name: name.to_owned() }))
}

impl Change for Single {
    fn task(&self, _: usize) -> Result<Box<dyn Environment>, BuildError> {
        environment(&self.name)
    }

    fn describe(&self, _: usize) -> String {
        self.name.clone()
    }
}

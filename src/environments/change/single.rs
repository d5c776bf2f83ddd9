//! `single`: the same environment throughout.

use super::Change;
use crate::environments::{BuildError, Environment, Named};
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry =
    Entry { name: "single", summary: "the same environment in every task", source: "", parameters: &[] };

struct Single {
    environment: Named,
}

/// See [`ENTRY`].
pub fn build(_: &Choice, environment: &Named, _: u64) -> Result<Box<dyn Change>, BuildError> {
    environment.build()?;
    Ok(Box::new(Single { environment: environment.clone() }))
}

impl Change for Single {
    fn task(&self, _: usize) -> Result<Box<dyn Environment>, BuildError> {
        self.environment.build()
    }

    fn describe(&self, _: usize) -> String {
        self.environment.name().to_owned()
    }
}

//! A checkpoint, read back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::error::CheckpointError;
use super::manifest::Position;
use crate::sha256::Prefixes;
use crate::state::{StateDict, Stateful};

/// A checkpoint that was read.
pub struct Saved {
    /// Where the run stands.
    pub position: Position,
    /// What the result files held at that moment.
    pub files: Prefixes,
    pub(super) open: Option<toml::Table>,
    pub(super) parts: BTreeMap<String, StateDict>,
    pub(super) path: PathBuf,
}

impl Saved {
    /// Whether it has a part of this name.
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        self.parts.contains_key(part)
    }

    /// Hands a part its state.
    ///
    /// # Errors
    /// If there is none, or it does not fit; likewise below.
    pub fn load(&self, name: &str, part: &mut dyn Stateful) -> Result<(), CheckpointError> {
        let Some(state) = self.parts.get(name) else {
            return Err(self.unfit(format!("it has no part \"{name}\"")));
        };
        part.load(state).map_err(|error| self.unfit(error.to_string()))
    }

    /// What the loop remembered of the task under way; `None` between two tasks.
    pub fn record<R: DeserializeOwned>(&self) -> Result<Option<R>, CheckpointError> {
        let record = self.open.clone().map(toml::Table::try_into).transpose();
        record.map_err(|error| self.unfit(error.to_string()))
    }

    fn unfit(&self, why: String) -> CheckpointError {
        CheckpointError::Content { path: self.path.clone(), why }
    }
}

//! The state of a run on disk: what it needs to go on to the same bytes.
//!
//! A checkpoint holds the states of any number of parts (the learner; an agent, its environment). Each part
//! has up to two files: `task-0003.safetensors` with its tensors, weights and running statistics under
//! `PyTorch`'s names and layouts (a rational's coefficients as `numerator` and `denominator`), and
//! `task-0003.state.safetensors` with the rest: moments, step counts, what methods keep, positions of random
//! streams. The names of all but the first part stand before the ending: `task-0003.fresh.safetensors`.
//!
//! `task-0003.toml`, the manifest, is written last. It holds the SHA-256 of these files, length and SHA-256
//! of the CSV files at that moment, and in its last line its own SHA-256. A checkpoint without a manifest
//! does not exist, and one whose files do not match it is passed over for the one before. Within a task the
//! names are `task-0003-step-00001500.*`, and the manifest has besides what the loop remembers of the task.
//!
//! A state is taken at once, between two steps. A small one is on disk when [`Checkpoints::save`] returns; a
//! large one (a replay buffer) is written by a thread of its own while training goes on, and the next save, or
//! [`Checkpoints::finish`], waits for it. A kill in between leaves the checkpoint before.
//!
//! When a checkpoint is due is read off the monotonic clock, and which is the newest off its name: a clock
//! that jumps changes neither.

mod error;
mod folder;
mod manifest;
mod policy;
mod saved;
mod tensors;

use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;

pub use self::error::CheckpointError;
use self::folder::{Folder, Snapshot};
pub use self::manifest::Position;
pub use self::policy::{EVERY, Keep, Policy};
pub use self::saved::Saved;
use super::signals::Signals;
use super::{Rows, TrainError};
use crate::atomic;
use crate::state::StateDict;

/// Between tasks a checkpoint is due this long after the last one: short tasks do not write one each.
const BETWEEN_TASKS: Duration = Duration::from_secs(5);
/// Bytes of state from which on a thread of its own writes them.
const LARGE: usize = 1 << 24;

/// The checkpoints of one run.
pub struct Checkpoints {
    folder: Folder,
    last: Instant,
    /// One that is being written.
    under_way: Option<JoinHandle<Result<(), CheckpointError>>>,
}

impl Checkpoints {
    /// Those of the run in `dir`.
    #[must_use]
    pub fn new(dir: &Path, policy: Policy) -> Self {
        let folder = Folder { path: dir.join("checkpoints"), policy };
        Self { folder, last: Instant::now(), under_way: None }
    }

    /// Whether it is time for the next one between two tasks.
    #[must_use]
    pub fn due(&self) -> bool {
        let policy = &self.folder.policy;
        policy.keep == Keep::All || self.last.elapsed() >= BETWEEN_TASKS.min(policy.every)
    }

    /// Whether it is time for one within a task at `now`.
    #[must_use]
    pub fn due_within(&self, now: Instant) -> bool {
        let policy = &self.folder.policy;
        policy.keep != Keep::None && now.duration_since(self.last) >= policy.every
    }

    /// Whether any are kept: if not, no state need be taken.
    #[must_use]
    pub fn are_kept(&self) -> bool {
        self.folder.policy.keep != Keep::None
    }

    /// Writes the states of `parts` at `position`, if checkpoints are kept. `open` is what the loop has to
    /// remember of a task under way: there has to be one if and only if the position is within a task.
    ///
    /// # Errors
    /// If a file cannot be written, or one of the checkpoint before could not.
    ///
    /// # Panics
    /// If `open` is not a table of numbers, words and lists of these.
    pub fn save<R: Serialize>(
        &mut self,
        position: Position,
        parts: Vec<(&str, StateDict)>,
        open: Option<&R>,
        rows: &mut dyn Rows,
    ) -> Result<(), TrainError> {
        assert_eq!(open.is_some(), position.step > 0, "a record is of a task under way");
        if !self.are_kept() {
            return Ok(());
        }
        self.finish()?;
        let open = open.map(|open| toml::Table::try_from(open).expect("a record is a table of plain values"));
        let parts: Vec<_> = parts.into_iter().map(|(name, state)| (name.to_owned(), state)).collect();
        let large = parts.iter().map(|(_, state)| state.size()).sum::<usize>() >= LARGE;
        let snapshot = Snapshot { position, parts, open, files: rows.commit()? };
        if large {
            let folder = self.folder.clone();
            self.under_way = Some(thread::spawn(move || folder.write(&snapshot)));
        } else {
            self.folder.write(&snapshot)?;
        }
        self.last = Instant::now();
        Ok(())
    }

    /// Waits until the checkpoint under way is on disk, if there is one.
    ///
    /// # Errors
    /// If one of its files could not be written.
    pub fn finish(&mut self) -> Result<(), CheckpointError> {
        let Some(under_way) = self.under_way.take() else { return Ok(()) };
        under_way.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Reads the newest undamaged checkpoint whose rows are still there, if there is one.
    ///
    /// # Errors
    /// If a file cannot be read, or another version wrote the newest checkpoint.
    pub fn restore(&mut self, rows: &dyn Rows, signals: &Signals) -> Result<Option<Saved>, TrainError> {
        let path = &self.folder.path;
        atomic::sweep(path).map_err(|e| CheckpointError::folder(path, e))?;
        let mut first_without_rows = None;
        for position in self.folder.existing()?.into_iter().rev() {
            let Some(saved) = self.folder.read(position)? else {
                signals.note(&format!("the checkpoint {position} is damaged and was passed over"));
                continue;
            };
            if rows.holds(&saved.files)? {
                // The rows that later ones rely on are about to be cut off.
                self.folder.remove(|other| other > position)?;
                return Ok(Some(saved));
            }
            signals.note(&format!(
                "the checkpoint {position} was passed over: rows that it relies on are gone or changed"
            ));
            first_without_rows.get_or_insert(saved);
        }
        // With rows lost from before every checkpoint the observer refuses, and says how to start anew.
        if first_without_rows.is_none() {
            self.folder.remove(|_| true)?;
        }
        Ok(first_without_rows)
    }
}

/// Nobody else may take the run over while its files are still written.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            // Whoever cared for the outcome has called `finish`.
            let _ = under_way.join();
        }
    }
}

#[cfg(test)]
mod tests;

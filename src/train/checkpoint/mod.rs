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
//! When a checkpoint is due is read off the monotonic clock, and which is the newest off its name: a clock
//! that jumps changes neither.

mod error;
mod manifest;
mod tensors;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::CheckpointError;
pub use self::manifest::Position;
use self::manifest::{MANIFEST, Manifest, Parsed, kinds};
use super::signals::Signals;
use super::{Rows, TrainError};
use crate::atomic;
use crate::sha256::{self, Prefixes};
use crate::state::{StateDict, Stateful};

/// Which checkpoints stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None: an interrupted run starts anew.
    None,
    /// The newest, and the one before it in case the newest is damaged.
    Last,
    /// One before every task and one after the last.
    All,
}

/// Which checkpoints are written and stay.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Which stay.
    pub keep: Keep,
    /// The longest that a run computes within a task without one: what a kill can cost.
    pub every: Duration,
}

impl From<Keep> for Policy {
    fn from(keep: Keep) -> Self {
        Self { keep, every: EVERY }
    }
}

/// Time between two checkpoints within a task, unless said otherwise.
pub const EVERY: Duration = Duration::from_mins(5);
/// Between tasks a checkpoint is due this long after the last one: short tasks do not write one each.
const BETWEEN_TASKS: Duration = Duration::from_secs(5);

/// A checkpoint that was read.
pub struct Saved {
    /// Where the run stands.
    pub position: Position,
    /// What the result files held at that moment.
    pub files: Prefixes,
    open: Option<toml::Table>,
    parts: BTreeMap<String, StateDict>,
    path: PathBuf,
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

/// The checkpoints of one run.
pub struct Checkpoints {
    folder: PathBuf,
    policy: Policy,
    last: Instant,
}

impl Checkpoints {
    /// Those of the run in `dir`.
    #[must_use]
    pub fn new(dir: &Path, policy: Policy) -> Self {
        Self { folder: dir.join("checkpoints"), policy, last: Instant::now() }
    }

    /// Whether it is time for the next one between two tasks.
    #[must_use]
    pub fn due(&self) -> bool {
        self.policy.keep == Keep::All || self.last.elapsed() >= BETWEEN_TASKS.min(self.policy.every)
    }

    /// Whether it is time for one within a task at `now`.
    #[must_use]
    pub fn due_within(&self, now: Instant) -> bool {
        self.policy.keep != Keep::None && now.duration_since(self.last) >= self.policy.every
    }

    /// Writes the states of `parts` at `position`, if checkpoints are kept. `open` is what the loop has to
    /// remember of a task under way: there has to be one if and only if the position is within a task.
    ///
    /// # Errors
    /// If a file cannot be written.
    ///
    /// # Panics
    /// If `open` is not a table of numbers, words and lists of these.
    pub fn save<R: Serialize>(
        &mut self,
        position: Position,
        parts: &[(&str, &dyn Stateful)],
        open: Option<&R>,
        rows: &mut dyn Rows,
    ) -> Result<(), TrainError> {
        assert_eq!(open.is_some(), position.step > 0, "a record is of a task under way");
        if self.policy.keep == Keep::None {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(|e| CheckpointError::folder(&self.folder, e))?;
        let mut digests = BTreeMap::new();
        for (name, part) in parts {
            let mut state = StateDict::default();
            part.save(&mut state);
            let files = tensors::write(&state).map_err(|error| CheckpointError::Content {
                path: self.folder.clone(),
                why: error.to_string(),
            })?;
            for (kind, bytes) in kinds(name).into_iter().zip(files) {
                let Some(bytes) = bytes else { continue };
                put(&self.path(position, &kind), &bytes)?;
                digests.insert(kind, sha256::of(&bytes));
            }
        }
        let open = open.map(|open| toml::Table::try_from(open).expect("a record is a table of plain values"));
        let manifest = Manifest::new(position, digests, open, rows.commit()?);
        put(&self.path(position, MANIFEST), manifest.to_toml().as_bytes())?;
        self.last = Instant::now();
        Ok(self.prune(position)?)
    }

    /// Reads the newest undamaged checkpoint whose rows are still there, if there is one.
    ///
    /// # Errors
    /// If a file cannot be read, or another version wrote the newest checkpoint.
    pub fn restore(&mut self, rows: &dyn Rows, signals: &Signals) -> Result<Option<Saved>, TrainError> {
        atomic::sweep(&self.folder).map_err(|e| CheckpointError::folder(&self.folder, e))?;
        let mut first_without_rows = None;
        for position in self.existing()?.into_iter().rev() {
            let Some(saved) = self.read(position)? else {
                signals.note(&format!("the checkpoint {position} is damaged and was passed over"));
                continue;
            };
            if rows.holds(&saved.files)? {
                // The rows that later ones rely on are about to be cut off.
                self.remove(|other| other > position)?;
                return Ok(Some(saved));
            }
            signals.note(&format!(
                "the checkpoint {position} was passed over: rows that it relies on are gone or changed"
            ));
            first_without_rows.get_or_insert(saved);
        }
        // With rows lost from before every checkpoint the observer refuses, and says how to start anew.
        if first_without_rows.is_none() {
            self.remove(|_| true)?;
        }
        Ok(first_without_rows)
    }

    /// The checkpoint at `position`; `None` if a file is missing or not what the manifest says.
    fn read(&self, position: Position) -> Result<Option<Saved>, CheckpointError> {
        let file = |kind: &str| {
            let path = self.path(position, kind);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(CheckpointError::file(&path, error)),
            }
        };
        let path = self.path(position, MANIFEST);
        let manifest = match file(MANIFEST)?.map(|text| Manifest::parse(&text, position)) {
            Some(Parsed::Whole(manifest)) => manifest,
            Some(Parsed::Format(found)) => return Err(CheckpointError::Format { path, found }),
            Some(Parsed::Damaged) | None => return Ok(None),
        };
        let mut data = BTreeMap::new();
        for (kind, digest) in &manifest.digests {
            let Some(bytes) = file(kind)?.filter(|bytes| sha256::of(bytes) == *digest) else {
                return Ok(None);
            };
            data.insert(kind.as_str(), bytes);
        }
        let mut parts = BTreeMap::new();
        for part in data.keys().map(|kind| part_of(kind)) {
            let [tensors, rest] = kinds(part);
            let of_part = [(true, tensors), (false, rest)];
            let files = of_part.iter().filter_map(|(shaped, kind)| Some((*shaped, &data.get(&**kind)?[..])));
            let state = tensors::read(&files.collect())
                .map_err(|why| CheckpointError::Content { path: path.clone(), why })?;
            parts.insert(part.to_owned(), state);
        }
        Ok(Some(Saved { position, files: manifest.files, open: manifest.open, parts, path }))
    }

    /// Positions of the checkpoints that have a manifest, rising.
    fn existing(&self) -> Result<Vec<Position>, CheckpointError> {
        let mut positions: Vec<Position> =
            self.files()?.into_iter().filter(|(.., kind)| kind == MANIFEST).map(|(at, _)| at).collect();
        positions.sort_unstable();
        Ok(positions)
    }

    /// Positions and kinds of all files. What has another name, or is no file, is not a checkpoint's.
    fn files(&self) -> Result<Vec<(Position, String)>, CheckpointError> {
        let failed = |error| CheckpointError::folder(&self.folder, error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let file = name.to_str().and_then(Position::of_file).filter(|_| !entry.path().is_dir());
            files.extend(file.map(|(position, kind)| (position, kind.to_owned())));
        }
        Ok(files)
    }

    /// Removes what need not stay once the checkpoint at `newest` stands.
    fn prune(&self, newest: Position) -> Result<(), CheckpointError> {
        let before = self.existing()?.into_iter().rfind(|&position| position < newest);
        self.remove(|position| match self.policy.keep {
            _ if position >= newest => false,
            Keep::None => true,
            Keep::Last => Some(position) != before,
            // Those within a task go when its end is saved.
            Keep::All => position.step > 0 && (newest.step == 0 || Some(position) != before),
        })
    }

    /// Removes the checkpoints at all positions that `goes` names, and what a kill left of others there.
    fn remove(&self, goes: impl Fn(Position) -> bool) -> Result<(), CheckpointError> {
        let mut gone = self.files()?;
        gone.retain(|(position, _)| goes(*position));
        // The manifest first: a kill in between leaves files without one, not one without files.
        gone.sort_by_key(|(_, kind)| kind != MANIFEST);
        for (position, kind) in gone {
            let path = self.path(position, &kind);
            fs::remove_file(&path).map_err(|e| CheckpointError::file(&path, e))?;
        }
        Ok(())
    }

    fn path(&self, position: Position, kind: &str) -> PathBuf {
        self.folder.join(format!("{position}.{kind}"))
    }
}

/// The part that a file of this kind belongs to.
fn part_of(kind: &str) -> &str {
    let tensors = kind.rsplit_once('.').map_or("", |(part, _)| part);
    match tensors.rsplit_once('.') {
        _ if tensors == "state" => "",
        Some((part, "state")) => part,
        _ => tensors,
    }
}

/// A kill leaves the old file or the new one, nothing between.
fn put(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    atomic::write(path, bytes).map_err(|error| CheckpointError::file(path, error))
}

#[cfg(test)]
mod tests;

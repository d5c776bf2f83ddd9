//! The folder of a run's checkpoints: its files, and which of them stay.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::CheckpointError;
use super::manifest::{MANIFEST, Manifest, Parsed, Position, kinds};
use super::policy::{Keep, Policy};
use super::saved::Saved;
use super::tensors;
use crate::atomic::Staged;
use crate::sha256::{self, Growing, Prefixes};
use crate::state::StateDict;

/// A checkpoint that is to be written: everything in it is of one moment.
pub(super) struct Snapshot {
    pub position: Position,
    /// The state of every part.
    pub parts: Vec<(String, StateDict)>,
    /// What the loop remembers of the task under way.
    pub open: Option<toml::Table>,
    /// What the result files held.
    pub files: Prefixes,
}

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub path: PathBuf,
    pub policy: Policy,
}

impl Folder {
    /// Writes a checkpoint, its manifest last, and removes those that need not stay beside it.
    pub fn write(&self, snapshot: &Snapshot) -> Result<(), CheckpointError> {
        fs::create_dir_all(&self.path).map_err(|e| CheckpointError::folder(&self.path, e))?;
        let position = snapshot.position;
        let mut digests = BTreeMap::new();
        for (name, state) in &snapshot.parts {
            let files = tensors::files(state).map_err(|error| CheckpointError::Content {
                path: self.path.clone(),
                why: error.to_string(),
            })?;
            for (kind, file) in kinds(name).into_iter().zip(files) {
                let Some(file) = file else { continue };
                let digest = put(&self.file(position, &kind), |to| file.write(to))?;
                digests.insert(kind, digest);
            }
        }
        let manifest = Manifest::new(position, digests, snapshot.open.clone(), snapshot.files.clone());
        let text = manifest.to_toml();
        put(&self.file(position, MANIFEST), |to| to.write_all(text.as_bytes()))?;
        self.prune(position)
    }

    /// The checkpoint at `position`; `None` if a file is missing or not what the manifest says.
    pub fn read(&self, position: Position) -> Result<Option<Saved>, CheckpointError> {
        let file = |kind: &str| {
            let path = self.file(position, kind);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(CheckpointError::file(&path, error)),
            }
        };
        let path = self.file(position, MANIFEST);
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
    pub fn existing(&self) -> Result<Vec<Position>, CheckpointError> {
        let mut positions: Vec<Position> =
            self.files()?.into_iter().filter(|(.., kind)| kind == MANIFEST).map(|(at, _)| at).collect();
        positions.sort_unstable();
        Ok(positions)
    }

    /// Positions and kinds of all files. What has another name, or is no file, is not a checkpoint's.
    fn files(&self) -> Result<Vec<(Position, String)>, CheckpointError> {
        let failed = |error| CheckpointError::folder(&self.path, error);
        let entries = match fs::read_dir(&self.path) {
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
    pub fn remove(&self, goes: impl Fn(Position) -> bool) -> Result<(), CheckpointError> {
        let mut gone = self.files()?;
        gone.retain(|(position, _)| goes(*position));
        // The manifest first: a kill in between leaves files without one, not one without files.
        gone.sort_by_key(|(_, kind)| kind != MANIFEST);
        for (position, kind) in gone {
            let path = self.file(position, &kind);
            fs::remove_file(&path).map_err(|e| CheckpointError::file(&path, e))?;
        }
        Ok(())
    }

    fn file(&self, position: Position, kind: &str) -> PathBuf {
        self.path.join(format!("{position}.{kind}"))
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

/// Passes on what is written and takes its digest.
struct Digesting<W> {
    to: W,
    digest: Growing,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.push(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A kill leaves the old file or the new one, nothing between. Gives the file's SHA-256.
fn put(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<String, CheckpointError> {
    let mut digest = Growing::default();
    let staged = Staged::write(path, |file| {
        let mut to = Digesting { to: file, digest: Growing::default() };
        content(&mut to)?;
        digest = to.digest;
        Ok(())
    });
    staged.and_then(Staged::commit).map_err(|error| CheckpointError::file(path, error))?;
    Ok(digest.prefix().sha256)
}

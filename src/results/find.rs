//! Which folders are runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, bail};

use crate::record::RUN_FILE;

/// Folders below a given one that are looked into: RESULTS/DATE/NAME/RUN and one more.
const DEEPEST: usize = 5;

/// The folders in one.
#[derive(Debug, Default)]
pub struct Inner {
    /// In the order of their names, without hidden ones.
    pub real: Vec<PathBuf>,
    /// Links to folders. They are not followed: they can lead in circles.
    pub links: Vec<PathBuf>,
}

/// What is under the given folders.
#[derive(Debug, Default)]
pub struct Found {
    /// Folders of runs, each once.
    pub runs: Vec<PathBuf>,
    /// Links to folders that were passed over.
    pub links: Vec<PathBuf>,
}

impl Found {
    /// A sentence for each link that was passed over.
    pub fn passed_over(&self) -> impl Iterator<Item = String> {
        self.links.iter().map(|link| {
            format!(
                "left out: {} is a link to a folder; name that folder to have its runs here",
                link.display()
            )
        })
    }
}

/// The folders in `folder`.
pub fn folders(folder: &Path) -> io::Result<Inner> {
    let mut inner = Inner::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            inner.real.push(entry.path());
        } else if kind.is_symlink() && entry.path().is_dir() {
            inner.links.push(entry.path());
        }
    }
    inner.real.sort();
    inner.links.sort();
    Ok(inner)
}

/// The run folders under each of `given`, in the order of their names.
///
/// # Errors
/// If a folder cannot be read or holds no runs.
pub fn find(given: &[PathBuf]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for root in given {
        let before = found.runs.len();
        descend(root, DEEPEST, &mut found)
            .with_context(|| format!("the results in {} could not be read", root.display()))?;
        if found.runs.len() == before {
            bail!(
                "{} holds no runs: no {RUN_FILE} in it or below; name a folder that `run --out` wrote to",
                root.display()
            );
        }
    }
    let mut seen = BTreeSet::new();
    found.runs.retain(|folder| seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
    Ok(found)
}

fn descend(folder: &Path, levels: usize, found: &mut Found) -> io::Result<()> {
    if folder.join(RUN_FILE).is_file() {
        found.runs.push(folder.to_owned());
        return Ok(());
    }
    let inner = folders(folder)?;
    found.links.extend(inner.links);
    if levels > 0 {
        inner.real.iter().try_for_each(|path| descend(path, levels - 1, found))?;
    }
    Ok(())
}

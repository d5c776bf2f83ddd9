//! The one writer of a run's rows.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{FILES, RecordError, Row};
use crate::sha256::{Growing, Prefixes};

/// Collects rows and appends them at a task's end and with every checkpoint.
///
/// Rows wait in memory until [`Recorder::commit`] hands each file its share in one write and syncs it.
/// What a checkpoint then remembers of the files is their lengths, and the SHA-256 of what stands within
/// them: a run that resumes cuts each back to that length, repeats what came after, and ends with the
/// same bytes as one that was never stopped.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    tables: BTreeMap<&'static str, Table>,
}

#[derive(Debug)]
struct Table {
    path: PathBuf,
    /// Opened with the first rows.
    file: Option<File>,
    /// What is on disk.
    written: Growing,
    pending: csv::Writer<Vec<u8>>,
}

impl Recorder {
    /// Starts a run in `folder`, which is created where it is missing. Rows of an earlier run there are
    /// removed: whether that is wanted is for the caller to ask.
    pub fn create(folder: &Path) -> Result<Self, RecordError> {
        fs::create_dir_all(folder)
            .map_err(|source| RecordError::Unwritable { path: folder.to_owned(), source })?;
        Self::resume(folder, &Prefixes::new())
    }

    /// Goes on with a run from a checkpoint that remembers `files`: what they have beyond that is cut
    /// off, and files that are not among them are removed.
    pub fn resume(folder: &Path, files: &Prefixes) -> Result<Self, RecordError> {
        if let Some(name) = files.keys().find(|name| !FILES.contains(&name.as_str())) {
            return Err(RecordError::UnknownFile { name: name.clone() });
        }
        // All is looked at before anything is cut, so a refused resume leaves the files as they were.
        let mut kept = BTreeMap::new();
        for (name, remembered) in files {
            let path = folder.join(name);
            let Some(found) = growing(&path, remembered.bytes)? else {
                return Err(RecordError::Shorter {
                    found: length(&path)?,
                    path,
                    remembered: remembered.bytes,
                });
            };
            if found.prefix() != *remembered {
                return Err(RecordError::Changed { path, remembered: remembered.bytes });
            }
            kept.insert(name.as_str(), found);
        }
        let mut tables = BTreeMap::new();
        for &name in FILES {
            let path = folder.join(name);
            let table = Table::open(path.clone(), kept.remove(name).unwrap_or_default())
                .map_err(|source| RecordError::Unwritable { path, source })?;
            tables.insert(name, table);
        }
        Ok(Self { folder: folder.to_owned(), tables })
    }

    /// Whether the files in `folder` still have all rows of a checkpoint that remembers `files`.
    pub fn holds(folder: &Path, files: &Prefixes) -> Result<bool, RecordError> {
        for (name, remembered) in files {
            let found = growing(&folder.join(name), remembered.bytes)?;
            if found.is_none_or(|found| found.prefix() != *remembered) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds a row to those that wait.
    ///
    /// # Panics
    /// If the row is of a kind that no file is listed for, which only a change to this room can bring about.
    pub fn push<R: Row>(&mut self, row: &R) -> Result<(), RecordError> {
        let table = self.tables.get_mut(R::FILE).expect("every kind of row stands in FILES");
        table
            .pending
            .serialize(row)
            .map_err(|source| RecordError::Malformed { path: table.path.clone(), reason: source.to_string() })
    }

    /// Forgets the rows that wait: of a task that was broken off.
    pub fn discard(&mut self) {
        for table in self.tables.values_mut() {
            table.pending = pending(table.written.bytes());
        }
    }

    /// Appends all rows that wait, one write a file, and syncs them to disk.
    pub fn commit(&mut self) -> Result<(), RecordError> {
        let mut created = false;
        for table in self.tables.values_mut() {
            created |= table.file.is_none();
            table.append().map_err(|source| RecordError::Unwritable { path: table.path.clone(), source })?;
        }
        for table in self.tables.values() {
            if let Some(file) = &table.file {
                file.sync_all()
                    .map_err(|source| RecordError::Unwritable { path: table.path.clone(), source })?;
            }
        }
        // A new file's name is lost in a power cut unless its folder is synced too. Where a folder
        // cannot be opened as a file (Windows), there is nothing to sync.
        if created && let Ok(folder) = File::open(&self.folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// What a checkpoint remembers of each file that has rows. Rows that wait do not count.
    #[must_use]
    pub fn prefixes(&self) -> Prefixes {
        (self.tables.iter().filter(|(_, table)| table.written.bytes() > 0))
            .map(|(&name, table)| (name.to_owned(), table.written.prefix()))
            .collect()
    }
}

/// Bytes of a file; a missing one has none.
fn length(path: &Path) -> Result<u64, RecordError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(RecordError::Unreadable { path: path.to_owned(), source }),
    }
}

/// The first `bytes` of a file, if it has so many.
fn growing(path: &Path, bytes: u64) -> Result<Option<Growing>, RecordError> {
    Growing::read(path, bytes).map_err(|source| RecordError::Unreadable { path: path.to_owned(), source })
}

/// An empty buffer; the header goes before the first row of a file.
fn pending(length: u64) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().has_headers(length == 0).from_writer(Vec::new())
}

impl Table {
    fn open(path: PathBuf, written: Growing) -> io::Result<Self> {
        let length = written.bytes();
        let mut table = Self { path, file: None, written, pending: pending(length) };
        if length > 0 {
            // Not in append mode only because some systems refuse to cut a file that is.
            OpenOptions::new().write(true).open(&table.path)?.set_len(length)?;
            table.file = Some(table.append_mode()?);
        } else if let Err(error) = fs::remove_file(&table.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        Ok(table)
    }

    fn append_mode(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(&self.path)
    }

    fn append(&mut self) -> io::Result<()> {
        let rows = std::mem::replace(&mut self.pending, pending(1));
        let bytes = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        if bytes.is_empty() {
            self.pending = pending(self.written.bytes());
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(self.append_mode()?);
        }
        let file = self.file.as_mut().expect("opened above");
        if let Err(error) = file.write_all(&bytes) {
            // A full disk takes part of a row: cut back to whole ones, as far as that still works.
            let whole = self.written.bytes();
            let _ = OpenOptions::new().write(true).open(&self.path).and_then(|f| f.set_len(whole));
            return Err(error);
        }
        self.written.push(&bytes);
        Ok(())
    }
}

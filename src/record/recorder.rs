//! The one writer of a run's rows.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{FILES, RecordError, Row, read};
use crate::sha256::{Growing, Prefixes};

/// Rows of one file that wait in memory at most, in bytes; with more they are written, not yet synced.
const MOST_PENDING: usize = 1 << 20;

/// Collects rows and writes them at a task's end and with every checkpoint.
///
/// Rows wait in memory until [`Recorder::commit`] hands each file its share in one write and syncs it, or
/// until they are more than a megabyte, as those of single steps soon are. What a checkpoint remembers of
/// the files is their lengths, and the SHA-256 of what stands within them: a run that resumes cuts each
/// back to that length, repeats what came after, and ends with the same bytes as one that was never
/// stopped.
///
/// Each file is written at the place where this recorder left it, and only if it still ends there: a
/// second process at the same run, where a file system's locks do not keep it off, is an error and never
/// a row twice.
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
    /// Whether it was, and its folder is not synced yet.
    created: bool,
    /// What is on disk.
    written: Growing,
    pending: csv::Writer<Vec<u8>>,
}

impl Recorder {
    /// Starts a run in `folder`, which is created where it is missing. Rows of an earlier run there are
    /// removed; the caller asks whether that is wanted.
    pub fn create(folder: &Path) -> Result<Self, RecordError> {
        fs::create_dir_all(folder)
            .map_err(|source| RecordError::Unwritable { path: folder.to_owned(), source })?;
        Self::resume(folder, &Prefixes::new())
    }

    /// Goes on with a run from a checkpoint that remembers `files`: what they have beyond that is cut
    /// off, and files that are not among them are removed.
    pub fn resume(folder: &Path, files: &Prefixes) -> Result<Self, RecordError> {
        let known = |name: &String| FILES.iter().any(|file| file.name == name);
        if let Some(name) = files.keys().find(|name| !known(name)) {
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
        for file in FILES.iter().filter(|file| kept.contains_key(file.name)) {
            let path = folder.join(file.name);
            let header = File::open(&path).and_then(|file| read::header(&file));
            let header = header.map_err(|source| RecordError::Unreadable { path: path.clone(), source })?;
            if header != *(file.columns)() {
                return Err(RecordError::OtherColumns { path });
            }
        }
        let mut tables = BTreeMap::new();
        for name in FILES.iter().map(|file| file.name) {
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
        table.pending.serialize(row).map_err(|source| RecordError::Malformed {
            path: table.path.clone(),
            reason: source.to_string(),
        })?;
        if table.pending.get_ref().len() >= MOST_PENDING {
            table.append()?;
        }
        Ok(())
    }

    /// Writes all rows that wait, one write a file, and syncs them to disk.
    pub fn commit(&mut self) -> Result<(), RecordError> {
        let mut created = false;
        for table in self.tables.values_mut() {
            table.append()?;
            created |= std::mem::take(&mut table.created);
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
        let mut table = Self { path, file: None, created: false, written, pending: pending(length) };
        if length > 0 {
            let file = open(&table.path)?;
            file.set_len(length)?;
            table.file = Some(file);
        } else if let Err(error) = fs::remove_file(&table.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        Ok(table)
    }

    fn append(&mut self) -> Result<(), RecordError> {
        let rows = std::mem::replace(&mut self.pending, pending(1));
        let bytes = rows.into_inner().map_err(|error| io::Error::other(error.to_string()));
        let bytes = bytes.map_err(|source| self.unwritable(source))?;
        let left = self.written.bytes();
        if bytes.is_empty() {
            self.pending = pending(left);
            return Ok(());
        }
        let found = length(&self.path)?;
        if found != left {
            return Err(RecordError::Foreign { path: self.path.clone(), found, left });
        }
        if let Err(source) = self.write(left, &bytes) {
            // A full disk takes part of a row: cut back to whole ones, as far as that still works.
            let _ = OpenOptions::new().write(true).open(&self.path).and_then(|f| f.set_len(left));
            return Err(self.unwritable(source));
        }
        self.written.push(&bytes);
        Ok(())
    }

    /// At its place and not at the file's end: two writers that overlook each other between the look at the
    /// length and this write the same rows to the same place.
    fn write(&mut self, place: u64, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(open(&self.path)?);
            self.created = true;
        }
        let file = self.file.as_mut().expect("opened above");
        file.seek(SeekFrom::Start(place))?;
        file.write_all(bytes)
    }

    fn unwritable(&self, source: io::Error) -> RecordError {
        RecordError::Unwritable { path: self.path.clone(), source }
    }
}

/// Creates the file where it is missing, and leaves what is in it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

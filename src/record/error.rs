//! What can go wrong with a run's files, in sentences.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why rows cannot be written or read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The system refused a write.
    #[error("cannot write {path}: {source}; give --out a folder with room that can be written to")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused a read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is not what this version writes.
    #[error("{path} is not what plasticity-bench {version} writes: {reason}", version = super::version())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the place.
        reason: String,
    },
    /// A `run.toml` that cannot be read.
    #[error(
        "{path} cannot be read as the record of a run: {reason}; put it right, or start the run anew with \
         --fresh, which removes its folder"
    )]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Rows that a checkpoint remembers are gone.
    #[error(
        "{path} has {found} bytes but its checkpoint remembers {remembered}: rows were lost after the \
         checkpoint was written, so the run cannot go on from it; start it anew with --fresh"
    )]
    Shorter {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The length in the checkpoint.
        remembered: u64,
    },
    /// Rows that a checkpoint remembers are others now.
    #[error(
        "the first {remembered} bytes of {path} are not those that its checkpoint remembers: rows were \
         changed or damaged after they were written, so the run cannot go on from it; start it anew with --fresh"
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// The length that the checkpoint relies on.
        remembered: u64,
    },
    /// Rows of another format.
    #[error(
        "{path} has other columns than plasticity-bench {version} writes: finish the run with the version \
         that its run.toml names, or start it anew with --fresh",
        version = super::version()
    )]
    OtherColumns {
        /// The file.
        path: PathBuf,
    },
    /// Something else has written to a file of the run.
    #[error(
        "{path} has {found} bytes where this process left {left}: another process writes to the same run, or \
         the file was changed; end the other one and run the command again, which goes on from the newest \
         checkpoint"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The length that it was left with.
        left: u64,
    },
    /// A folder of a later version.
    #[error(
        "{path} is of format {format}, and plasticity-bench {version} knows formats up to {known}: use the \
         version that wrote it, {by}, or a later one",
        version = super::version(),
        known = super::FORMAT
    )]
    LaterFormat {
        /// The run's `run.toml`.
        path: PathBuf,
        /// The format that it names.
        format: u32,
        /// The version that wrote it.
        by: String,
    },
    /// A checkpoint of another version.
    #[error(
        "the checkpoint remembers rows in {name}, a file that plasticity-bench {version} does not write: \
         go on with the version that wrote it, or start the run anew with --fresh",
        version = super::version()
    )]
    UnknownFile {
        /// Name in the checkpoint.
        name: String,
    },
}

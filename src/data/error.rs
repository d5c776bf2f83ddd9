//! What can go wrong between a data set's name and its pixels.

use std::path::PathBuf;

/// Why a data set could not be had. The command line maps [`DataError::Unknown`] to exit code 2 and
/// the rest to 3.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The name is not in the catalogue.
    #[error("there is no data set `{name}`{}; known are: {known}.", .nearest.as_ref().map_or(String::new(), |n| format!(" (did you mean `{n}`?)")))]
    Unknown {
        /// The name as given.
        name: String,
        /// The nearest known name, if one is near.
        nearest: Option<String>,
        /// All known names.
        known: String,
    },
    /// No place has it.
    #[error("the data set `{name}` was not found. Looked in:{}\n{cure}", list(.looked))]
    Missing {
        /// The data set.
        name: String,
        /// Every place, with what was found out there.
        looked: Vec<String>,
        /// How to get it.
        cure: String,
    },
    /// Some of its files are there and others are not.
    #[error("{folder} holds only a part of the data set `{name}`: {present} is there, {absent} is not. Add the missing file, or remove the others so that the next place is used.", folder = .folder.display())]
    Incomplete {
        /// The data set.
        name: String,
        /// Where.
        folder: PathBuf,
        /// A file that is there.
        present: String,
        /// A file that is not.
        absent: String,
    },
    /// A file is there and holds something else than it should.
    #[error("{path} is not what it should be: expected {expected}, found {found}. {cure}", path = .path.display())]
    Corrupt {
        /// The file, or the folder where the fault can't be laid to one file.
        path: PathBuf,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
        /// What to do.
        cure: String,
    },
    /// Something else than a file stands in a file's place.
    #[error("{path} is {found}, where a file of the data set is expected. Put the file there, or remove it so that the next place is used.", path = .path.display())]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
    },
    /// A file could not be read.
    #[error("{path} could not be read: {source}. Check that it is a file and its permissions.", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A procedural set came out otherwise than in the release.
    #[error(
        "the generated data set `{name}` has checksum {found} on this machine instead of {expected}: its results could not be compared with any other's. Please report this with the platform and compiler version."
    )]
    Generation {
        /// The data set.
        name: String,
        /// The catalogue's checksum.
        expected: String,
        /// This machine's.
        found: String,
    },
    /// A set of candle's does not have the stated shape, or is not made of bytes.
    #[error("candle's data set can't be taken over: {0}.")]
    Foreign(String),
    /// A second reader was asked that this build does not have.
    #[error(
        "this build can't read with candle-datasets: build it with `cargo build --release --features candle-datasets`, or leave out --with."
    )]
    NoSecondReader,
}

impl DataError {
    /// Whether the name itself was wrong (exit code 2) rather than the data (exit code 3).
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::NoSecondReader)
    }
}

fn list(places: &[String]) -> String {
    places.iter().flat_map(|place| ["\n  - ", place]).collect()
}

/// What to do about a broken file, unless the place it lies in knows better.
pub(super) const REPLACE: &str = "Replace it with a fresh copy (data/README.md says where to get one), or remove it so that the next place is used.";

/// Shorthand of the readers.
pub(super) fn corrupt(
    path: &std::path::Path,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> DataError {
    DataError::Corrupt {
        path: path.to_path_buf(),
        expected: expected.into(),
        found: found.into(),
        cure: REPLACE.into(),
    }
}

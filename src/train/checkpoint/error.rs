//! Why a checkpoint could not be written or used.

use std::path::{Path, PathBuf};

use super::manifest::FORMAT;

/// Why a checkpoint could not be written or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk refused.
    #[error("the checkpoint {path}: {reason}; give --out a folder with room that can be written to")]
    Io {
        /// File in question.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A folder stands where a file belongs, or the other way round.
    #[error("{path} is in the way of a checkpoint: move it away")]
    InTheWay {
        /// What is in the way.
        path: PathBuf,
    },
    /// The file's content does not fit the network.
    #[error("checkpoint {path} does not fit this run: {why}; move its folder away or run with --fresh")]
    Content {
        /// File in question.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Another version wrote it.
    #[error(
        "the checkpoint {path} has format {found}, and this version goes on from format {FORMAT} only: finish \
         the run with the version that began it (run.toml names it), or start it anew with --fresh"
    )]
    Format {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

impl CheckpointError {
    /// Of a file that could not be read or written.
    pub(super) fn file(path: &Path, reason: std::io::Error) -> Self {
        let path = path.to_path_buf();
        if path.is_dir() { Self::InTheWay { path } } else { Self::Io { path, reason } }
    }

    /// Of the folder of all checkpoints.
    pub(super) fn folder(path: &Path, reason: std::io::Error) -> Self {
        let path = path.to_path_buf();
        if path.is_file() { Self::InTheWay { path } } else { Self::Io { path, reason } }
    }
}

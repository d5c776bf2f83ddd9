//! More than one machine: a grid is handed to an engine that others have made, chunk by chunk.
//!
//! Engines are thin, one file each. Every chunk is a `run` of one `--shard`, which can be run again
//! harmlessly and shares its results with all others; whether a run succeeded is what its files say,
//! never an engine's exit code.

mod chunks;
mod commands;
mod hyperqueue;
mod quote;
mod slurm;
mod submission;

use std::path::{Path, PathBuf};

pub use chunks::{Chunks, chunks};
pub use submission::{Limits, Record, Submission, folder, submissions};

/// Name and text of each, the one to start with first.
pub type Files = Vec<(&'static str, String)>;

/// An engine.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// What `--engine` calls it.
    pub name: &'static str,
    /// One line for `list`.
    pub summary: &'static str,
    /// Makes the files of a submission.
    pub files: fn(&Submission) -> anyhow::Result<Files>,
    /// Hands the files over and gives the engine's numbers of the jobs, the report's last.
    pub start: Start,
    /// What the engine says of its jobs now; `None` where it has none of them any more or is not here.
    pub look: fn(&Record) -> Option<String>,
}

/// Who starts what was written.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// This program.
    Here(fn(&Submission) -> anyhow::Result<Vec<String>>),
    /// The user, as this says of the first file.
    ByHand(fn(&Path) -> String),
}

/// Every engine. A new one is its file and its line here.
pub const ENGINES: &[Engine] = &[slurm::ENGINE, hyperqueue::ENGINE, commands::ENGINE];

/// The engine of this name. The error lists the names.
pub fn engine(name: &str) -> Result<&'static Engine, String> {
    ENGINES.iter().find(|engine| engine.name == name).ok_or_else(|| {
        let known: Vec<&str> = ENGINES.iter().map(|engine| engine.name).collect();
        format!("there is no engine {name}: expected one of {}", known.join(", "))
    })
}

/// What the engines say now of the jobs of all submissions below `dir`, each with the submission's folder.
#[must_use]
pub fn look(dir: &Path) -> Vec<(PathBuf, String)> {
    let told = |(folder, record): (PathBuf, Record)| {
        let engine = engine(&record.engine).ok()?;
        Some((folder, (engine.look)(&record)?))
    };
    submissions(dir).into_iter().filter_map(told).collect()
}

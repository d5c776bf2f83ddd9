//! The status of a run as `run.toml` tells it, read before and written after the run.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use anyhow::Context;

/// File in a run's folder that holds its plan and its status.
pub const FILE: &str = "run.toml";

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All tasks trained.
    Done,
    /// Ended by a loss or parameter that is not finite.
    Diverged,
    /// Ended by an error or a panic.
    Failed,
    /// Begun; still running, interrupted or killed.
    Running,
}

impl Status {
    /// The word in `run.toml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Diverged => "diverged",
            Self::Failed => "failed",
            Self::Running => "running",
        }
    }

    /// Whether the run has its result, so that nothing is left to do.
    #[must_use]
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Diverged)
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Done, Self::Diverged, Self::Failed, Self::Running]
            .into_iter()
            .find(|status| status.word() == word)
            .ok_or_else(|| format!("unknown status {word:?}: expected done, diverged, failed or running"))
    }
}

/// The status of the run in `dir`; `None` where none has begun.
pub fn read(dir: &Path) -> anyhow::Result<Option<Status>> {
    let path = dir.join(FILE);
    let Some(table) = load(&path)? else { return Ok(None) };
    let Some(value) = table.get("status") else { return Ok(None) };
    let status = value.as_str().unwrap_or_default().parse();
    status.map(Some).map_err(|problem: String| anyhow::anyhow!("{}: {problem}", path.display()))
}

/// Writes the status, with the reason where it is a bad one, into the `run.toml` of `dir`, and leaves
/// everything else in it as it was.
pub fn mark(dir: &Path, status: Status, error: Option<&str>) -> anyhow::Result<()> {
    let path = dir.join(FILE);
    let mut table = load(&path)?.unwrap_or_default();
    table.insert("status".into(), status.word().into());
    match error {
        Some(reason) => table.insert("error".into(), reason.into()),
        None => table.remove("error"),
    };
    replace(&path, &table.to_string())
        .with_context(|| format!("the status of a run could not be written to {}", path.display()))
}

fn load(path: &Path) -> anyhow::Result<Option<toml::Table>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let table = text.parse().with_context(|| format!("{} is not valid TOML", path.display()))?;
            Ok(Some(table))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} could not be read", path.display())),
    }
}

/// Whole or not at all: a kill between two bytes must not cost the plan that stands in the file.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("toml.draft");
    let mut file = fs::File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marking_keeps_the_plan_and_clears_an_old_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        fs::write(dir.path().join(FILE), "name = \"x\"\nstatus = \"running\"\n[data]\ndataset = \"mnist\"\n")
            .unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(Status::Running));
        mark(dir.path(), Status::Failed, Some("no \"room\"\nleft")).unwrap();
        let table = load(&dir.path().join(FILE)).unwrap().unwrap();
        assert_eq!(table["error"].as_str(), Some("no \"room\"\nleft"));
        assert_eq!(table["data"]["dataset"].as_str(), Some("mnist"));
        mark(dir.path(), Status::Done, None).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(Status::Done));
        assert!(!load(&dir.path().join(FILE)).unwrap().unwrap().contains_key("error"));
    }

    #[test]
    fn a_file_that_makes_no_sense_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "status = \"finished\"").unwrap();
        let message = read(dir.path()).unwrap_err().to_string();
        assert!(message.contains(FILE) && message.contains("\"finished\""), "{message}");
        fs::write(dir.path().join(FILE), "status = ").unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("not valid TOML"));
    }
}

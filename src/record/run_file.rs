//! `run.toml`: the resolved plan of a run, which can itself be run, and a `[run]` table that says how,
//! when and by what it was run.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{RecordError, Status, rfc3339};
use crate::atomic;

/// Name of the file within the run's folder.
pub const RUN_FILE: &str = "run.toml";

/// The `[run]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// How the run ended, or that it has not.
    pub status: Status,
    /// Version of plasticity-bench.
    pub version: String,
    /// Commit that it was built from, where that was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// SHA-256 of the decoded data set.
    pub data_checksum: String,
    /// `cpu`, `cuda:0`
    pub device: String,
    /// Threads of one step.
    pub threads: usize,
    /// Which code the hot path took: the vector width that decides the last bits of a sum.
    pub kernels: String,
    /// When the run was first started, RFC 3339, UTC.
    pub started: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
    /// Seconds of computing, over all times it was resumed, as far as they are known.
    pub seconds: f64,
    /// Why it failed or where it diverged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    run: Option<RunStatus>,
}

#[derive(Serialize)]
struct Section<'a> {
    run: &'a RunStatus,
}

impl RunStatus {
    /// A run that begins now under this version.
    #[must_use]
    pub fn begin(data_checksum: &str, device: &str, threads: usize, kernels: &str) -> Self {
        Self {
            status: Status::Running,
            version: version().to_owned(),
            commit: commit().map(str::to_owned),
            data_checksum: data_checksum.to_owned(),
            device: device.to_owned(),
            threads,
            kernels: kernels.to_owned(),
            started: rfc3339(SystemTime::now()),
            finished: None,
            seconds: 0.0,
            error: None,
        }
    }

    /// The same for a run that goes on: it keeps the time of its first start and its seconds so far.
    #[must_use]
    pub fn resuming(self, earlier: &Self) -> Self {
        Self { started: earlier.started.clone(), seconds: earlier.seconds, ..self }
    }

    /// A run that ends now, after `seconds` more of computing.
    #[must_use]
    pub fn end(self, status: Status, seconds: f64, error: Option<String>) -> Self {
        let finished = Some(rfc3339(SystemTime::now()));
        Self { status, finished, seconds: self.seconds + seconds, error, ..self }
    }

    /// Writes the plan (`plan_toml`, without a `[run]` table) and this table to `run.toml` in `folder`,
    /// whole or not at all. The folder is created where it is missing.
    pub fn write(&self, folder: &Path, plan_toml: &str) -> Result<(), RecordError> {
        let path = folder.join(RUN_FILE);
        let malformed = |reason: String| RecordError::Malformed { path: path.clone(), reason };
        let section = toml::to_string(&Section { run: self }).map_err(|e| malformed(e.to_string()))?;
        let text = format!("{}\n\n{section}", plan_toml.trim_end());
        // What cannot be read back would lose the run's whole provenance: better to say so at once.
        toml::from_str::<Document>(&text).map_err(|e| malformed(e.to_string()))?;
        fs::create_dir_all(folder)
            .and_then(|()| atomic::write(&path, text.as_bytes()))
            .map_err(|source| RecordError::Unwritable { path: path.clone(), source })
    }

    /// The `[run]` table in `folder`; `None` where no run was ever begun there.
    pub fn read(folder: &Path) -> Result<Option<Self>, RecordError> {
        let path = folder.join(RUN_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RecordError::Unreadable { path, source }),
        };
        let document: Document = toml::from_str(&text)
            .map_err(|error| RecordError::Malformed { path: path.clone(), reason: error.to_string() })?;
        match document.run {
            Some(run) => Ok(Some(run)),
            None => Err(RecordError::Malformed { path, reason: "it has no [run] table".to_owned() }),
        }
    }
}

/// Version of this build.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Commit of this build, as 40 hex digits; `None` for a build outside a repository.
#[must_use]
pub fn commit() -> Option<&'static str> {
    option_env!("PLASTICITY_COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "name = \"quick\"\n\n[data]\ndataset = \"mnist\"\n";

    #[test]
    fn what_is_written_is_read_back_and_the_plan_stands_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("quick/run-1");
        assert_eq!(RunStatus::read(&run).unwrap(), None);

        let begun = RunStatus::begin("ab12", "cpu", 1, "avx512");
        begun.write(&run, PLAN).unwrap();
        assert_eq!(RunStatus::read(&run).unwrap(), Some(begun.clone()));
        assert_eq!((begun.status, &begun.finished, begun.seconds), (Status::Running, &None, 0.0));

        let failed = begun.end(Status::Failed, 1.5, Some("line one\n\"two\" = [run]\n".to_owned()));
        failed.write(&run, PLAN).unwrap();
        assert_eq!(RunStatus::read(&run).unwrap(), Some(failed.clone()));

        let mut again = RunStatus::begin("ab12", "cpu", 2, "avx2");
        again.started = "2000-01-01T00:00:00Z".to_owned();
        let done = again.resuming(&failed).end(Status::Done, 0.25, None);
        assert_eq!((&done.started, done.seconds, &done.error), (&failed.started, 1.75, &None));
        done.write(&run, PLAN).unwrap();
        assert_eq!(RunStatus::read(&run).unwrap(), Some(done.clone()));

        let text = fs::read_to_string(run.join(RUN_FILE)).unwrap();
        assert!(text.starts_with(PLAN), "{text}");
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["data"]["dataset"].as_str(), Some("mnist"));
        assert_eq!(table["run"]["status"].as_str(), Some("done"));
        assert_eq!(fs::read_dir(&run).unwrap().count(), 1, "no partial file stays");
    }

    #[test]
    fn a_plan_that_could_not_be_read_back_is_refused_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let status = RunStatus::begin("ab12", "cpu", 1, "avx512");
        status.write(folder.path(), PLAN).unwrap();
        assert!(status.write(folder.path(), "name = ").is_err());
        assert!(status.write(folder.path(), "[run]\nstatus = \"done\"\n").is_err(), "two [run] tables");
        assert_eq!(RunStatus::read(folder.path()).unwrap(), Some(status));
    }

    #[test]
    fn a_file_without_the_table_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RUN_FILE), PLAN).unwrap();
        let message = RunStatus::read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("run.toml") && message.contains("[run]"), "{message}");
    }

    #[test]
    fn a_build_from_a_repository_knows_its_commit() {
        if let Some(commit) = commit() {
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
        } else {
            println!("skipped: this build was not made from a repository");
        }
    }
}

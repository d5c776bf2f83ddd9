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

/// Format of the folders that this version writes, raised with every change to a file. 1: the folders of
/// November 2026, with the columns of `times.csv` in `tasks.csv`. 2: `times.csv`, `scored` and the columns
/// for agents and of the gap in final loss in `tasks.csv`, attempts in `run.toml`.
pub const FORMAT: u32 = 2;

/// What `format` is where a `run.toml` does not name one.
fn first_format() -> u32 {
    1
}

/// One of the times that a run was worked on: by what, and from where on. One that took no step is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Version of plasticity-bench.
    pub version: String,
    /// Commit that it was built from, with `-dirty` where files differed from it; absent where unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Vector width that the kernels used.
    pub kernels: String,
    /// The first task that it worked on; absent where that was not recorded, as in format 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<usize>,
    /// Its first step within that task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
}

impl Attempt {
    /// What it was worked on with, in words.
    fn build(&self) -> String {
        let commit = self.commit.as_deref().map_or(String::new(), |commit| format!(" of commit {commit}"));
        format!("version {}{commit} on {}", self.version, self.kernels)
    }
}

/// The `[run]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// Format of the folder's files.
    #[serde(default = "first_format")]
    pub format: u32,
    /// How the run ended, or that it has not.
    pub status: Status,
    /// Version of plasticity-bench.
    pub version: String,
    /// Commit that it was built from, with `-dirty` where files differed from it; absent where unknown.
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
    /// The times that it was worked on; `version`, `commit` and `kernels` above are those of the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
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
            format: FORMAT,
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
            attempts: Vec::new(),
        }
    }

    /// The same for a run that goes on: it keeps the time of its first start, its seconds so far and its
    /// attempts.
    #[must_use]
    pub fn resuming(self, earlier: &Self) -> Self {
        let mut attempts = earlier.attempts.clone();
        if earlier.format < 2 {
            // Such a folder names the last attempt alone.
            attempts = vec![earlier.attempt(None)];
        }
        Self { started: earlier.started.clone(), seconds: earlier.seconds, attempts, ..self }
    }

    /// Whether this attempt may go on with what `earlier` ones left: not on other data, and steps on another kind of
    /// device, or by another version of a device's kernels, have other last bits, so a run that has taken any goes on
    /// where it began. The error is a sentence.
    pub fn can_resume(&self, earlier: &Self) -> Result<(), String> {
        let kind = |status: &Self| status.device.split(':').next().unwrap_or_default().to_owned();
        // The processor's kernels name its vectors: a mixture of those is told, not refused.
        let version = |status: &Self| status.kernels.split(' ').next().unwrap_or_default().to_owned();
        let has_steps = earlier.format < 2 || !earlier.attempts.is_empty();
        if !has_steps {
            return Ok(());
        }
        // It is empty where no data was loaded yet.
        let said = !self.data_checksum.is_empty() && !earlier.data_checksum.is_empty();
        if said && self.data_checksum != earlier.data_checksum {
            return Err(format!(
                "it began on other data (content {} in place of {}): give it the same files, or start anew with \
                 --fresh, or elsewhere with --out",
                earlier.data_checksum, self.data_checksum
            ));
        }
        if kind(self) != kind(earlier) {
            return Err(format!(
                "it began with --device {} and can go on there alone, not with --device {}: take the same device, or \
                 start anew with --fresh",
                earlier.device, self.device
            ));
        }
        if kind(self) != "cpu" && version(self) != version(earlier) {
            return Err(format!(
                "it began under the kernels {} and can go on under those alone, not under {}: take the plasticity-bench \
                 that it began with ({}), or start anew with --fresh",
                version(earlier),
                version(self),
                earlier.version
            ));
        }
        Ok(())
    }

    /// The same once this attempt has taken its first step, at `step` of `task`. What earlier ones did from
    /// there on is done again, so those that began later have no part in the run any more.
    #[must_use]
    pub fn stepping(mut self, task: usize, step: usize) -> Self {
        let first = (task, step);
        self.attempts.retain(|a| (a.task.unwrap_or(0), a.step.unwrap_or(0)) < first);
        let attempt = self.attempt(Some(first));
        self.attempts.push(attempt);
        self
    }

    fn attempt(&self, from: Option<(usize, usize)>) -> Attempt {
        Attempt {
            version: self.version.clone(),
            commit: self.commit.clone(),
            kernels: self.kernels.clone(),
            task: from.map(|(task, _)| task),
            step: from.map(|(_, step)| step),
        }
    }

    /// Says how this build or machine differs from those that worked on the run, if it does.
    #[must_use]
    pub fn mixture(&self) -> Option<String> {
        let now = self.attempt(None).build();
        let before = self.attempts.iter().map(Attempt::build).rfind(|before| *before != now)?;
        Some(format!(
            "worked on by {now} and before by {before}: the last bits can differ from those of a run by one \
             build on one kind of machine; run.toml lists the attempts"
        ))
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
        let no_record = |reason: String| RecordError::NoRecord { path: path.clone(), reason };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(no_record(source.to_string())),
        };
        let document: Document =
            toml::from_str(&text).map_err(|error| no_record(error.to_string().trim_end().to_owned()))?;
        match document.run {
            Some(run) if run.format > FORMAT => {
                Err(RecordError::LaterFormat { path, format: run.format, by: run.version })
            }
            Some(run) => Ok(Some(run)),
            None => Err(no_record("it has no [run] table".to_owned())),
        }
    }
}

/// Version of this build.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Commit of this build, as 40 hex digits, and `-dirty` where files differed from it; `None` for a build
/// outside a repository.
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
    fn attempts_add_up_and_a_mixture_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = RunStatus::begin("ab12", "cpu", 1, "avx512");
        (first.version, first.commit) = ("0.1.0".to_owned(), Some("c0".to_owned()));
        assert_eq!(first.mixture(), None);
        let first = first.stepping(0, 0).end(Status::Running, 1.0, None);
        first.write(folder.path(), PLAN).unwrap();
        let earlier = RunStatus::read(folder.path()).unwrap().unwrap();
        assert_eq!(earlier, first);

        let mut same = RunStatus::begin("ab12", "cpu", 1, "avx512");
        (same.version, same.commit) = ("0.1.0".to_owned(), Some("c0".to_owned()));
        let same = same.resuming(&earlier);
        assert_eq!((same.mixture(), same.attempts.len()), (None, 1));
        // An attempt without a step leaves no trace.
        let mut other = RunStatus::begin("ab12", "cpu", 1, "avx2").resuming(&same);
        (other.version, other.commit) = ("0.1.0".to_owned(), Some("c0-dirty".to_owned()));
        let note = other.mixture().unwrap();
        assert!(note.contains("commit c0-dirty on avx2") && note.contains("commit c0 on avx512"), "{note}");
        let other = other.stepping(3, 17);
        other.write(folder.path(), PLAN).unwrap();
        let read = RunStatus::read(folder.path()).unwrap().unwrap();
        assert!(read.mixture().is_some());
        let from: Vec<_> = read.attempts.iter().map(|a| (a.kernels.as_str(), a.task, a.step)).collect();
        assert_eq!(from, [("avx512", Some(0), Some(0)), ("avx2", Some(3), Some(17))]);
        // One that has to start anew is all that the rows are of.
        let anew = RunStatus::begin("ab12", "cpu", 1, "avx512").resuming(&read).stepping(0, 0);
        assert_eq!((anew.attempts.len(), anew.mixture()), (1, None));
    }

    #[test]
    fn a_run_goes_on_under_the_kernels_of_the_device_that_it_began_on() {
        let on = |device: &str, kernels: &str| RunStatus::begin("ab12", device, 1, kernels);
        let begun = on("cuda:0", "cuda-1 on NVIDIA H100 (sm_90)").stepping(0, 0);
        assert_eq!(on("cuda:1", "cuda-1 on NVIDIA A100 (sm_80)").can_resume(&begun), Ok(()));
        let newer = on("cuda:0", "cuda-2 on NVIDIA H100 (sm_90)");
        let why = newer.can_resume(&begun).unwrap_err();
        assert!(why.contains("began under the kernels cuda-1") && why.contains("not under cuda-2"), "{why}");
        assert!(on("cpu", "avx512").can_resume(&begun).unwrap_err().contains("began with --device cuda:0"));
        let other = RunStatus::begin("cd34", "cuda:0", 1, "cuda-1 on NVIDIA H100 (sm_90)").can_resume(&begun);
        assert!(other.unwrap_err().contains("began on other data (content ab12 in place of cd34)"));
        // Before its first step nothing is bound; the processor's kernels may mix.
        assert_eq!(newer.can_resume(&on("cuda:0", "cuda-1 on NVIDIA H100 (sm_90)")), Ok(()));
        assert_eq!(on("cpu", "avx2").can_resume(&on("cpu", "avx512").stepping(0, 0)), Ok(()));
    }

    #[test]
    fn a_folder_without_a_format_is_of_the_first_and_a_later_one_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let first = RunStatus::begin("ab12", "cpu", 1, "avx512");
        first.write(folder.path(), PLAN).unwrap();
        let path = folder.path().join(RUN_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(&format!("format = {FORMAT}\n"), "")).unwrap();
        let old = RunStatus::read(folder.path()).unwrap().unwrap();
        assert_eq!(old.format, 1);
        let resumed = RunStatus::begin("ab12", "cpu", 1, "avx2").resuming(&old);
        assert_eq!((resumed.attempts.len(), resumed.attempts[0].task), (1, None));
        assert!(resumed.mixture().is_some());
        fs::write(&path, text.replace(&format!("format = {FORMAT}\n"), "format = 99\n")).unwrap();
        let message = RunStatus::read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("is of format 99") && message.contains("use the version"), "{message}");
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
            let digits = commit.strip_suffix("-dirty").unwrap_or(commit);
            assert!(digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
        } else {
            println!("skipped: this build was not made from a repository");
        }
    }
}

//! One submission: what an engine is given, and where it is kept. OUT/NAME/.submit/1 holds the spec as it
//! was then (it may be changed while jobs wait), the engine's files, its logs, and a record of the jobs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::super::shard::Shard;
use super::quote;
use crate::atomic;

/// Beside the runs of a benchmark; hidden, so that nobody takes it for one.
const FOLDER: &str = ".submit";
const RECORD: &str = "submission.toml";
/// Folders below the one that is asked about in which submissions may lie: OUT/NAME.
const DEPTH: usize = 1;

/// What an engine is given.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Benchmark's name.
    pub name: String,
    /// Where its files go, absolute.
    pub folder: PathBuf,
    /// Where relative paths start from.
    pub start_in: String,
    /// Variables that the program reads, as they are here.
    pub environment: Vec<(String, String)>,
    /// The program, absolute, and the words of a `run` but for its share and its workers.
    pub run: Vec<String>,
    /// The words of the `report` over all results.
    pub report: Vec<String>,
    /// Shares of the grid in which something is left to do.
    pub shards: Vec<Shard>,
    /// The N of `--shard I/N`.
    pub count: usize,
    /// Runs side by side in a task, each on one core.
    pub workers: usize,
    /// What a task may take.
    pub limits: Limits,
}

/// What a scheduler is asked for, in its own words; `None` leaves it to the scheduler.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Time of a task.
    pub time: Option<String>,
    /// Memory of a task.
    pub memory: Option<String>,
    /// Partition, or queue.
    pub partition: Option<String>,
    /// Account to charge.
    pub account: Option<String>,
}

/// The record of a submission, kept with the results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Engine's name.
    pub engine: String,
    /// The N of `--shard I/N`.
    pub chunks: usize,
    /// Tasks handed over.
    pub tasks: usize,
    /// The engine's numbers of its jobs.
    pub jobs: Vec<String>,
}

impl Submission {
    /// `cd …` and the words before the program that carry the environment; a line each.
    pub(super) fn setting(&self) -> anyhow::Result<(String, String)> {
        let place = quote::line(&["cd".into(), "--".into(), self.start_in.clone()])?;
        let mut words = vec!["env".to_owned()];
        words.extend(self.environment.iter().map(|(name, value)| format!("{name}={value}")));
        Ok((place, quote::line(&words)?))
    }

    /// One line of shell that runs the share, whatever folder and machine it is started on.
    pub(super) fn command(&self, shard: Shard) -> anyhow::Result<String> {
        let (place, environment) = self.setting()?;
        let share = ["--shard".to_owned(), shard.to_string(), "--jobs".into(), self.workers.to_string()];
        let run = quote::line(&[self.run.as_slice(), &share].concat())?;
        Ok(format!("{place} && {environment} {run}"))
    }

    /// All of them, a line each.
    pub(super) fn commands(&self) -> anyhow::Result<String> {
        self.shards.iter().map(|&shard| Ok(self.command(shard)? + "\n")).collect()
    }

    /// A file of the submission.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the files and says where the first one is.
    pub fn write(&self, files: &[(&'static str, String)]) -> anyhow::Result<PathBuf> {
        for (name, text) in files {
            let path = self.path(name);
            atomic::write(&path, text.as_bytes())
                .with_context(|| format!("{} could not be written", path.display()))?;
        }
        let (first, _) = files.first().context("the engine has made no file")?;
        Ok(self.path(first))
    }
}

impl Record {
    /// Keeps it in the submission's folder.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(RECORD);
        let text = toml::to_string(self).context("the submission could not be written down")?;
        atomic::write(&path, text.as_bytes())
            .with_context(|| format!("{} could not be written", path.display()))
    }
}

/// Makes the folder of a new submission of the benchmark in `benchmark` (OUT/NAME), numbered on.
pub fn folder(benchmark: &Path) -> anyhow::Result<PathBuf> {
    let all = benchmark.join(FOLDER);
    let attempt = || {
        fs::create_dir_all(&all)?;
        // Made and not looked for: two submissions at the same time get two folders.
        for number in 1_u32.. {
            let folder = all.join(number.to_string());
            match fs::create_dir(&folder) {
                Ok(()) => return folder.canonicalize(),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::StorageFull.into())
    };
    attempt().with_context(|| {
        format!("a submission cannot be written to {}; name another folder with --out", all.display())
    })
}

/// The records of all submissions at and below `dir`. What cannot be read is left out: they are messages about
/// jobs, and results do not depend on them.
#[must_use]
pub fn submissions(dir: &Path) -> Vec<(PathBuf, Record)> {
    let mut found = Vec::new();
    gather(dir, DEPTH, &mut found);
    found
}

fn gather(dir: &Path, depth: usize, found: &mut Vec<(PathBuf, Record)>) {
    let numbers = folders(&dir.join(FOLDER));
    for number in &numbers {
        let text = fs::read_to_string(number.join(RECORD)).ok();
        found.extend(text.and_then(|text| toml::from_str(&text).ok()).map(|r: Record| (number.clone(), r)));
    }
    if depth > 0 && numbers.is_empty() {
        for inner in folders(dir) {
            gather(&inner, depth - 1, found);
        }
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut all: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    all.sort();
    all
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Twelve chunks of which three are left, in folders with hostile names.
    pub fn submission() -> Submission {
        let words = |text: &[&str]| text.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Submission {
            name: "shuffled-labels-mnist".into(),
            folder: "/scratch/it's 100%/results/shuffled-labels-mnist/.submit/1".into(),
            start_in: "/home/ada/my experiments".into(),
            environment: vec![("PLASTICITY_DATA_DIR".into(), "/data/sets $old".into())],
            run: words(&["/opt/plasticity-bench", "run", "/scratch/it's 100%/spec.toml", "--seeds", "0..10"]),
            report: words(&["/opt/plasticity-bench", "report", "/scratch/it's 100%/results"]),
            shards: [1, 2, 7].map(|index| Shard::new(index, 12).unwrap()).to_vec(),
            count: 12,
            workers: 4,
            limits: Limits {
                time: Some("0-02:30:00".into()),
                memory: Some("900M".into()),
                partition: Some("short".into()),
                account: None,
            },
        }
    }

    #[test]
    fn submissions_are_numbered_and_found_again() {
        let out = tempfile::tempdir().unwrap();
        let record = |job: &str| Record {
            engine: "slurm".into(),
            chunks: 12,
            tasks: 3,
            jobs: vec![job.to_owned(), "99".into()],
        };
        for (name, job) in [("a", "1"), ("a", "2"), ("b", "3")] {
            record(job).write(&folder(&out.path().join(name)).unwrap()).unwrap();
        }
        fs::write(folder(&out.path().join("b")).unwrap().join(RECORD), "jobs = ").unwrap();
        let jobs = |dir: &Path| -> Vec<String> {
            submissions(dir).into_iter().map(|(_, record)| record.jobs[0].clone()).collect()
        };
        assert_eq!(jobs(out.path()), ["1", "2", "3"]);
        assert_eq!(jobs(&out.path().join("a")), ["1", "2"]);
        assert!(submissions(&out.path().join("a"))[1].0.ends_with("a/.submit/2"));
        assert_eq!(jobs(&out.path().join("absent")), [""; 0]);
    }
}

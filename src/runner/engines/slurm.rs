//! Slurm: a job array, one task a chunk, and a report after it.
//!
//! How a task ends, besides by being done:
//! - near its time limit Slurm sends USR1 to the script, which lets the program checkpoint and puts the
//!   task back into the queue;
//! - cancelled, preempted or requeued, Slurm sends TERM to every process of the task, the program
//!   checkpoints within a step, and it is Slurm that decides whether the task comes again.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::quote::{line, quote};
use super::{Engine, Record, Start, Submission};

const ARRAY: &str = "slurm.sh";
const REPORT: &str = "report.sh";
/// Seconds before the time limit at which the program gets a signal. Slurm may send it up to a minute early.
const WARNING: u32 = 60;
/// Times that a task goes back into the queue by itself: more means that it gets nowhere.
const MOST_RESTARTS: u32 = 100;
/// A controller that is down keeps squeue waiting for minutes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The engine.
pub const ENGINE: Engine = Engine {
    name: "slurm",
    summary: "a Slurm job array, one task a chunk, requeued before its time limit; a report job after it",
    files,
    start: Start::Here(submit),
    look,
};

fn files(submission: &Submission) -> anyhow::Result<Vec<(&'static str, String)>> {
    Ok(vec![(ARRAY, array(submission)?), (REPORT, report(submission)?)])
}

fn array(submission: &Submission) -> anyhow::Result<String> {
    let (place, environment) = submission.setting()?;
    let (run, count) = (line(&submission.run)?, submission.count);
    let limits = &submission.limits;
    let mut head = Head::new(&submission.name)?;
    head.add("array", &indices(submission))?;
    head.add("cpus-per-task", &submission.workers.to_string())?;
    head.maybe("time", limits.time.as_deref())?;
    head.maybe("mem", limits.memory.as_deref())?;
    head.maybe("partition", limits.partition.as_deref())?;
    head.maybe("account", limits.account.as_deref())?;
    head.log(&submission.folder, "task-%a.txt")?;
    head.plain("requeue");
    head.add("signal", &format!("B:USR1@{WARNING}"))?;
    Ok(format!(
        r#"{head}
# One task trains one share of the grid. It can be run again harmlessly: finished runs are skipped,
# interrupted ones go on from their last checkpoint. What is done stands in the results alone.

again=
trap 'again=yes; kill -TERM "$child"' USR1
# Slurm tells every process of the task itself: passed on, a second TERM would end the program at once.
trap : TERM

{place} || exit 2
# As many runs side by side as SLURM_CPUS_PER_TASK says.
{environment} {run} --shard "$SLURM_ARRAY_TASK_ID/{count}" &
child=$!
# A trapped signal ends the wait, not the program.
while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done

if [ "$again" ] && [ "$code" -ne 0 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {MOST_RESTARTS} ]; then
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"#
    ))
}

fn report(submission: &Submission) -> anyhow::Result<String> {
    let (place, environment) = submission.setting()?;
    let report = line(&submission.report)?;
    let mut head = Head::new(&submission.name)?;
    head.maybe("partition", submission.limits.partition.as_deref())?;
    head.maybe("account", submission.limits.account.as_deref())?;
    head.log(&submission.folder, "report.txt")?;
    head.plain("requeue");
    Ok(format!("{head}\n{place} || exit 2\nexec {environment} {report}\n"))
}

/// The first lines of a script: options of sbatch.
struct Head(String);

impl Head {
    fn new(name: &str) -> anyhow::Result<Self> {
        let mut head = Self("#!/bin/bash\n".into());
        head.add("job-name", name)?;
        Ok(head)
    }

    /// Quoted as sbatch reads it: double quotes, with backslashes before what is special within them.
    fn add(&mut self, option: &str, value: &str) -> anyhow::Result<()> {
        ensure!(
            !value.is_empty() && !value.chars().any(char::is_control),
            "--{option} {value:?} cannot be given to Slurm: it is empty or has a control character"
        );
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@+%".contains(c);
        let value = if value.chars().all(plain) {
            value.to_owned()
        } else {
            format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
        };
        self.plain(&format!("{option}={value}"));
        Ok(())
    }

    fn maybe(&mut self, option: &str, value: Option<&str>) -> anyhow::Result<()> {
        value.map_or(Ok(()), |value| self.add(option, value))
    }

    fn plain(&mut self, option: &str) {
        self.0.push_str("#SBATCH --");
        self.0.push_str(option);
        self.0.push('\n');
    }

    /// The log: `name` within `folder`, in which Slurm replaces what begins with a percent sign.
    fn log(&mut self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let folder = folder.display().to_string();
        ensure!(
            !folder.contains('\\'),
            "Slurm cannot write its logs to {folder}: it has a backslash; name another folder with --out"
        );
        self.add("output", &format!("{}/{name}", folder.replace('%', "%%")))?;
        self.plain("open-mode=append");
        Ok(())
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// `1-3,7`: the shares in which something is left.
fn indices(submission: &Submission) -> String {
    let indices: Vec<usize> = submission.shards.iter().map(|shard| shard.index()).collect();
    let parts = indices.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    parts.collect::<Vec<_>>().join(",")
}

fn submit(submission: &Submission) -> anyhow::Result<Vec<String>> {
    let array = sbatch(&[], &submission.path(ARRAY))?;
    // Whatever becomes of the tasks: the report counts what is missing.
    let after = format!("--dependency=afterany:{array}");
    match sbatch(&[&after], &submission.path(REPORT)) {
        Ok(report) => Ok(vec![array, report]),
        Err(error) => {
            Err(error.context(format!("the array was submitted as job {array}, its report was not")))
        }
    }
}

/// Submits the script and gives the job's number.
fn sbatch(options: &[&str], script: &Path) -> anyhow::Result<String> {
    let mut command = Command::new("sbatch");
    command.arg("--parsable").args(options).arg(script).stdin(Stdio::null());
    let output = command.output().with_context(|| {
        format!(
            "sbatch could not be started: submit where Slurm is on PATH, or write the scripts with --dry-run \
             and start {} there",
            script.display()
        )
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("Slurm has not taken {}: {}", quote(&script.display().to_string()), said.trim());
    }
    // JOB, or JOB;CLUSTER where there are several.
    let said = String::from_utf8_lossy(&output.stdout);
    let job = said.trim().split(';').next().unwrap_or_default().to_owned();
    ensure!(!job.is_empty(), "sbatch has taken {} and given no number for it", script.display());
    Ok(job)
}

/// The states of the tasks that Slurm still knows, counted.
fn look(record: &Record) -> Option<String> {
    let (array, report) = (record.jobs.first()?, record.jobs.get(1));
    let mut told = vec![format!("slurm job {array}: {}", states(array)?)];
    if let Some(report) = report
        && let Some(states) = states(report)
    {
        told.push(format!("its report, job {report}: {states}"));
    }
    Some(told.join("; "))
}

/// `3 running, 9 pending (Resources)`; `None` where no task is left or there is no Slurm to ask.
fn states(job: &str) -> Option<String> {
    let format = ["--noheader", "--array", "--format=%T|%r", "--jobs"];
    let mut squeue = Command::new("squeue")
        .args(format)
        .arg(job)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = squeue.stdout.take()?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    while squeue.try_wait().ok()?.is_none() {
        if begun.elapsed() > PATIENCE {
            let _ = squeue.kill();
            let _ = squeue.wait();
            return Some(format!("squeue has not answered within {} s", PATIENCE.as_secs()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    counted(&reader.join().ok()?.ok()?)
}

fn counted(text: &str) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in text.lines() {
        let (state, reason) = row.split_once('|')?;
        let state = state.to_lowercase();
        let state = if state == "pending" { format!("{state} ({reason})") } else { state };
        *counts.entry(state).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().rev().map(|(state, count)| format!("{count} {state}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests;

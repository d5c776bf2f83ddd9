//! `submit SPEC.toml --engine …`

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::grid::{GridArgs, text};
use super::tune::{self, Stage};
use super::{Exit, Failure, output};
use crate::data::DATA_DIR_VARIABLE;
use crate::runner::engines::{self, Chunks, Engine, Limits, Record, Start, Submission};
use crate::runner::{self, Options, duration};
use crate::spec::Plan;
use crate::words::counted;

/// What a time asked of a scheduler has over the estimate, which was made on another machine: a task
/// that needs more is put back into the queue, one that asks for less starts sooner.
const TIMES: f64 = 2.0;
const MINUTES_MORE: f64 = 10.0;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    grid: GridArgs,
    /// Who runs it: slurm, hyperqueue or commands
    #[arg(long, value_name = "ENGINE", value_parser = engines::engine)]
    engine: &'static Engine,
    /// Tasks to cut the grid into [default: as many as take about an hour each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    chunks: Option<u32>,
    /// Cores of a task, each with a run of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    cpus: u16,
    /// Time of a task, in Slurm's words [default: twice the estimate and ten minutes]
    #[arg(long, value_name = "D-HH:MM:SS", value_parser = slurm_time)]
    time: Option<String>,
    /// Memory of a task, in Slurm's words [default: by the estimate]
    #[arg(long, value_name = "SIZE", value_parser = slurm_memory)]
    mem: Option<String>,
    /// Slurm's partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Slurm's account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Write the scripts and say where they are, and submit nothing
    #[arg(long)]
    dry_run: bool,
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let (spec, plans) = args.grid.read()?;
    let mut name = spec.name().to_owned();
    let options = Options {
        jobs: args.cpus.into(),
        retry: !args.grid.no_retry,
        estimate: runner::estimate,
        interrupt: Arc::default(),
        ..Options::new(&args.grid.out)
    };
    let count = args.chunks.map(|count| count as usize);
    let chunks = |plans: &[Plan]| engines::chunks(plans, &options, count);
    let (plans, stage) = if spec.is_tuned() {
        let task = tune::Task::new(&spec, &args.grid)?;
        let (stage, plans) = tune::stage(&task, |plans| Ok(chunks(plans)?.left.is_empty()))?;
        if stage == Stage::Tuning {
            task.name().clone_into(&mut name);
        }
        (plans, Some(stage))
    } else {
        (plans, None)
    };
    let chunks = chunks(&plans).map_err(Failure::usage)?;
    if chunks.left.is_empty() {
        output::print(&format!("{name}: nothing is left to do, so nothing was submitted"))?;
        return Ok(Exit::Done);
    }
    let submission = args.submission(&name, stage, &chunks)?;
    let files = (args.engine.files)(&submission).map_err(Failure::usage)?;
    let first = submission.write(&files).map_err(Failure::usage)?;
    output::print(&told(&chunks, &submission))?;
    output::print(&format!("Written: {}", first.display()))?;
    let jobs = match args.engine.start {
        Start::ByHand(how) => {
            output::print(&how(&first))?;
            Vec::new()
        }
        Start::Here(_) if args.dry_run => Vec::new(),
        Start::Here(submit) => {
            let jobs = submit(&submission).map_err(Failure::usage)?;
            output::print(&format!(
                "Submitted to {}: {}",
                args.engine.name,
                jobs.join(", then the report ")
            ))?;
            output::print(&format!("Watch it with: plasticity-bench status {}", args.grid.out.display()))?;
            jobs
        }
    };
    if stage == Some(Stage::Tuning) {
        output::print("Once they are done, the same command submits the best settings' runs.")?;
    }
    let (engine, tasks) = (args.engine.name.to_owned(), submission.shards.len());
    let record = Record { engine, chunks: chunks.count, tasks, jobs };
    record.write(&submission.folder).map_err(Failure::usage)?;
    Ok(Exit::Done)
}

impl Args {
    /// Makes the submission's folder, with the spec as it is now.
    fn submission(&self, name: &str, stage: Option<Stage>, chunks: &Chunks) -> Result<Submission, Failure> {
        let program = std::env::current_exe().context("this program's own path is not known");
        let here = std::env::current_dir().context("the current folder is not known");
        let (program, here) = (program.map_err(Failure::usage)?, here.map_err(Failure::usage)?);
        let results = self.grid.out.join(name);
        let folder = engines::folder(&results).map_err(Failure::usage)?;
        let spec = folder.join("spec.toml");
        std::fs::copy(&self.grid.spec.spec, &spec)
            .with_context(|| format!("the spec could not be copied to {}", spec.display()))
            .map_err(Failure::usage)?;
        let words = |more: Vec<String>| Ok::<_, Failure>([vec![text(&program)?], more].concat());
        let mut run = self.grid.words(if stage.is_some() { "tune" } else { "run" }, &spec)?;
        run.extend(stage.iter().flat_map(|stage| ["--stage".to_owned(), stage.word().to_owned()]));
        let mut report = vec!["report".to_owned(), text(&results)?];
        if stage == Some(Stage::Report) {
            // With the settings that were tried.
            report.push(text(&tune::folder(&self.grid.out, name))?);
        }
        report.extend(["--out".to_owned(), text(&results.join("report"))?]);
        Ok(Submission {
            name: name.to_owned(),
            run: words(run)?,
            report: words(report)?,
            start_in: text(&here)?,
            environment: environment()?,
            folder,
            shards: chunks.left.clone(),
            count: chunks.count,
            workers: self.cpus.into(),
            limits: Limits {
                time: self.time.clone().or_else(|| chunks.seconds.map(|(_, heaviest)| time(heaviest))),
                memory: self.mem.clone().or_else(|| chunks.bytes.map(memory)),
                partition: self.partition.clone(),
                account: self.account.clone(),
            },
        })
    }
}

/// Where data are looked for, as far as variables say it: not every engine hands variables on.
fn environment() -> Result<Vec<(String, String)>, Failure> {
    let Some(folder) = std::env::var_os(DATA_DIR_VARIABLE).map(PathBuf::from) else { return Ok(Vec::new()) };
    Ok(vec![(DATA_DIR_VARIABLE.to_owned(), text(&folder)?)])
}

fn told(chunks: &Chunks, submission: &Submission) -> String {
    let tasks = submission.shards.len();
    let mut text = format!(
        "{}: {} in {} with {}",
        submission.name,
        counted(chunks.runs, "run"),
        counted(tasks, "task"),
        counted(submission.workers, "core"),
    );
    if let Some((all, heaviest)) = chunks.seconds {
        let _ =
            write!(text, "; about {:.2} core-hours, {} the longest task", all / 3600.0, duration(heaviest));
    }
    text + &chunks
        .bytes
        .map_or(String::new(), |bytes| format!(", up to {} each", runner::memory_in_words(bytes)))
}

/// A time as sbatch takes it: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S.
fn slurm_time(text: &str) -> Result<String, String> {
    let (days, clock) = text.split_once('-').map_or((None, text), |(days, clock)| (Some(days), clock));
    let parts: Vec<&str> = days.into_iter().chain(clock.split(':')).collect();
    let numbers = parts.iter().all(|part| (1..=9).contains(&part.len()) && is_number(part));
    if numbers && parts.len() <= if days.is_some() { 4 } else { 3 } {
        return Ok(text.to_owned());
    }
    Err("expected minutes, H:MM:SS or D-HH:MM:SS, as in 90, 1:30:00 or 0-01:30:00".to_owned())
}

/// A size as sbatch takes it: a number of MiB, or one with K, M, G or T behind it.
fn slurm_memory(text: &str) -> Result<String, String> {
    let number = text.strip_suffix(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']).unwrap_or(text);
    if is_number(number) {
        return Ok(text.to_owned());
    }
    Err("expected a number of MiB or one with K, M, G or T behind it, as in 4000 or 4G".to_owned())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// In whole steps of five minutes: `1-02:35:00`.
fn time(seconds: f64) -> String {
    let minutes = ((TIMES * seconds / 60.0 + MINUTES_MORE) / 5.0).ceil() as u64 * 5;
    format!("{}-{:02}:{:02}:00", minutes / 1440, minutes / 60 % 24, minutes % 60)
}

fn memory(bytes: f64) -> String {
    format!("{}M", (bytes / f64::from(1 << 20)).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_slurm_would_refuse_are_refused_here() {
        for time in ["90", "90:30", "1:30:00", "2-12", "2-12:30", "2-12:30:00", "0-00:10:00"] {
            assert_eq!(slurm_time(time).as_deref(), Ok(time));
        }
        for time in ["abc", "", "1h", "1:2:3:4", "-1", "1-", "1--2", "2-1:2:3:4", "1:30:00; rm -r x", "٣"] {
            assert!(slurm_time(time).is_err_and(|why| why.contains("D-HH:MM:SS")), "{time}");
        }
        for memory in ["4000", "4G", "512m"] {
            assert_eq!(slurm_memory(memory).as_deref(), Ok(memory));
        }
        for memory in ["", "G", "4GB", "4 G", "-4G", "lots"] {
            assert!(slurm_memory(memory).is_err(), "{memory}");
        }
    }

    #[test]
    fn limits_are_asked_for_in_slurms_words() {
        assert_eq!(time(0.0), "0-00:10:00");
        assert_eq!(time(3600.0), "0-02:10:00");
        assert_eq!(time(3601.0), "0-02:15:00");
        assert_eq!(time(86_400.0), "2-00:10:00");
        assert_eq!(memory(1_048_577.0), "2M");
    }
}

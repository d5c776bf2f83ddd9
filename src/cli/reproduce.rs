//! `reproduce DIR…`: recorded runs trained again, and every row compared.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::data::Place;
use super::device::Device;
use super::training::{Training, verdict};
use super::{Exit, Failure, output, workers};
use crate::catalogue::catalogue;
use crate::kernels;
use crate::record::{Row, RunStatus, Status, StepRow};
use crate::report::metric::headline_of;
use crate::results::{self, Comparison, Run, compare};
use crate::runner::{self, Options, interrupt};
use crate::sha256;
use crate::spec::{Catalogue, Plan};
use crate::stderr::tell;
use crate::train::checkpoint::Keep;
use crate::words::counted;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Result folders, as in results/published: runs, benchmarks, or whatever `run --out` wrote to
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Train at most N of the runs, spread evenly
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    #[command(flatten)]
    place: Place,
    /// Folder of the new runs: DIR/BUILD/NAME/RUN; BUILD is the program's digest, so that each build has its own
    #[arg(long, value_name = "DIR", default_value = "reproduced")]
    out: PathBuf,
    /// Runs at a time, each on one thread [default: `SLURM_CPUS_PER_TASK`, else the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print errors and the result only
    #[arg(long)]
    quiet: bool,
}

/// A recorded run and the same one trained now.
struct Pair<'a> {
    then: &'a Run,
    now: Run,
    comparison: Comparison,
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let catalogue = catalogue();
    let (recorded, unread) = args.read(&catalogue)?;
    let options = Options {
        jobs: workers::count(args.jobs).map_err(Failure::usage)?,
        quiet: args.quiet,
        interrupt: interrupt::install().map_err(Failure::usage)?,
        estimate: runner::estimate,
        width: output::terminal(),
        ..Options::new(args.out.join(build().map_err(Failure::usage)?))
    };
    let training = Training {
        options: &options,
        device: Device::Cpu,
        data_dir: args.place.data_dir.as_deref(),
        policy: Keep::Last.into(),
        log_steps: recorded.iter().any(|run| run.folder.join(StepRow::FILE).exists()),
    };
    let plans: Vec<Plan> = recorded.iter().map(|run| run.plan.clone()).collect();
    let Some(summary) = training.carry_out(&plans)? else { return Ok(Exit::Interrupted) };
    let (mut pairs, mut lost) = (Vec::new(), 0);
    for then in &recorded {
        let made = summary.runs.iter().find(|made| made.plan == then.plan).expect("every plan was run");
        match pair(then, &made.dir, &catalogue) {
            Ok(pair) => pairs.extend(pair),
            Err(error) => {
                lost += 1;
                tell(format_args!("error: {} cannot be compared: {error:#}", then.folder.display()));
            }
        }
    }
    output::print(&told(&pairs, recorded.len()))?;
    Ok(match verdict(&summary) {
        Exit::Done if unread + lost > 0 => Exit::RunsFailed,
        Exit::Done if pairs.iter().any(|pair| !pair.is_same()) => Exit::RowsDiffer,
        trained => trained,
    })
}

/// A name that no other build has, on no other kind of processor.
fn build() -> anyhow::Result<String> {
    let digest = std::env::current_exe().and_then(std::fs::read).map(|program| sha256::of(&program));
    let digest = digest.context("the program's own file cannot be read")?;
    Ok(format!("{}-{}", &digest[..12], kernels::name().replace(' ', "-")))
}

impl Args {
    /// The recorded runs that have a result, and how many could not be read.
    fn read(&self, catalogue: &Catalogue) -> Result<(Vec<Run>, usize), Failure> {
        let found = results::find(&self.folders).map_err(Failure::usage)?;
        found.passed_over().for_each(tell);
        let own = self.out.canonicalize();
        let (mut recorded, mut unread) = (Vec::new(), 0);
        for folder in found.runs {
            let left_out = |why: &str| tell(format_args!("left out: {}: {why}", folder.display()));
            if let (Ok(own), Ok(folder)) = (&own, folder.canonicalize())
                && folder.starts_with(own)
            {
                left_out("it lies in the folder of the new runs (--out)");
                continue;
            }
            let whole = results::open(&folder, catalogue).and_then(|run| match &run.damage {
                Some(damage) => Err(anyhow!(damage.clone())),
                None => Ok(run),
            });
            match whole {
                Ok(run) if run.status.status.has_result() => recorded.push(run),
                Ok(_) => left_out("it has no result"),
                Err(error) => {
                    unread += 1;
                    tell(format_args!("error: {} cannot be trained again: {error:#}", folder.display()));
                }
            }
        }
        if recorded.is_empty() {
            let exit = if unread > 0 { Exit::RunsFailed } else { Exit::Usage };
            return Err(Failure { exit, error: anyhow!("none of the runs can be trained again") });
        }
        Ok((few(recorded, self.runs), unread))
    }
}

/// At most `limit` of them, spread evenly.
fn few<T>(all: Vec<T>, limit: Option<u32>) -> Vec<T> {
    let count = all.len();
    let kept = limit.map_or(count, |limit| count.min(limit as usize));
    // The i-th of them is taken where the count of what is taken goes up.
    let taken = |i: usize| (i + 1) * kept / count > i * kept / count;
    all.into_iter().enumerate().filter(|(i, _)| taken(*i)).map(|(_, one)| one).collect()
}

/// Both, compared; nothing where the new one has no result.
fn pair<'a>(then: &'a Run, made: &Path, catalogue: &Catalogue) -> anyhow::Result<Option<Pair<'a>>> {
    let has_result = RunStatus::read(made)?.is_some_and(|run| run.status.has_result());
    if !has_result {
        return Ok(None);
    }
    let (now, comparison) = (results::open(made, catalogue)?, compare(&then.folder, made)?);
    Ok(Some(Pair { then, now, comparison }))
}

impl Pair<'_> {
    fn is_same(&self) -> bool {
        self.comparison.first.is_none()
    }

    /// "online accuracy 0.8162, now 0.8154": what variants are ranked by, in as many digits as it takes to see a
    /// difference.
    fn figure(&self) -> String {
        let Some((metric, then)) = headline_of(self.then) else { return String::new() };
        let ended = |run: &Run| if run.status.status == Status::Diverged { " (diverged)" } else { "" };
        let now = self.now.metrics.get(metric.name).copied();
        let texts = |digits: usize| {
            (format!("{then:.digits$}"), now.map_or("none".to_owned(), |now| format!("{now:.digits$}")))
        };
        let same = now.is_some_and(|now| now.to_bits() == then.to_bits());
        let digits = (4..17).find(|&digits| same || texts(digits).0 != texts(digits).1).unwrap_or(17);
        let (then, now) = texts(digits);
        format!("{} {then}{}, now {now}{}", metric.title, ended(self.then), ended(&self.now))
    }
}

/// A row for each pair that differs, and what it all comes to.
fn told(pairs: &[Pair], recorded: usize) -> String {
    let differ: Vec<&Pair> = pairs.iter().filter(|pair| !pair.is_same()).collect();
    let mut text = String::new();
    if !differ.is_empty() {
        let mut table = output::table(["run", "first difference", "cells", "figure"]);
        for pair in &differ {
            let name = pair.then.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let first = pair.comparison.first.as_ref().map_or(String::new(), ToString::to_string);
            table.add_row([name, first, pair.comparison.different.to_string(), pair.figure()]);
        }
        text = format!("{table}\n");
        let count =
            |what: fn(&Run) -> &str| differ.iter().filter(|pair| what(pair.then) != what(&pair.now)).count();
        let (data, kernels) = (count(|run| &run.status.data_checksum), count(|run| &run.status.kernels));
        if data > 0 {
            let _ = writeln!(text, "Of these, {data} had other data (`data_checksum` in run.toml).");
        }
        if kernels > 0 {
            let _ = writeln!(
                text,
                "Of these, {kernels} had other vectors (`kernels` in run.toml; here {}). The last bits of sums may \
                 differ there, and so the course of training.",
                kernels::name()
            );
        }
    }
    let (files, rows) = (pairs.iter())
        .fold((0, 0), |(files, rows), pair| (files + pair.comparison.files, rows + pair.comparison.rows));
    let _ = write!(
        text,
        "{} of {} came to the same rows; {rows} rows of {} were compared.",
        pairs.len() - differ.len(),
        counted(recorded, "run"),
        counted(files, "file")
    );
    let without = recorded - pairs.len();
    if without > 0 {
        let _ = write!(text, " {without} of them could not be compared.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_are_spread_evenly() {
        let all: Vec<u32> = (0..10).collect();
        assert_eq!(few(all.clone(), None), all);
        assert_eq!(few(all.clone(), Some(20)), all);
        assert_eq!(few(all.clone(), Some(1)), [9]);
        assert_eq!(few(all.clone(), Some(5)), [1, 3, 5, 7, 9]);
        assert_eq!(few(all, Some(3)).len(), 3);
        assert!(few(Vec::<u32>::new(), Some(3)).is_empty());
    }

    #[test]
    fn a_build_has_a_name_of_its_own() {
        let name = build().unwrap();
        assert_eq!(name, build().unwrap());
        assert!(name.len() > 13 && name[..12].bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        assert!(!name.contains([' ', '/']), "{name}");
    }
}

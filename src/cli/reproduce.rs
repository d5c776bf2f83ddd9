//! `reproduce DIR…`: runs on record once more, and whether their rows come again.

use std::path::{Path, PathBuf};

use super::data::Place;
use super::device::Device;
use super::training::{Training, verdict};
use super::{Exit, Failure, output, workers};
use crate::catalogue::catalogue;
use crate::record::RunStatus;
use crate::report::metric::{Metric, headline_of};
use crate::results::{self, Comparison, compare};
use crate::runner::{self, Options, interrupt};
use crate::spec::Plan;
use crate::stderr::tell;
use crate::train::checkpoint::{EVERY, Keep, Policy};
use crate::words::counted;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Result folders, as in results/published: runs, benchmarks, or whatever `run --out` wrote to
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Run no more than N of their runs, evenly taken from all of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    #[command(flatten)]
    place: Place,
    /// Folder of the runs made now: DIR/NAME/RUN
    #[arg(long, value_name = "DIR", default_value = "reproduced")]
    out: PathBuf,
    /// Runs at a time, each on one thread [default: `SLURM_CPUS_PER_TASK`, else the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print errors and the result only
    #[arg(long)]
    quiet: bool,
}

/// A run on record.
struct Recorded {
    folder: PathBuf,
    plan: Plan,
    status: RunStatus,
}

/// What became of a run on record.
struct Repeated<'a> {
    recorded: &'a Recorded,
    /// How it went now.
    status: RunStatus,
    comparison: Comparison,
    /// The figure that ranks variants: on record and now.
    figures: [Option<(&'static Metric, f64)>; 2],
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let (recorded, unread) = args.read()?;
    let options = Options {
        jobs: workers::count(args.jobs).map_err(Failure::usage)?,
        quiet: args.quiet,
        interrupt: interrupt::install().map_err(Failure::usage)?,
        estimate: runner::estimate,
        width: output::terminal(),
        ..Options::new(&args.out)
    };
    let training = Training {
        options: &options,
        device: Device::Cpu,
        data_dir: args.place.data_dir.as_deref(),
        policy: Policy { keep: Keep::Last, every: EVERY },
        log_steps: false,
    };
    let plans: Vec<Plan> = recorded.iter().map(|run| run.plan.clone()).collect();
    let Some(summary) = training.carry_out(&plans)? else { return Ok(Exit::Interrupted) };
    let lost = |error| Failure { exit: Exit::RunsFailed, error };
    let mut repeated = Vec::new();
    for run in &recorded {
        let dir = args.out.join(&run.plan.name).join(run.plan.slug());
        repeated.extend(Repeated::new(run, &dir).map_err(lost)?);
    }
    output::print(&told(&repeated))?;
    let trained = verdict(&summary);
    let differs = repeated.iter().any(|run| run.comparison.different > 0);
    Ok(match trained {
        Exit::Done if unread > 0 => Exit::RunsFailed,
        Exit::Done if differs => Exit::RowsDiffer,
        trained => trained,
    })
}

impl Args {
    /// The runs on record that have ended, and how many could not be read.
    fn read(&self) -> Result<(Vec<Recorded>, usize), Failure> {
        let found = results::find(&self.folders).map_err(Failure::usage)?;
        let catalogue = catalogue();
        let (mut recorded, mut unread) = (Vec::new(), 0);
        for folder in few(found.runs, self.runs) {
            let read =
                results::plan(&folder, &catalogue).and_then(|plan| Ok((plan, RunStatus::read(&folder)?)));
            match read {
                Ok((plan, Some(status))) if status.status.has_result() => {
                    recorded.push(Recorded { folder, plan, status });
                }
                Ok(_) => tell(format_args!("{} is left out: it has no result on record", folder.display())),
                Err(error) => {
                    unread += 1;
                    tell(format_args!("error: {} cannot be run again: {error:#}", folder.display()));
                }
            }
        }
        if recorded.is_empty() {
            let nothing = anyhow::anyhow!("none of the runs on record can be run again");
            return Err(Failure {
                exit: if unread > 0 { Exit::RunsFailed } else { Exit::Usage },
                error: nothing,
            });
        }
        Ok((recorded, unread))
    }
}

/// At most `limit` of them, evenly taken.
fn few<T>(all: Vec<T>, limit: Option<u32>) -> Vec<T> {
    let count = all.len();
    let kept = limit.map_or(count, |limit| count.min(limit as usize));
    // The i-th of them is taken where the count of what is taken goes up.
    let taken = |i: usize| (i + 1) * kept / count > i * kept / count;
    all.into_iter().enumerate().filter(|(i, _)| taken(*i)).map(|(_, one)| one).collect()
}

impl<'a> Repeated<'a> {
    /// Compares it with what is in `dir`; nothing where the run there has not ended.
    fn new(recorded: &'a Recorded, dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(status) = RunStatus::read(dir)? else { return Ok(None) };
        if !status.status.has_result() {
            return Ok(None);
        }
        let figure = |folder: &Path| Ok(headline_of(&results::open(folder, &catalogue())?));
        let figures: anyhow::Result<[_; 2]> =
            figure(&recorded.folder).and_then(|then| Ok([then, figure(dir)?]));
        let comparison = compare(&recorded.folder, dir)?;
        Ok(Some(Self { recorded, status, comparison, figures: figures? }))
    }

    fn is_same(&self) -> bool {
        self.comparison.first.is_none()
    }

    /// "0.8162, now 0.8154", or the one where they are the same.
    fn figure(&self) -> String {
        match self.figures {
            [Some((metric, then)), Some((_, now))] if then.to_bits() == now.to_bits() => {
                format!("{} {then:.4}", metric.title)
            }
            [Some((metric, then)), Some((_, now))] => format!("{} {then:.4}, now {now:.4}", metric.title),
            _ => String::new(),
        }
    }
}

/// A row for each run whose rows differ, and what it all comes to.
fn told(repeated: &[Repeated]) -> String {
    let differ: Vec<&Repeated> = repeated.iter().filter(|run| !run.is_same()).collect();
    let mut text = String::new();
    if !differ.is_empty() {
        let mut table = output::table(["run", "what differs first", "cells", "figure"]);
        for run in &differ {
            let name = run.recorded.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let first = run.comparison.first.as_ref().map_or(String::new(), ToString::to_string);
            table.add_row([name, first, run.comparison.different.to_string(), run.figure()]);
        }
        text = format!("{table}\n") + &on_another_processor(&differ);
    }
    let (files, rows) = (repeated.iter())
        .fold((0, 0), |(files, rows), run| (files + run.comparison.files, rows + run.comparison.rows));
    let compared = format!("{rows} rows of {} were compared", counted(files, "file"));
    let same = repeated.len() - differ.len();
    text + &match (same, repeated.len()) {
        (_, 0) => "No run has ended, so nothing was compared.".to_owned(),
        (same, all) if same == all => format!("{} came to the same rows: {compared}.", counted(all, "run")),
        (same, all) => format!("{same} of {} came to the same rows: {compared}.", counted(all, "run")),
    }
}

/// That the processor may be why, if it may be.
fn on_another_processor(differ: &[&Repeated]) -> String {
    let kernels = |run: &Repeated| (run.recorded.status.kernels.clone(), run.status.kernels.clone());
    let other: Vec<_> = differ.iter().map(|run| kernels(run)).filter(|(then, now)| then != now).collect();
    let Some((then, now)) = other.first() else { return String::new() };
    format!(
        "{} of those that differ {} made with {then}; this machine has {now}, whose sums can have other last bits, \
         and training goes other ways from there.\n",
        other.len(),
        if other.len() == 1 { "was" } else { "were" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_are_taken_evenly() {
        let all: Vec<u32> = (0..10).collect();
        assert_eq!(few(all.clone(), None), all);
        assert_eq!(few(all.clone(), Some(20)), all);
        assert_eq!(few(all.clone(), Some(1)), [9]);
        assert_eq!(few(all.clone(), Some(5)), [1, 3, 5, 7, 9]);
        assert_eq!(few(all, Some(3)).len(), 3);
        assert!(few(Vec::<u32>::new(), Some(3)).is_empty());
    }
}

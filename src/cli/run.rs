//! `run SPEC.toml`

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;

use super::data::Place;
use super::device::Device;
use super::download::Download;
use super::spec_file::SpecArgs;
use super::{Exit, Failure, output};
use crate::data::{self, DataSet};
use crate::runner::{self, Executor, Options, Shard, Summary, Trainer, interrupt};
use crate::spec::Plan;
use crate::stderr::tell;
use crate::train::checkpoint::{self, Keep, Policy};

/// Arguments.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    #[command(flatten)]
    spec: SpecArgs,
    /// Seeds in place of the spec's: 0..5 (the end left out), 0,3,7 or 4
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Runs at a time, each on one thread [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Where to train: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: Device,
    #[command(flatten)]
    place: Place,
    /// Folder of the results: DIR/NAME/RUN
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Run only share I of N, counted from 1: a grid over several machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Remove earlier results of these runs and start anew
    #[arg(long)]
    fresh: bool,
    /// Show the grid and the time it is expected to take, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Write steps.csv: loss and accuracy of every step
    #[arg(long)]
    log_steps: bool,
    /// Checkpoints that stay: `none` leaves nothing to resume from, `all` keeps every task's
    #[arg(long, value_name = "WHICH", default_value = "last")]
    keep_checkpoints: Checkpoints,
    /// Seconds of computing within a task that a kill may cost; Ctrl-C and SIGTERM cost one step
    #[arg(long, value_name = "SECONDS", default_value_t = checkpoint::EVERY.as_secs_f64(), value_parser = seconds)]
    checkpoint_every: f64,
    /// Print errors only
    #[arg(long)]
    quiet: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|&seconds| Duration::try_from_secs_f64(seconds).is_ok());
    seconds.ok_or_else(|| "expected a number of seconds, as in 300 or 0.5".to_owned())
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Checkpoints {
    None,
    Last,
    All,
}

impl From<Checkpoints> for Keep {
    fn from(which: Checkpoints) -> Self {
        match which {
            Checkpoints::None => Self::None,
            Checkpoints::Last => Self::Last,
            Checkpoints::All => Self::All,
        }
    }
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.device.available()?;
    let plans = args.spec.read()?.plans(args.seeds.as_deref())?;
    if args.dry_run {
        let text = runner::describe(&plans, &args.options(Arc::default())).map_err(Failure::usage)?;
        output::print(&text)?;
        return Ok(Exit::Done);
    }
    // Before the data, which may be downloaded: Ctrl-C twice ends that too.
    let options = args.options(interrupt::install().map_err(Failure::usage)?);
    runner::check_memory(&plans, &options).map_err(Failure::usage)?;
    let data = args.load(&plans, &options)?;
    if options.interrupt.load(Ordering::SeqCst) {
        return Ok(Exit::Interrupted);
    }
    let policy =
        Policy { keep: args.keep_checkpoints.into(), every: Duration::from_secs_f64(args.checkpoint_every) };
    train(&plans, &Trainer::new(data, policy, args.log_steps), &options)
}

impl Args {
    fn options(&self, interrupt: Arc<AtomicBool>) -> Options {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        Options {
            out: self.out.clone(),
            jobs: self.jobs.map_or_else(cores, usize::from),
            shard: self.shard,
            fresh: self.fresh,
            quiet: self.quiet,
            interrupt,
            estimate: runner::estimate,
            width: output::terminal(),
        }
    }

    /// The data sets of this process's runs, so that a missing one is told of before any training.
    fn load(&self, plans: &[Plan], options: &Options) -> Result<Vec<DataSet>, Failure> {
        let runs = runner::select(plans, options).map_err(Failure::usage)?;
        let names: BTreeSet<&str> = runs.iter().map(|run| run.plan.data.dataset.as_str()).collect();
        let mut progress = Download::new(self.quiet);
        let place = self.place.data_dir.as_deref();
        names.into_iter().map(|name| Ok(data::load(name, place, &mut progress)?)).collect()
    }
}

/// Runs the grid and tells how it went.
fn train(plans: &[Plan], executor: &dyn Executor, options: &Options) -> Result<Exit, Failure> {
    let summary = runner::run_all(plans, executor, options).map_err(Failure::usage)?;
    for (folder, reason) in &summary.failures {
        tell(format_args!("error: the run {} failed: {reason}", folder.display()));
    }
    if !options.quiet {
        if summary.busy > 0 {
            tell(format_args!(
                "Left to another process, which is at them now: {} of the runs.",
                summary.busy
            ));
        }
        if summary.interrupted > 0 {
            tell(format_args!(
                "Interrupted with {} of the runs unfinished; the same command goes on with them.",
                summary.interrupted
            ));
        }
    }
    if !options.quiet {
        // A finished run whose rows cannot be read any more has failed after all.
        let lost = |error| Failure { exit: Exit::RunsFailed, error };
        output::print(&runner::closing_table(&summary.runs, options.width).map_err(lost)?)?;
    }
    Ok(verdict(&summary))
}

fn verdict(summary: &Summary) -> Exit {
    match summary {
        Summary { interrupted: 1.., .. } => Exit::Interrupted,
        Summary { failed: 1.., .. } => Exit::RunsFailed,
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_outranks_failures_and_divergence_is_a_result() {
        let summary =
            |failed, interrupted| Summary { done: 1, diverged: 2, failed, interrupted, ..Summary::default() };
        assert_eq!(verdict(&summary(0, 0)), Exit::Done);
        assert_eq!(verdict(&summary(3, 0)), Exit::RunsFailed);
        assert_eq!(verdict(&summary(3, 1)), Exit::Interrupted);
    }
}

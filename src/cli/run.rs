//! `run SPEC.toml`

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;

use super::device::Device;
use super::grid::GridArgs;
use super::training::{Training, verdict};
use super::{Exit, Failure, output, workers};
use crate::results;
use crate::runner::{self, Options, Shard, Summary, interrupt};
use crate::spec::Plan;
use crate::stderr::tell;

/// Arguments.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    #[command(flatten)]
    pub grid: GridArgs,
    /// Runs at a time, each on one thread [default: `SLURM_CPUS_PER_TASK`, else the number of cores; 64 on a GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Where to train: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: Device,
    /// Run only share I of N, counted from 1: a grid over several machines
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Remove earlier results of these runs and start anew
    #[arg(long)]
    fresh: bool,
    /// Show the grid and the time and memory it is expected to take, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print errors only
    #[arg(long)]
    pub quiet: bool,
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let (spec, plans) = args.grid.read()?;
    if spec.is_tuned() {
        return Err(Failure::usage(anyhow!(
            "{} has a [tune] section, which `plasticity-bench tune` carries out: use that, or take the section out",
            args.grid.spec.spec.display()
        )));
    }
    if args.dry_run {
        args.describe(&plans)?;
        return Ok(Exit::Done);
    }
    args.carry_out(&plans, &interrupt::install().map_err(Failure::usage)?, true)
}

impl Args {
    /// Prints what a grid is expected to take.
    pub fn describe(&self, plans: &[Plan]) -> Result<(), Failure> {
        self.device.check(plans)?;
        let options = self.options(Arc::default())?;
        let places = self.device.places()?;
        runner::check_device(plans, &options, &*places).map_err(Failure::usage)?;
        let mut text = runner::describe(plans, &options).map_err(Failure::usage)?;
        text += &runner::describe_device(plans, &options, &*places).map_err(Failure::usage)?;
        output::print(&text)
    }

    /// Runs `plans`, and prints the table of them at the end if `closing`. Ctrl-C raises `interrupt`, which is
    /// installed before the data, because these may be downloaded: Ctrl-C twice ends that too.
    pub fn carry_out(
        &self,
        plans: &[Plan],
        interrupt: &Arc<AtomicBool>,
        closing: bool,
    ) -> Result<Exit, Failure> {
        let options = self.options(Arc::clone(interrupt))?;
        let training = Training {
            options: &options,
            device: self.device,
            data_dir: self.grid.place.data_dir.as_deref(),
            policy: self.grid.policy(),
            log_steps: self.grid.log_steps,
        };
        let Some(summary) = training.carry_out(plans)? else { return Ok(Exit::Interrupted) };
        report(&summary, &options, self.grid.log_steps, closing)
    }

    fn options(&self, interrupt: Arc<AtomicBool>) -> Result<Options, Failure> {
        Ok(Options {
            out: self.grid.out.clone(),
            jobs: workers::count(self.device.jobs(self.jobs)).map_err(Failure::usage)?,
            shard: self.shard,
            fresh: self.fresh,
            retry: !self.grid.no_retry,
            quiet: self.quiet,
            interrupt,
            estimate: runner::estimate,
            width: output::terminal(),
        })
    }
}

/// Tells how a grid went, with the table of it if `closing`.
fn report(summary: &Summary, options: &Options, log_steps: bool, closing: bool) -> Result<Exit, Failure> {
    let unlogged = if log_steps { runner::finished_without_steps(&summary.runs) } else { 0 };
    if unlogged > 0 && !options.quiet {
        tell(format_args!(
            "--log-steps writes the steps that are taken now: {unlogged} of the runs were finished before and \
             have no steps.csv; --fresh takes their steps again."
        ));
    }
    let mut damaged = 0;
    if closing && !options.quiet {
        // A finished run whose rows cannot be read any more has failed after all.
        let lost = |error| Failure { exit: Exit::RunsFailed, error };
        let runs: Vec<_> = summary.runs.iter().map(|run| (&run.plan, run.dir.as_path())).collect();
        let closing = results::closing_table(&runs, options.width).map_err(lost)?;
        output::print(&closing.text)?;
        damaged = closing.damaged;
    }
    Ok(if damaged > 0 && summary.interrupted == 0 { Exit::RunsFailed } else { verdict(summary) })
}

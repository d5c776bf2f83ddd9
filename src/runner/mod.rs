//! Many runs: local workers that share a queue, failures, interrupts and progress.
//!
//! A run is looked at twice before it is begun: once at the start, to know what is left to do, and once
//! under its lock. So several processes may work on the same result folder: each run is done once.

mod bars;
mod describe;
mod device;
pub mod engines;
mod estimate;
mod eta;
mod executor;
mod folders;
pub mod interrupt;
mod lock;
mod memory;
mod panics;
mod progress;
mod running;
mod shard;
mod status;
mod trainer;
mod workers;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use indicatif::ProgressDrawTarget;

use crate::spec::Plan;
#[cfg(test)]
use crate::spec::test_plans;
use bars::Bars;
use progress::Display;

pub use describe::describe;
pub use device::{check as check_device, describe as describe_device};
pub use estimate::estimate;
pub use eta::duration;
pub use executor::Executor;
pub use folders::{Run, finished_without_steps, select};
pub use memory::{check as check_memory, in_words as memory_in_words};
pub use running::is_running;
pub use shard::{Shard, cut};
pub use trainer::Trainer;

/// Seconds that a plan is expected to take, if that can be said.
///
/// A plain function, because shards are cut by it: it must give the same bits on every machine, and
/// must not lean on a measurement of this one.
pub type Estimate = fn(&Plan) -> Option<f64>;

/// How a grid is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the results.
    pub out: PathBuf,
    /// Runs at a time; 0 counts as 1.
    pub jobs: usize,
    /// The share of the grid to run; `None` is all of it.
    pub shard: Option<Shard>,
    /// Whether earlier results of these runs are removed first.
    pub fresh: bool,
    /// Whether runs that failed before are tried again.
    pub retry: bool,
    /// Whether nothing but errors is printed.
    pub quiet: bool,
    /// Ends all runs at their next step once raised; see [`interrupt::install`].
    pub interrupt: Arc<AtomicBool>,
    /// Orders the queue, cuts the shards, and weighs the time left.
    pub estimate: Estimate,
    /// Length of a line that tables keep to; `None` is as long as it takes.
    pub width: Option<u16>,
}

impl Options {
    /// One run at a time into `out`, resuming, with progress and without estimates.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            jobs: 1,
            shard: None,
            fresh: false,
            retry: true,
            quiet: false,
            interrupt: Arc::default(),
            estimate: |_| None,
            width: None,
        }
    }
}

/// What became of the runs of this process; every one is counted once.
#[derive(Debug, Default)]
pub struct Summary {
    /// Trained to the end.
    pub done: usize,
    /// Ended by a loss or parameter that is not finite.
    pub diverged: usize,
    /// Ended by an error or a panic.
    pub failed: usize,
    /// Had their result before.
    pub skipped: usize,
    /// Left alone because another process is at them.
    pub busy: usize,
    /// Stopped, or never begun, because of an interrupt.
    pub interrupted: usize,
    /// The runs in the order of the grid.
    pub runs: Vec<Run>,
    /// Folder and reason of each failure, in the order of the grid.
    pub failures: Vec<(PathBuf, String)>,
}

/// Runs all `plans` (of this shard) that have no result yet, `options.jobs` at a time, and tells of the
/// progress on stderr. Failing runs do not end the others.
///
/// # Errors
/// If nothing can be run at all: the output folder cannot be written, `--fresh` meets a run that is
/// being run, two plans share a folder.
pub fn run_all(plans: &[Plan], executor: &dyn Executor, options: &Options) -> anyhow::Result<Summary> {
    let display = if options.quiet {
        Display::Quiet
    } else if std::io::stderr().is_terminal() {
        Display::Bars(Bars::new(ProgressDrawTarget::stderr()))
    } else {
        Display::Lines(Mutex::new(Box::new(std::io::stderr())))
    };
    workers::run_on(plans, executor, options, display)
}

//! What the commands that train have in common: checks, data, and the words about what became of the runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::device::Device;
use super::download::Download;
use super::{Exit, Failure};
use crate::data::{self, DataSet};
use crate::runner::{self, Options, Summary, Trainer};
use crate::spec::{Plan, Work};
use crate::stderr::tell;
use crate::train::checkpoint::Policy;

/// How plans are trained.
pub struct Training<'a> {
    pub options: &'a Options,
    pub device: Device,
    /// Folder to look for data sets in first.
    pub data_dir: Option<&'a Path>,
    /// Which checkpoints stay.
    pub policy: Policy,
    /// Whether every step is written.
    pub log_steps: bool,
}

impl Training<'_> {
    /// Runs `plans` and tells of failures, of runs that other processes are at, and of an interrupt; nothing comes back
    /// if that came before the first run.
    pub fn carry_out(&self, plans: &[Plan]) -> Result<Option<Summary>, Failure> {
        let options = self.options;
        self.device.check(plans)?;
        let places = self.device.places()?;
        runner::check_device(plans, options, &*places).map_err(Failure::usage)?;
        runner::check_memory(plans, options).map_err(Failure::usage)?;
        let data = self.load(plans)?;
        if options.interrupt.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let trainer = Trainer::new(data, self.policy, self.log_steps).on(places);
        let summary = runner::run_all(plans, &trainer, options).map_err(Failure::usage)?;
        report(&summary, options.quiet);
        Ok(Some(summary))
    }

    /// The data sets of this process's runs, so that a missing one is reported before any training.
    fn load(&self, plans: &[Plan]) -> Result<Vec<DataSet>, Failure> {
        let runs = runner::select(plans, self.options).map_err(Failure::usage)?;
        let names: BTreeSet<&str> = (runs.iter())
            .filter_map(|run| match &run.plan.work {
                Work::Supervised { data, .. } => Some(data.dataset.as_str()),
                Work::Control(_) | Work::Diagnostic(_) => None,
            })
            .collect();
        let mut progress = Download::new(self.options.quiet);
        names.into_iter().map(|name| Ok(data::load(name, self.data_dir, &mut progress)?)).collect()
    }
}

fn report(summary: &Summary, quiet: bool) {
    for (folder, reason) in &summary.failures {
        tell(format_args!("error: the run {} failed: {reason}", folder.display()));
    }
    if summary.busy > 0 {
        tell(format_args!(
            "{} of the runs are left to another process, which is running them: this command ends with exit \
             code {}, and run again once that process has ended, it finishes what is left.",
            summary.busy,
            Exit::LeftToOthers.code()
        ));
    }
    if summary.interrupted > 0 && !quiet {
        tell(format_args!(
            "Interrupted with {} of the runs unfinished; the same command goes on with them.",
            summary.interrupted
        ));
    }
}

/// The exit code that a grid deserves.
pub fn verdict(summary: &Summary) -> Exit {
    match summary {
        Summary { interrupted: 1.., .. } => Exit::Interrupted,
        Summary { failed: 1.., .. } => Exit::RunsFailed,
        Summary { busy: 1.., .. } => Exit::LeftToOthers,
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
        assert_eq!(verdict(&Summary { busy: 1, ..summary(0, 0) }), Exit::LeftToOthers);
        assert_eq!(verdict(&Summary { busy: 1, ..summary(3, 0) }), Exit::RunsFailed);
    }
}

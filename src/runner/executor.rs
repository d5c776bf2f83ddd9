//! Where the runner ends and training begins.

use std::path::Path;

use crate::spec::Plan;
use crate::train::signals::{Outcome, Signals};

/// Carries out one run. A trait, so that the runner is tested without training anything.
pub trait Executor: Sync {
    /// Runs `plan` in the existing folder `dir`, going on from whatever a former attempt left there.
    ///
    /// It writes `run.toml` with status `running` before its first step; the ending status is the
    /// runner's to write. On [`Outcome::Interrupted`] all steps taken are on disk.
    fn execute(&self, plan: &Plan, dir: &Path, control: &Signals) -> anyhow::Result<Outcome>;
}

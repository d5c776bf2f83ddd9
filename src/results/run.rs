//! One run on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{Downsampled, Probes, Retention, Shapes, coefficients, probes, tasks};
use crate::record::{RUN_FILE, RunStatus};
use crate::spec::{Catalogue, Plan, Spec};

/// What the files of a run say.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// What was asked for.
    pub plan: Plan,
    /// How it went.
    pub status: RunStatus,
    /// Tasks that have a row.
    pub tasks: usize,
    /// Online accuracy over tasks.
    pub online: Downsampled,
    /// Figures by the name of their metric.
    pub metrics: BTreeMap<&'static str, f64>,
    /// Probes at the ends of tasks.
    pub probes: Probes,
    /// Curves of rational activations, by layer.
    pub shapes: BTreeMap<String, Shapes>,
    /// Accuracy matrix.
    pub retention: Retention,
}

/// Reads the run in `folder`.
pub fn open(folder: &Path, catalogue: &Catalogue) -> anyhow::Result<Run> {
    let path = folder.join(RUN_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))?;
    let spec = Spec::parse(&text, &path.display().to_string(), &[], catalogue)?;
    let plan = match spec.plans(None)?.as_slice() {
        [plan] => plan.clone(),
        plans => bail!("{} describes {} runs and not one", path.display(), plans.len()),
    };
    let status =
        RunStatus::read(folder)?.with_context(|| format!("{} has no [run] table", path.display()))?;
    let (tasks, retention) = (tasks::read(folder)?, Retention::read(folder)?);
    Ok(Run {
        folder: folder.to_owned(),
        shapes: coefficients::read(folder, &plan)?,
        probes: probes::read(folder)?,
        plan,
        status,
        tasks: tasks.count,
        online: tasks.online,
        metrics: tasks.figures.into_iter().chain(retention.figures()).collect(),
        retention,
    })
}

impl Run {
    /// Mean over layers of a probe at the end of the last task.
    #[must_use]
    pub fn last_probe(&self, probe: &str) -> Option<f64> {
        super::mean::Mean::of(self.probes.series.get(probe)?.values().filter_map(Downsampled::last))
    }
}

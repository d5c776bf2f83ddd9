//! One run on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::{
    Downsampled, Evaluations, Probes, Retention, Shapes, coefficients, damage, evaluations, probes, tasks,
};
use crate::diagnostics::FIGURES;
use crate::record::{RUN_FILE, RunStatus, Status};
use crate::spec::{Catalogue, Plan, Spec, Work};

/// The probe that is a rank.
pub(super) const SRANK: &str = "srank";

/// What the files of a run say.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// What was asked for.
    pub plan: Plan,
    /// How it went.
    pub status: RunStatus,
    /// What is wrong with the rows of a run that was trained to the end; it is in no figure then.
    pub damage: Option<String>,
    /// Tasks that have a row.
    pub tasks: usize,
    /// Those of them that count in the benchmark's score.
    pub scored: usize,
    /// Online accuracy over tasks.
    pub online: Downsampled,
    /// Figures by the name of their metric.
    pub metrics: BTreeMap<&'static str, f64>,
    /// Probes at the ends of tasks.
    pub probes: Probes,
    /// Curves of rational activations, by layer.
    pub shapes: BTreeMap<String, Shapes>,
    /// Accuracy matrices.
    pub retention: Retention,
    /// What an agent earned, and how far its values were off.
    pub evaluations: Evaluations,
}

/// The plan of the run in `folder`.
pub fn plan(folder: &Path, catalogue: &Catalogue) -> anyhow::Result<Plan> {
    let path = folder.join(RUN_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))?;
    let spec = Spec::parse(&text, &path.display().to_string(), &[], catalogue)?;
    match spec.plans(None)?.as_slice() {
        [plan] => Ok(plan.clone()),
        plans => bail!("{} describes {} runs and not one", path.display(), plans.len()),
    }
}

/// Reads the run in `folder`.
pub fn open(folder: &Path, catalogue: &Catalogue) -> anyhow::Result<Run> {
    let plan = plan(folder, catalogue)?;
    let status = RunStatus::read(folder)?
        .with_context(|| format!("{} has no [run] table", folder.join(RUN_FILE).display()))?;
    let (tasks, retention) = (tasks::read(folder, &plan)?, Retention::read(folder)?);
    let (probes, mut evaluations) = (probes::read(folder)?, evaluations::read(folder)?);
    let evaluated = std::mem::take(&mut evaluations.figures);
    let damage = if status.status == Status::Done {
        let damage = damage::damage(folder, plan.tasks(), &tasks, &probes, &retention);
        damage.with_context(|| format!("the rows in {} could not be checked", folder.display()))?
    } else {
        None
    };
    let diagnosed: Vec<(&'static str, f64)> = match &plan.work {
        Work::Diagnostic(_) => {
            FIGURES.iter().filter_map(|&name| Some((name, probes.last.get(name)?.last_layer()?))).collect()
        }
        Work::Supervised { .. } | Work::Control(_) => Vec::new(),
    };
    Ok(Run {
        folder: folder.to_owned(),
        shapes: coefficients::read(folder, &plan)?,
        probes,
        plan,
        status,
        damage,
        tasks: tasks.count,
        scored: tasks.scored,
        online: tasks.online,
        metrics: tasks
            .figures
            .into_iter()
            .chain(retention.figures())
            .chain(evaluated)
            .chain(diagnosed)
            .collect(),
        retention,
        evaluations,
    })
}

impl Run {
    /// Whether figures are made of it: trained to the end, and whole.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.status.status == Status::Done && self.damage.is_none()
    }

    /// A probe at the end of the last task as one number. The rank is that of the last layer, whose features
    /// the head reads; other probes are means over the units of all layers.
    #[must_use]
    pub fn last_probe(&self, probe: &str) -> Option<f64> {
        let last = self.probes.last.get(probe)?;
        if probe == SRANK { last.last_layer() } else { last.over_units() }
    }
}

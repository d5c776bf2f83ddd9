//! The executor that trains: data decoded once and shared between the runs that need it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::Executor;
use super::recording::Recording;
use crate::atomic;
use crate::data::DataSet;
use crate::kernels;
use crate::record::RunStatus;
use crate::spec::Plan;
use crate::train::checkpoint::Policy;
use crate::train::signals::{Outcome, Signals};
use crate::train::{self};

/// Trains runs on data sets loaded before.
pub struct Trainer {
    data: BTreeMap<String, Arc<DataSet>>,
    policy: Policy,
    log_steps: bool,
}

impl Trainer {
    /// With the data sets that the plans name.
    #[must_use]
    pub fn new(data: impl IntoIterator<Item = DataSet>, policy: impl Into<Policy>, log_steps: bool) -> Self {
        let data = data.into_iter().map(|set| (set.name.clone(), Arc::new(set))).collect();
        Self { data, policy: policy.into(), log_steps }
    }
}

impl Executor for Trainer {
    fn execute(&self, plan: &Plan, dir: &Path, control: &Signals) -> anyhow::Result<Outcome> {
        let data = self.data.get(&plan.data().dataset);
        let data = data.with_context(|| format!("the data set {} was not loaded", plan.data().dataset))?;
        atomic::sweep(dir).with_context(|| format!("the folder {} could not be swept", dir.display()))?;
        let mut status = RunStatus::begin(&data.checksum, "cpu", 1, kernels::name());
        if let Some(earlier) = RunStatus::read(dir)? {
            status = status.resuming(&earlier);
            if let Some(mixture) = status.mixture() {
                control.note(&mixture);
            }
        }
        status.write(dir, &plan.to_toml())?;
        let (folder, plan_toml) = (dir.to_owned(), plan.to_toml());
        let mut recording = Recording::new(plan, dir, self.log_steps)
            .on_first_step(move |task, step| Ok(status.stepping(task, step).write(&folder, &plan_toml)?));
        Ok(train::run(plan, Arc::clone(data), dir, self.policy, &mut recording, control)?)
    }
}

//! The executor that trains: data decoded once and shared between the runs that need it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::Executor;
use crate::atomic;
use crate::data::DataSet;
use crate::kernels;
use crate::measure::{FirstStep, Recording};
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
        }
        let plan_toml = plan.to_toml();
        status.write(dir, &plan_toml)?;
        // What an attempt is the first to know, and its run.toml is to tell, is where it goes on.
        let begun = |first: FirstStep| {
            let status = status.stepping(first.task, first.step);
            if let Some(mixture) = status.mixture() {
                control.note(&mixture);
            }
            if let Some(gap) = gap(first, self.log_steps) {
                control.note(&gap);
            }
            Ok(status.write(dir, &plan_toml)?)
        };
        let mut recording = Recording::new(plan, dir, self.log_steps).on_first_step(begun);
        Ok(train::run(plan, Arc::clone(data), dir, self.policy, &mut recording, control)?)
    }
}

/// Says what steps.csv will lack, if some of the run's steps are logged and some are not.
fn gap(first: FirstStep, log_steps: bool) -> Option<String> {
    let at = format!("step {} of task {}", first.step, first.task);
    match (first.task > 0 || first.step > 0, first.has_steps, log_steps) {
        (true, false, true) => Some(format!(
            "steps.csv begins with {at}, where the run goes on: earlier steps were taken without --log-steps"
        )),
        (true, true, false) => Some(format!(
            "steps.csv ends before {at}, where the run goes on: the steps from there are taken without \
             --log-steps"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_are_logged_in_part_are_reported() {
        let first = |task, step, has_steps| FirstStep { task, step, has_steps };
        assert_eq!(gap(first(0, 0, false), true), None);
        assert_eq!(gap(first(2, 7, true), true), None);
        assert_eq!(gap(first(2, 7, false), false), None);
        assert!(
            gap(first(2, 7, false), true).unwrap().starts_with("steps.csv begins with step 7 of task 2,")
        );
        assert!(
            gap(first(1, 0, true), false).unwrap().starts_with("steps.csv ends before step 0 of task 1,")
        );
    }
}

//! The executor that trains: data decoded once and shared between the runs that need it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::Executor;
use crate::atomic;
use crate::data::DataSet;
use crate::diagnostics;
use crate::environments::change;
use crate::environments::repeat::ActionRepeat;
use crate::environments::{Environment, Named};
use crate::measure::{ControlRecording, FirstStep, Recording, run_diagnostic};
use crate::record::RunStatus;
use crate::spec::{Plan, Work};
use crate::train::checkpoint::Policy;
use crate::train::control::run_control;
use crate::train::signals::{Outcome, Signals};
use crate::train::{self, Places, Processor, TrainError};

/// Trains runs on data sets loaded before.
pub struct Trainer {
    data: BTreeMap<String, Arc<DataSet>>,
    policy: Policy,
    log_steps: bool,
    places: Box<dyn Places>,
}

impl Trainer {
    /// With the data sets that the plans name.
    #[must_use]
    pub fn new(data: impl IntoIterator<Item = DataSet>, policy: impl Into<Policy>, log_steps: bool) -> Self {
        let data = data.into_iter().map(|set| (set.name.clone(), Arc::new(set))).collect();
        Self { data, policy: policy.into(), log_steps, places: Box::new(Processor) }
    }

    /// With steps of supervised runs taken there.
    #[must_use]
    pub fn on(self, places: Box<dyn Places>) -> Self {
        Self { places, ..self }
    }
}

impl Executor for Trainer {
    fn execute(&self, plan: &Plan, dir: &Path, control: &Signals) -> anyhow::Result<Outcome> {
        let data = match &plan.work {
            Work::Supervised { data, .. } => {
                let loaded = self.data.get(&data.dataset);
                Some(loaded.with_context(|| format!("the data set {} was not loaded", data.dataset))?)
            }
            Work::Control(_) | Work::Diagnostic(_) => None,
        };
        atomic::sweep(dir).with_context(|| format!("the folder {} could not be swept", dir.display()))?;
        let checksum = data.map_or("", |data| &data.checksum);
        let mut status = RunStatus::begin(checksum, self.places.device(), 1, self.places.kernels());
        if let Some(earlier) = RunStatus::read(dir)? {
            status.can_resume(&earlier).map_err(anyhow::Error::msg)?;
            status = status.resuming(&earlier);
        }
        let plan_toml = plan.to_toml();
        status.write(dir, &plan_toml)?;
        if let Work::Diagnostic(diagnostic) = &plan.work {
            return Ok(match run_diagnostic(plan, diagnostic, dir)? {
                diagnostics::Outcome::Figures(_) => Outcome::Done,
                diagnostics::Outcome::Diverged { step, .. } => Outcome::Diverged { task: 0, step },
            });
        }
        // What an attempt is the first to know, and its run.toml is to tell, is where it goes on.
        let begun = |first: FirstStep| {
            let status = status.stepping(first.task, first.step);
            if let Some(mixture) = status.mixture() {
                control.note(&mixture);
            }
            if let Some(gap) = gap(first, self.log_steps && data.is_some()) {
                control.note(&gap);
            }
            Ok(status.write(dir, &plan_toml)?)
        };
        if let (Some(data), Work::Supervised { .. }) = (data, &plan.work) {
            let mut recording = Recording::new(plan, dir, self.log_steps).on_first_step(begun);
            let mut place = self.places.place(plan)?;
            let data = Arc::clone(data);
            let outcome = train::run_at(&mut *place, plan, data, dir, self.policy, &mut recording, control);
            return Ok(outcome?);
        }
        let mut recording = ControlRecording::new(plan, dir).on_first_step(begun);
        Ok(run_control(plan, &worlds(plan)?, dir, self.policy, &mut recording, control)?)
    }
}

/// The environments of an agent's tasks, an action held as often as the plan says.
fn worlds(plan: &Plan) -> anyhow::Result<impl Fn(usize) -> Result<Box<dyn Environment>, TrainError>> {
    let work = plan.control().context("a plan without images is one of control")?;
    let environment = Named::new(&work.environment, work.python.as_deref());
    let change = change::build(&work.change, &environment, plan.seed)?;
    let times = work.action_repeat;
    Ok(move |task| {
        let environment = change.task(task).map_err(|error| TrainError::World(error.to_string()))?;
        Ok(Box::new(ActionRepeat::new(environment, times)) as Box<dyn Environment>)
    })
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

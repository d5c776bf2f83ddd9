//! The rows of an agent's run: sees the loop from outside, measures networks and values, writes the CSV.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::{FirstStep, Looks, Moment, RunRows, task_template};
use crate::agents::{Batch, Beliefs};
use crate::environments::{Environment, Spaces};
use crate::probes::value::{self, Over, Reference, Replay, Rollout, Scene, ValueMeasurement, Visited};
use crate::random::Stream;
use crate::record::{EpisodeRow, EvaluationRow, Phase, ProbeRow, Status, TaskRow, TimeRow};
use crate::spec::Plan;
use crate::state::{StateDict, StateError, Stateful};
use crate::train::Rows;
use crate::train::control::{ControlObserver, ControlResult, Decided, Deciding, Episode, Evaluated};
use crate::trained::View;

/// On-policy episodes that the value probes look at: with REDQ's first 350 steps of each, about 1000 pairs.
const EPISODES: usize = 3;
/// Transitions of the buffer on which churn is measured.
const CHURNED: usize = 256;
/// Names of what is remembered.
const VISITED: &str = "visited";
const TASK_START: &str = "task_start";

/// Records an agent's run in its folder.
pub struct ControlRecording<'a> {
    rows: RunRows<'a>,
    /// Columns that all tasks of the run share.
    template: TaskRow,
    looks: Looks,
    seed: u64,
    /// Whether values are looked at: where there are evaluations.
    values: bool,
    /// Whether every task has the same environment.
    single: bool,
    visited: Visited,
    /// What was said before the task's first decision, and before its last.
    task_start: Option<Reference>,
    before_last: Option<Reference>,
}

impl<'a> ControlRecording<'a> {
    /// Of the run of `plan` in `folder`. No file is touched before the loop says where the run goes on.
    #[must_use]
    pub fn new(plan: &Plan, folder: &Path) -> Self {
        let rows = RunRows::new(folder);
        let template = task_template(plan, rows.run().to_owned());
        let control = plan.control();
        let span = control.map_or(1, |control| control.agent.integer("buffer").unsigned_abs() as usize);
        Self {
            rows,
            template,
            looks: Looks::new(&plan.probes),
            seed: plan.seed,
            values: control.is_some_and(|control| control.evaluation_episodes > 0),
            single: control.is_some_and(|control| control.change.name == "single"),
            visited: Visited::new(span),
            task_start: None,
            before_last: None,
        }
    }

    /// The same that calls `first_step` once, after the first step of this attempt.
    #[must_use]
    pub fn on_first_step(mut self, first_step: impl FnOnce(FirstStep) -> anyhow::Result<()> + 'a) -> Self {
        self.rows.on_first_step(first_step);
        self
    }

    /// Every network of the agent on one batch of the buffer, drawn for this look. While nothing has been
    /// seen there is nothing to look at them with.
    fn look(&mut self, task: usize, phase: Phase, agent: &dyn Beliefs) -> anyhow::Result<()> {
        if agent.buffer().is_empty() {
            return Ok(());
        }
        let mut draws = Stream::new(self.seed, "probes", task as u64 * 2 + u64::from(phase == Phase::End));
        let batch = agent.buffer().sample(self.looks.samples(), &mut draws);
        for look in agent.looks() {
            let prefix = format!("{}.", look.name);
            let inputs = |_| inputs(&batch, look.takes_actions);
            let at = Moment { task, phase, prefix: &prefix };
            self.looks.network(at, View::new(look.network), inputs, None, &mut self.rows)?;
        }
        Ok(())
    }

    /// What the agent says of a batch of the buffer, drawn for a task; `None` where nothing has been seen.
    fn reference(&self, task: usize, agent: &dyn Beliefs) -> anyhow::Result<Option<Reference>> {
        if !self.values || agent.buffer().is_empty() {
            return Ok(None);
        }
        let batch = agent.buffer().sample(CHURNED, &mut Stream::new(self.seed, "churn", task as u64));
        Ok(Some(Reference::new(agent, &batch)?))
    }

    /// Rows of value probes at a task's end.
    fn values(&mut self, task: usize, measured: Vec<ValueMeasurement>) -> anyhow::Result<()> {
        for measured in measured.into_iter().filter(|measured| measured.value.is_finite()) {
            self.rows.push(&ProbeRow {
                run: self.template.run.clone(),
                task,
                phase: Phase::End,
                layer: measured.of,
                units: None,
                samples: Some(measured.samples),
                probe: measured.probe.to_owned(),
                value: Some(measured.value),
            })?;
        }
        Ok(())
    }

    /// Rows of a task that has ended, on disk when this returns.
    fn end(&mut self, result: &ControlResult, status: Status) -> anyhow::Result<()> {
        let row = TaskRow {
            task: result.task,
            status,
            environment_steps: Some(result.steps),
            updates: usize::try_from(result.updates).ok(),
            episodes: Some(result.episodes),
            online_return: result.online_return(),
            evaluation_return: result.evaluation_return,
            scored: Some(true),
            ..self.template.clone()
        };
        self.rows.push(&row)?;
        self.rows.push(&TimeRow {
            run: row.run,
            task: result.task,
            seconds: result.seconds,
            steps_per_second: result.steps as f64 / result.seconds,
        })?;
        self.rows.commit()?;
        Ok(())
    }
}

/// A return on the scale where that of random actions is 0 and the largest possible one 1.
fn above_random(spaces: &Spaces, mean: f64) -> Option<f64> {
    let ((_, most), random) = (spaces.returns?, spaces.random_return?);
    Some((mean - random) / (most - random))
}

/// What is remembered from one decision to the next.
impl Stateful for ControlRecording<'_> {
    fn save(&self, state: &mut StateDict) {
        if self.values {
            state.insert_part(VISITED, &self.visited);
        }
        if let Some(start) = &self.task_start {
            state.insert_part(TASK_START, start);
        }
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        state.load_part(VISITED, &mut self.visited)?;
        if !state.part(TASK_START).is_empty() {
            let mut start = Reference::default();
            state.load_part(TASK_START, &mut start)?;
            self.task_start = Some(start);
        }
        Ok(())
    }
}

/// Observations of a batch, with the actions behind them where a network takes both.
fn inputs(batch: &Batch, with_actions: bool) -> candle_core::Result<Tensor> {
    let of =
        |values: &[f32]| Tensor::from_slice(values, (batch.rows, values.len() / batch.rows), &Device::Cpu);
    let observations = of(&batch.observations)?;
    if with_actions { Tensor::cat(&[observations, of(&batch.actions)?], 1) } else { Ok(observations) }
}

impl ControlObserver for ControlRecording<'_> {
    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.rows
    }

    fn deciding(&mut self, deciding: &Deciding<'_>) -> anyhow::Result<()> {
        if self.values {
            self.visited.pass(deciding.environment);
        }
        if deciding.last {
            self.before_last = self.reference(deciding.task, deciding.agent)?;
        }
        Ok(())
    }

    fn stepped(&mut self, decided: &Decided<'_>) -> anyhow::Result<()> {
        // Without an update there is nothing to have moved.
        if let Some(before) = self.before_last.take().filter(|_| decided.updated) {
            self.values(decided.task, before.changes(decided.agent, Over::Update)?)?;
        }
        self.rows.stepped(decided.task, decided.step)
    }

    fn task_started(&mut self, task: usize, agent: &dyn Beliefs) -> anyhow::Result<()> {
        if !self.single {
            self.visited.clear();
        }
        self.task_start = self.reference(task, agent)?;
        self.look(task, Phase::Start, agent)
    }

    fn episode(&mut self, task: usize, passed: usize, episode: &Episode) -> anyhow::Result<()> {
        let row = EpisodeRow {
            run: self.template.run.clone(),
            task,
            episode: episode.number,
            environment_step: passed,
            length: episode.length,
            r#return: episode.total,
            terminated: episode.terminated,
            success: episode.success,
        };
        self.rows.push(&row)
    }

    fn evaluated(
        &mut self,
        moment: &Evaluated<'_>,
        agent: &dyn Beliefs,
        environment: &dyn Environment,
    ) -> anyhow::Result<()> {
        let returns = moment.returns;
        let scaled = |(least, most): (f64, f64)| (returns.mean() - least) / (most - least);
        let mut row = EvaluationRow {
            run: self.template.run.clone(),
            task: moment.task,
            environment_step: moment.passed,
            episodes: returns.each.len(),
            return_mean: returns.mean(),
            return_min: returns.min(),
            return_max: returns.max(),
            normalized_return: environment.spaces().returns.map(scaled),
            success_rate: returns.success_rate(),
            temperature: agent.is_soft().then(|| agent.temperature()),
            floor_normalized_return: above_random(environment.spaces(), returns.mean()),
            ..EvaluationRow::default()
        };
        let mut draws = Stream::new(self.seed, "value-probes", moment.passed as u64);
        let rollout = Rollout::new(agent, environment, EPISODES, &mut draws)?;
        if let Some(rollout) = rollout.filter(|rollout| rollout.pairs > 0) {
            let replay = if moment.ends_task {
                let mut draws = Stream::new(self.seed, "value-probes-replay", moment.passed as u64);
                Replay::new(agent, environment, &self.visited, &mut draws)?
            } else {
                None
            };
            let (rollout, replay, draws) = (&rollout, replay.as_ref(), &mut draws);
            let measured = value::measure(&mut Scene { agent, environment, rollout, replay, draws })?;
            let mean = |probe: &str| value::over_critics(&measured, probe);
            row.q_mean = mean("q_mean");
            row.q_bias = mean("q_bias");
            row.q_bias_normalized = mean("q_bias_normalized");
            row.q_impossible = mean("q_impossible");
            row.monte_carlo_return = Some(rollout.soft.iter().sum::<f64>() / rollout.pairs as f64);
            let entropy = -rollout.log_probs.iter().sum::<f64>() / rollout.pairs as f64;
            row.entropy = agent.is_soft().then_some(entropy);
            if moment.ends_task {
                self.values(moment.task, measured)?;
            }
        }
        self.rows.push(&row)
    }

    fn task_ended(&mut self, result: &ControlResult, agent: &dyn Beliefs) -> anyhow::Result<()> {
        if let Some(start) = self.task_start.take() {
            self.values(result.task, start.changes(agent, Over::Task)?)?;
        }
        self.look(result.task, Phase::End, agent)?;
        self.end(result, Status::Done)
    }

    fn diverged(&mut self, result: &ControlResult) -> anyhow::Result<()> {
        self.end(result, Status::Diverged)
    }
}

#[cfg(test)]
mod tests;

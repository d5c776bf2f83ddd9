//! The observer that records a supervised run.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::{FirstStep, Looks, Moment, RunRows, accuracy_matrix_line, task_template};
use crate::probes::{self, NetworkView};
use crate::record::{Phase, Status, StepRow, TaskRow, TimeRow};
use crate::spec::Plan;
use crate::tasks::TaskStream;
use crate::train::{Edge, Observer, Rows, TaskResult};
use crate::trained::{StepTrace, View};

/// Records a run in its folder: sees the training loop from outside, measures, writes rows.
pub struct Recording<'a> {
    rows: RunRows<'a>,
    template: TaskRow,
    looks: Looks,
    plan: Plan,
    log_steps: bool,
}

impl<'a> Recording<'a> {
    /// Of the run of `plan` in `folder`. No file is touched before the loop says where the run goes on.
    #[must_use]
    pub fn new(plan: &Plan, folder: &Path, log_steps: bool) -> Self {
        let rows = RunRows::new(folder);
        let template = task_template(plan, rows.run().to_owned());
        Self { rows, template, looks: Looks::new(&plan.probes), plan: plan.clone(), log_steps }
    }

    /// The same that calls `first_step` once, after the first step of this attempt.
    #[must_use]
    pub fn on_first_step(mut self, first_step: impl FnOnce(FirstStep) -> anyhow::Result<()> + 'a) -> Self {
        self.rows.on_first_step(first_step);
        self
    }

    fn look(
        &mut self,
        task: usize,
        phase: Phase,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        let inputs = |samples| {
            let inputs = stream.probe_inputs(task, samples);
            let mut pixels = Vec::new();
            inputs.gather_range(0..inputs.len(), &mut pixels);
            Tensor::from_vec(pixels, (inputs.len(), inputs.features()), &Device::Cpu)
        };
        let of_task =
            |task| probes::task_inputs(&stream.task(task).train, self.looks.samples(), self.plan.seed);
        let mut tasks = None;
        if self.looks.compares_tasks() && task > 0 {
            tasks = Some([of_task(task)?, of_task(task - 1)?]);
        }
        let at = Moment { task, phase, prefix: "" };
        self.looks.network(at, network, inputs, tasks, &mut self.rows)?;
        let view = NetworkView { plan: &self.plan, stream, network, task };
        self.looks.whole(at, &view, &mut self.rows)
    }

    /// Rows of a task that has ended, on disk when this returns.
    fn end(&mut self, result: &TaskResult, status: Status) -> anyhow::Result<()> {
        self.rows.push(&self.row(result, status))?;
        self.rows.push(&TimeRow {
            run: self.template.run.clone(),
            task: result.task,
            seconds: result.seconds,
            steps_per_second: result.steps as f64 / result.seconds,
        })?;
        self.rows.commit()?;
        Ok(())
    }

    fn row(&self, result: &TaskResult, status: Status) -> TaskRow {
        let online = (result.steps > 0).then(|| (result.online_accuracy(), result.online_loss()));
        let fresh = result.fresh_online_accuracy();
        TaskRow {
            task: result.task,
            status,
            steps: Some(result.steps),
            examples: Some(result.examples),
            online_accuracy: online.map(|o| o.0),
            online_loss: online.map(|o| o.1),
            train_accuracy: result.train.map(|e| e.accuracy),
            train_loss: result.train.map(|e| e.loss),
            test_accuracy: result.test.map(|e| e.accuracy),
            test_loss: result.test.map(|e| e.loss),
            fresh_online_accuracy: fresh,
            plasticity_gap: fresh.zip(online).map(|(fresh, (accuracy, _))| fresh - accuracy),
            scored: Some(result.scored),
            fresh_train_loss: result.fresh_train_loss(),
            loss_gap: result.train.zip(result.fresh_train_loss()).map(|(train, fresh)| train.loss - fresh),
            ..self.template.clone()
        }
    }
}

impl Observer for Recording<'_> {
    fn rows(&mut self) -> &mut dyn Rows {
        &mut self.rows
    }

    fn traces_steps(&self) -> bool {
        self.looks.trace_steps()
    }

    fn task_started(
        &mut self,
        task: usize,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        self.look(task, Phase::Start, stream, network)
    }

    fn stepped(&mut self, task: usize, step: usize, loss: f64, accuracy: f64) -> anyhow::Result<()> {
        self.rows.stepped(task, step)?;
        if self.log_steps {
            let run = self.template.run.clone();
            self.rows.push(&StepRow { run, task, step, loss: loss as f32, accuracy })?;
        }
        Ok(())
    }

    fn traced(
        &mut self,
        task: usize,
        edge: Edge,
        network: View<'_>,
        trace: &StepTrace,
    ) -> anyhow::Result<()> {
        let phase = match edge {
            Edge::First => Phase::Start,
            Edge::Last => Phase::End,
        };
        self.looks.step(Moment { task, phase, prefix: "" }, network, trace, &mut self.rows)
    }

    fn task_ended(
        &mut self,
        result: &TaskResult,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        self.look(result.task, Phase::End, stream, network)?;
        for row in accuracy_matrix_line(
            &self.template.run,
            result.task,
            stream,
            network,
            self.plan.probes.retention,
        )? {
            self.rows.push(&row)?;
        }
        self.end(result, Status::Done)
    }

    fn diverged(&mut self, result: &TaskResult) -> anyhow::Result<()> {
        self.end(result, Status::Diverged)
    }
}

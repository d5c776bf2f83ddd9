//! One run's rows: sees the training loop from outside, measures with the probes, writes the CSV.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::catalogue::catalogue;
use crate::nn::activation::Curve;
use crate::probes::{LayerView, ProbeSet, worst};
use crate::record::{
    CoefficientRow, Phase, ProbeRow, Recorder, RetentionRow, Status, StepRow, TaskRow, TimeRow,
};
use crate::sha256::Prefixes;
use crate::spec::{Catalogue, Choice, Kind, Plan, Value};
use crate::tasks::TaskStream;
use crate::train::{Edge, Observer, Rows, StepTrace, TaskResult, View, evaluate, evaluate_among};

/// What is done when the first step of an attempt has been taken, at that task and step.
type FirstStep = Box<dyn FnOnce(usize, usize) -> anyhow::Result<()>>;

/// The observer that records a run in its folder.
pub struct Recording {
    folder: PathBuf,
    /// Columns that all tasks of the run share.
    template: TaskRow,
    probes: ProbeSet,
    probing: bool,
    samples: usize,
    log_steps: bool,
    recorder: Option<Recorder>,
    first_step: Option<FirstStep>,
}

impl Recording {
    /// Nothing is touched before the loop says where the run goes on.
    #[must_use]
    pub fn new(plan: &Plan, folder: &Path, log_steps: bool) -> Self {
        let run = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            folder: folder.to_owned(),
            template: template(plan, run),
            probes: ProbeSet::new(&plan.probes.names),
            probing: !plan.probes.names.is_empty(),
            samples: plan.probes.samples,
            log_steps,
            recorder: None,
            first_step: None,
        }
    }

    /// The same that calls `first_step` once, after the first step that it sees.
    #[must_use]
    pub fn on_first_step(
        mut self,
        first_step: impl FnOnce(usize, usize) -> anyhow::Result<()> + 'static,
    ) -> Self {
        self.first_step = Some(Box::new(first_step));
        self
    }

    fn recorder(&mut self) -> anyhow::Result<&mut Recorder> {
        self.recorder.as_mut().context("the run was recorded before it was begun")
    }

    /// Rows of all probes on one view of a layer.
    fn measure(&mut self, task: usize, phase: Phase, view: &LayerView<'_>) -> anyhow::Result<()> {
        for measured in self.probes.measure(view) {
            let row = ProbeRow {
                run: self.template.run.clone(),
                task,
                phase,
                layer: view.name.to_owned(),
                units: Some(measured.units),
                samples: measured.samples,
                probe: measured.probe,
                value: Some(measured.value),
            };
            self.recorder()?.push(&row)?;
        }
        Ok(())
    }

    /// Features and weights of every layer, coefficients of every activation, as they are now.
    fn look(
        &mut self,
        task: usize,
        phase: Phase,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        if self.probing {
            let inputs = stream.probe_inputs(task, self.samples);
            let mut pixels = Vec::new();
            inputs.gather_range(0..inputs.len(), &mut pixels);
            let shape = (inputs.len(), inputs.features());
            let pixels = candle_core::Tensor::from_vec(pixels, shape, &candle_core::Device::Cpu)?;
            let captured = network.features(&pixels, self.samples)?;
            let mut captured = captured.iter();
            for layer in network.layers() {
                let weight = network.values(layer.weight)?;
                let captured = layer.activation.and_then(|_| captured.next());
                let view = LayerView {
                    name: &layer.name,
                    samples: captured.map_or(shape.0, |t| t.features.len() / layer.features),
                    units: layer.features,
                    features: captured.map_or(&[], |t| &t.features),
                    slopes: captured.map(|t| t.slopes.as_slice()).filter(|slopes| !slopes.is_empty()),
                    weight: &weight,
                    curve: layer.activation.and_then(|site| curve(network, site)),
                    ..LayerView::default()
                };
                self.measure(task, phase, &view)?;
            }
        }
        for site in network.activations() {
            let (Some(parameter), Some(coefficients)) = (site.parameter, &site.coefficients) else {
                continue;
            };
            let values = coefficients.rule.effective(&network.values(parameter)?);
            let names = &coefficients.names;
            for (set, values) in values.chunks_exact(names.len()).enumerate() {
                for (name, &value) in names.iter().zip(values) {
                    let row = CoefficientRow {
                        run: self.template.run.clone(),
                        task,
                        phase,
                        layer: site.name.clone(),
                        set,
                        coefficient: name.clone(),
                        value,
                    };
                    self.recorder()?.push(&row)?;
                }
            }
        }
        Ok(())
    }

    /// Rows of a task that has ended, on disk when this returns.
    fn end(&mut self, result: &TaskResult, status: Status) -> anyhow::Result<()> {
        let row = self.row(result, status);
        let time = TimeRow {
            run: row.run.clone(),
            task: result.task,
            seconds: result.seconds,
            steps_per_second: result.steps as f64 / result.seconds,
        };
        let recorder = self.recorder()?;
        recorder.push(&row)?;
        recorder.push(&time)?;
        Ok(recorder.commit()?)
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
            ..self.template.clone()
        }
    }
}

/// The worst curve of a site's sets: the one that a bound has to hold for.
fn curve(network: View<'_>, index: usize) -> Option<Curve> {
    let site = &network.activations()[index];
    let (parameter, coefficients) = (site.parameter?, site.coefficients.as_ref()?);
    let values = network.values(parameter).ok()?;
    let sets = values.len() / coefficients.names.len();
    let curves = (0..sets).map(|set| coefficients.rule.describe(&values, set)).collect::<Option<Vec<_>>>()?;
    worst(curves)
}

/// A choice in one cell: its name and what is set otherwise than by default (lists always: the sizes of
/// a network are part of its name).
fn cell(catalogue: &Catalogue, section: &str, choice: &Choice, leave_out: &str) -> String {
    let mut text = choice.name.clone();
    let Some(entry) = catalogue.entry(section, &choice.name) else { return text };
    for parameter in entry.parameters.iter().filter(|p| p.name != leave_out) {
        let value = match (choice.get(parameter.name), parameter.kind) {
            (Some(Value::Number(x)), Kind::Number { default, .. }) if default != Some(*x) => x.to_string(),
            (Some(Value::Integer(i)), Kind::Integer { default, .. }) if default != Some(*i) => i.to_string(),
            (Some(Value::Text(word)), Kind::Text { default, .. }) if default != Some(word) => word.clone(),
            (Some(Value::Flag(flag)), Kind::Flag { default }) if default != *flag => flag.to_string(),
            (Some(Value::Integers(list)), _) => {
                list.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
            }
            _ => continue,
        };
        let _ = write!(text, " {}={value}", parameter.name);
    }
    text
}

/// All methods in one cell: `ewc strength=10 + l2-init`.
fn methods_cell(catalogue: &Catalogue, plan: &Plan) -> String {
    if plan.methods.is_empty() {
        return "none".to_owned();
    }
    let cells = plan.methods.iter().map(|method| cell(catalogue, "methods", method, ""));
    cells.collect::<Vec<_>>().join(" + ")
}

fn template(plan: &Plan, run: String) -> TaskRow {
    let catalogue = catalogue();
    let constraint = match plan.activation.get("constraint") {
        Some(Value::Choice(constraint)) => Some(cell(&catalogue, "constraints", constraint, "")),
        _ => None,
    };
    TaskRow {
        run,
        benchmark: plan.name.clone(),
        dataset: plan.data().dataset.clone(),
        family: plan.stream().family.name.clone(),
        network: cell(&catalogue, "networks", &plan.network, ""),
        activation: cell(&catalogue, "activations", &plan.activation, ""),
        constraint,
        method: methods_cell(&catalogue, plan),
        optimizer: cell(&catalogue, "optimizers", &plan.optimizer, "learning_rate"),
        learning_rate: plan.optimizer.number("learning_rate"),
        seed: plan.seed,
        ..TaskRow::default()
    }
}

impl Recording {
    /// One line of the accuracy matrix: every task so far on its own test set. Only for streams whose
    /// tasks have classes of their own: elsewhere the tasks contradict each other, and over hundreds of
    /// them the matrix would cost more than the training.
    fn remember(&mut self, through: usize, stream: &dyn TaskStream, network: View<'_>) -> anyhow::Result<()> {
        let own: Vec<Arc<[u32]>> = (0..=through).map_while(|task| stream.task_classes(task)).collect();
        if own.len() <= through {
            return Ok(());
        }
        let seen: BTreeSet<u32> = own.iter().flat_map(|classes| classes.iter().copied()).collect();
        let seen: Arc<[u32]> = seen.into_iter().collect();
        for (evaluated, own) in own.iter().enumerate() {
            let Some(test) = stream.test_set(evaluated) else { continue };
            let by_head = evaluate(network, &test)?;
            let among = [Arc::clone(&seen), Arc::clone(own)];
            let measured = evaluate_among(network, &test, &among)?;
            let row = RetentionRow {
                run: self.template.run.clone(),
                trained_through: through,
                evaluated,
                accuracy: by_head.accuracy,
                loss: by_head.loss,
                class_incremental_accuracy: Some(measured[0].accuracy),
                task_incremental_accuracy: Some(measured[1].accuracy),
            };
            self.recorder()?.push(&row)?;
        }
        Ok(())
    }
}

impl Rows for Recording {
    fn resume(&mut self, files: &Prefixes) -> anyhow::Result<()> {
        self.recorder = Some(Recorder::resume(&self.folder, files)?);
        Ok(())
    }

    fn holds(&self, files: &Prefixes) -> anyhow::Result<bool> {
        Ok(Recorder::holds(&self.folder, files)?)
    }

    fn commit(&mut self) -> anyhow::Result<Prefixes> {
        let recorder = self.recorder()?;
        recorder.commit()?;
        Ok(recorder.prefixes())
    }
}

impl Observer for Recording {
    fn traces_steps(&self) -> bool {
        self.probes.traces_steps()
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
        if let Some(first_step) = self.first_step.take() {
            first_step(task, step)?;
        }
        if self.log_steps {
            let run = self.template.run.clone();
            self.recorder()?.push(&StepRow { run, task, step, loss: loss as f32, accuracy })?;
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
        for ((layer, gradient), update) in network.layers().iter().zip(&trace.gradients).zip(&trace.updates) {
            let view = LayerView {
                name: &layer.name,
                units: layer.features,
                gradient: Some(gradient),
                update: Some(update),
                ..LayerView::default()
            };
            self.measure(task, phase, &view)?;
        }
        Ok(())
    }

    fn task_ended(
        &mut self,
        result: &TaskResult,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        self.look(result.task, Phase::End, stream, network)?;
        self.remember(result.task, stream, network)?;
        self.end(result, Status::Done)
    }

    fn diverged(&mut self, result: &TaskResult) -> anyhow::Result<()> {
        self.end(result, Status::Diverged)
    }
}

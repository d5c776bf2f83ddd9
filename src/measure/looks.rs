//! A look at a network: every probe on every layer, and the coefficients of its activations.

use candle_core::Tensor;

use super::RunRows;
use crate::nn::activation::Curve;
use crate::probes::{LayerView, Measurement, NetworkView, ProbeSet, worst};
use crate::record::{CoefficientRow, Phase, ProbeRow};
use crate::spec::ProbesPlan;
use crate::trained::{StepTrace, View};

/// When a network is looked at, and which of a run's networks it is.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Task, from 0.
    pub task: usize,
    /// Its start or its end.
    pub phase: Phase,
    /// Prefix of the names of layers: empty in runs with one network, `actor.` or `critic1.` in those of
    /// agents.
    pub prefix: &'a str,
}

/// Looks at the networks of a run with the probes of its plan.
pub struct Looks {
    probes: ProbeSet,
    any: bool,
    samples: usize,
}

impl Looks {
    /// With these probes.
    #[must_use]
    pub fn new(plan: &ProbesPlan) -> Self {
        Self { probes: ProbeSet::new(&plan.names), any: !plan.names.is_empty(), samples: plan.samples }
    }

    /// Samples that a layer's features are measured on, if there are so many.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Whether the probes read gradients and updates of single steps.
    #[must_use]
    pub fn trace_steps(&self) -> bool {
        self.probes.traces_steps()
    }

    /// Measures features and weights of every layer, and the coefficients of every activation, as they are
    /// now. `inputs` makes the probes' inputs (samples, features), which are not asked for without probes.
    /// `tasks` has inputs of this task and of the one before, where the probes compare them.
    ///
    /// # Errors
    /// If a tensor operation fails or a row cannot be written; likewise below.
    pub fn network(
        &self,
        at: Moment<'_>,
        network: View<'_>,
        inputs: impl FnOnce(usize) -> candle_core::Result<Tensor>,
        tasks: Option<[Tensor; 2]>,
        rows: &mut RunRows<'_>,
    ) -> anyhow::Result<()> {
        if self.any {
            let inputs = inputs(self.samples)?;
            let features = network.features(&inputs, self.samples)?;
            let mut features = features.iter().enumerate();
            let tasks = match tasks {
                Some([here, before]) => {
                    Some([network.features(&here, self.samples)?, network.features(&before, self.samples)?])
                }
                None => None,
            };
            for layer in network.layers() {
                let weight = network.values(layer.weight)?;
                let (number, seen) = layer.activation.and_then(|_| features.next()).unzip();
                let on_tasks = tasks.as_ref().zip(number);
                let view = LayerView {
                    samples: seen.map_or(inputs.dim(0)?, |seen| seen.features.len() / layer.features),
                    units: layer.features,
                    features: seen.map_or(&[], |seen| &seen.features),
                    pre_activations: seen.map_or(&[], |seen| &seen.pre_activations),
                    on_tasks: on_tasks
                        .map(|(tasks, number)| tasks.each_ref().map(|task| &*task[number].pre_activations)),
                    expansion: layer.expansion,
                    slopes: seen.map(|seen| seen.slopes.as_slice()).filter(|slopes| !slopes.is_empty()),
                    weight: &weight,
                    curve: layer.activation.and_then(|index| curve(network, index)),
                    ..LayerView::default()
                };
                self.layer(at, &layer.name, &view, rows)?;
            }
        }
        coefficients(at, network, rows)
    }

    /// Whether the probes compare layers on the examples of two tasks.
    #[must_use]
    pub fn compares_tasks(&self) -> bool {
        self.probes.compares_tasks()
    }

    /// Measures the network as a whole.
    pub fn whole(
        &self,
        at: Moment<'_>,
        view: &NetworkView<'_>,
        rows: &mut RunRows<'_>,
    ) -> anyhow::Result<()> {
        for measured in self.probes.measure_network(view)? {
            push(at, NETWORK, measured, rows)?;
        }
        Ok(())
    }

    /// Measures gradient and update of every layer's weight in one step.
    pub fn step(
        &self,
        at: Moment<'_>,
        network: View<'_>,
        trace: &StepTrace,
        rows: &mut RunRows<'_>,
    ) -> anyhow::Result<()> {
        let traces = trace.gradients.iter().zip(&trace.updates).enumerate();
        for (layer, (number, (gradient, update))) in network.layers().iter().zip(traces) {
            let view = LayerView {
                units: layer.features,
                gradient: Some(gradient),
                penalty: trace.penalties.get(number).map(Vec::as_slice),
                update: Some(update),
                ..LayerView::default()
            };
            self.layer(at, &layer.name, &view, rows)?;
        }
        Ok(())
    }

    /// Rows of all probes on one view of a layer.
    fn layer(
        &self,
        at: Moment<'_>,
        name: &str,
        view: &LayerView<'_>,
        rows: &mut RunRows<'_>,
    ) -> anyhow::Result<()> {
        let name = format!("{}{name}", at.prefix);
        for measured in self.probes.measure(&LayerView { name: &name, ..*view }) {
            push(at, &name, measured, rows)?;
        }
        Ok(())
    }
}

/// The layer under which a whole network's rows stand.
const NETWORK: &str = "network";

fn push(at: Moment<'_>, layer: &str, measured: Measurement, rows: &mut RunRows<'_>) -> anyhow::Result<()> {
    rows.push(&ProbeRow {
        run: rows.run().to_owned(),
        task: at.task,
        phase: at.phase,
        layer: layer.to_owned(),
        units: measured.units,
        samples: measured.samples,
        probe: measured.probe,
        value: Some(measured.value),
    })
}

/// The effective coefficients of every activation that has some.
fn coefficients(at: Moment<'_>, network: View<'_>, rows: &mut RunRows<'_>) -> anyhow::Result<()> {
    for activation in network.activations() {
        let (Some(parameter), Some(coefficients)) = (activation.parameter, &activation.coefficients) else {
            continue;
        };
        let values = coefficients.rule.effective(&network.values(parameter)?);
        let names = &coefficients.names;
        for (set, values) in values.chunks_exact(names.len()).enumerate() {
            for (name, &value) in names.iter().zip(values) {
                rows.push(&CoefficientRow {
                    run: rows.run().to_owned(),
                    task: at.task,
                    phase: at.phase,
                    layer: format!("{}{}", at.prefix, activation.name),
                    set,
                    coefficient: name.clone(),
                    value,
                })?;
            }
        }
    }
    Ok(())
}

/// The worst curve of an activation layer's sets: the one that a bound has to hold for.
fn curve(network: View<'_>, index: usize) -> Option<Curve> {
    let activation = &network.activations()[index];
    let (parameter, coefficients) = (activation.parameter?, activation.coefficients.as_ref()?);
    let values = network.values(parameter).ok()?;
    let sets = values.len() / coefficients.names.len();
    let curves = (0..sets).map(|set| coefficients.rule.describe(&values, set)).collect::<Option<Vec<_>>>()?;
    worst(curves)
}

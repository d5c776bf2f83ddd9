//! Whether the probes of a plan can be taken of its network and its run, found out before anything runs.

use super::needs::Keeps;
use super::registry::{Measure, REGISTRY};
use crate::data;
use crate::nn::{self, activation};
use crate::spec::{Plan, Work};

/// Numbers that a probe may keep at a time: 2 GiB of f64.
const MOST_KEPT: f64 = (1u64 << 28) as f64;

/// The error is a sentence.
///
/// # Errors
/// If the plasticity gap or a probe of a whole network is asked of a run without supervised tasks, or needs more memory than a probe
/// may have, or a probe of slopes is asked of an activation that makes several features of one pre-activation.
pub fn check(plan: &Plan) -> Result<(), String> {
    if plan.probes.plasticity_gap && !plan.is_supervised() {
        return Err(
            "plasticity_gap trains a fresh network beside this one on the same batches, which an agent that makes its \
             own data has not: leave it out"
                .into(),
        );
    }
    if plan.probes.retention && !plan.is_supervised() {
        return Err(
            "probes.retention tests on the tasks so far, and an agent has no test sets: leave it out".into(),
        );
    }
    let named = REGISTRY.iter().filter(|r| plan.probes.names.iter().any(|name| name == r.entry.name));
    for probe in named {
        let name = probe.entry.name;
        match probe.measure {
            Measure::Tasks(_) | Measure::Network(..) if !plan.is_supervised() => {
                return Err(format!(
                    "the probe {name} looks at the examples of supervised tasks, and this run has none: take it \
                     out of probes.names"
                ));
            }
            Measure::Layer(_) | Measure::Step(_) | Measure::Tasks(_) => {}
            Measure::Slopes(_) => one_slope(plan, name)?,
            Measure::Network(_, keeps, _) => fits(plan, name, keeps)?,
        }
    }
    Ok(())
}

/// Whether each pre-activation has one slope.
fn one_slope(plan: &Plan, probe: &str) -> Result<(), String> {
    let mut activations = vec![&plan.activation];
    if let Work::Control(control) = &plan.work {
        activations.extend(&control.critic.activation);
    }
    for choice in activations {
        // A width that the activation cannot have is another rule's business.
        let expansion = activation::build(choice, 8).map_or(1, |built| built.expansion);
        if expansion > 1 {
            return Err(format!(
                "the probe {probe} is of the slope at a pre-activation, of which {} makes {expansion} features: \
                 take it out of probes.names",
                choice.name
            ));
        }
    }
    Ok(())
}

/// Whether what a probe keeps at a time fits [`MOST_KEPT`].
fn fits(plan: &Plan, probe: &str, keeps: Keeps) -> Result<(), String> {
    let cure = match keeps {
        Keeps::Few => return Ok(()),
        Keeps::Gradients(_) => "",
        Keeps::Examples(_) => ", take fewer probes.samples",
    };
    let vectors = keeps.vectors(plan);
    let Ok(manifest) = data::manifest(&plan.data().dataset) else { return Ok(()) };
    let dims = (manifest.channels, manifest.height, manifest.width);
    let Some(layers) = nn::work(plan, dims, manifest.classes) else { return Ok(()) };
    let weights: f64 = layers.iter().map(|layer| layer.weights).sum();
    if weights * vectors as f64 <= MOST_KEPT {
        return Ok(());
    }
    Err(format!(
        "the probe {probe} keeps {vectors} gradients of all {weights} weights at a time, more than 2 GiB: take a \
         smaller network{cure} or take the probe out of probes.names"
    ))
}

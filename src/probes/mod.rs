//! What is measured on a layer, or on a whole network: one file a probe.
//!
//! A probe of a layer sees one layer at one moment through a [`LayerView`] and knows nothing of training. What
//! several probes need (the moments of each unit, the singular values) is computed once per view and
//! shared. Everything runs on the calling thread, so the bytes do not depend on how many there are.
//!
//! A probe of a whole network differentiates or trains a copy of it on examples of its tasks
//! ([`NetworkView`]). Such probes cost far more than a task's evaluation, and are taken by name alone.
//!
//! # Rows
//! A probe with one value is one row under its own name (`srank`). One with several puts the part's
//! name after its own: `dormant_units_0.025`, `output_scale_rms`; of `weight_norm`, the Frobenius norm
//! has the plain name and mean |w| is `weight_norm_mean_abs`. Shares are fractions of 1.
//!
//! # What gives no row
//! A probe whose input is absent (no features on the head, no slopes for activations that widen, no
//! curve but for rationals) or not finite throughout (a network that diverges) gives no measurement, and
//! neither does one whose quantity does not exist: the tail slope of a curve that outgrows every line.
//! A value is always finite.

mod check;
mod constant_units;
mod cost;
mod curvature;
mod dead_band_width;
mod dead_units;
mod dormant_units;
mod duplicate_units;
mod effective_rank;
mod feature_rank;
mod gradient_norm;
mod hessian_rank;
mod lanczos;
mod needs;
mod negative_slope;
mod network;
mod norm;
mod ntk_rank;
mod numerical_rank;
mod optimization_readiness;
mod output_scale;
mod participation_ratio;
mod preactivation_overlap;
mod refit_plasticity;
mod registry;
mod report;
mod sample;
mod saturated_units;
mod spectrum;
mod srank;
mod stable_rank;
mod subject;
#[cfg(test)]
mod tests;
mod twin;
mod unit_moments;
mod update_norm;
pub mod value;
mod view;
mod weight_norm;

use candle_core::Result;

pub use self::check::check;
pub use self::cost::{Cost, cost};
use self::network::NetworkSubject;
pub use self::network::NetworkView;
pub use self::output_scale::worst;
use self::registry::{Measure, REGISTRY, Registered};
use self::report::Report;
pub use self::sample::task_inputs;
use self::subject::Subject;
pub use self::view::{LayerView, Measurement};
use crate::spec::Entry;

/// What a spec without `probes.names` measures: probes that ask the network for no pass beyond the one that
/// yields the features. It stays as it is: results with another set are other results. The ranks share one
/// decomposition, so leaving some out saves nothing.
pub const STANDARD: &[&str] = &[
    "srank",
    "effective_rank",
    "numerical_rank",
    "feature_rank",
    "stable_rank",
    "participation_ratio",
    "dead_units",
    "dormant_units",
    "constant_units",
    "saturated_units",
    "output_scale",
    "weight_norm",
    "gradient_norm",
    "update_norm",
];

/// Catalogue section `probes`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|r| r.entry).collect()
}

/// The probes of a plan.
pub struct ProbeSet {
    probes: Vec<&'static Registered>,
}

impl ProbeSet {
    /// Those named, in the catalogue's order; a name given twice counts once.
    ///
    /// # Panics
    /// If a name is not one of [`entries`]: a plan only holds checked names.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        for name in names {
            assert!(REGISTRY.iter().any(|r| r.entry.name == *name), "no probe is named {name}");
        }
        Self { probes: REGISTRY.iter().filter(|r| names.iter().any(|n| n == r.entry.name)).collect() }
    }

    /// Whether any of them reads the gradient or the update of a step.
    #[must_use]
    pub fn traces_steps(&self) -> bool {
        self.probes.iter().any(|r| matches!(r.measure, Measure::Step(_)))
    }

    /// Everything that the set has to say about a layer, in the catalogue's order.
    ///
    /// # Panics
    /// If the features are not (samples, units).
    #[must_use]
    pub fn measure(&self, view: &LayerView<'_>) -> Vec<Measurement> {
        let subject = Subject::new(view);
        let mut measurements = Vec::new();
        for probe in &self.probes {
            match probe.measure {
                Measure::Layer(measure)
                | Measure::Step(measure)
                | Measure::Slopes(measure)
                | Measure::Tasks(measure) => {
                    measure(&subject, &mut Report::new(probe.entry.name, view, &mut measurements));
                }
                Measure::Network(..) => {}
            }
        }
        measurements
    }

    /// Whether any of them compares layers on the examples of two tasks.
    #[must_use]
    pub fn compares_tasks(&self) -> bool {
        self.probes.iter().any(|r| matches!(r.measure, Measure::Tasks(_)))
    }

    /// Everything that the set has to say about a whole network, in the catalogue's order.
    ///
    /// # Errors
    /// If candle refuses an operation, or a method has given the network other parameters than its plan says.
    pub fn measure_network(&self, view: &NetworkView<'_>) -> Result<Vec<Measurement>> {
        let subject = NetworkSubject::new(view);
        let mut measurements = Vec::new();
        for probe in &self.probes {
            if let Measure::Network(measure, ..) = probe.measure {
                measure(&subject, &mut Report::of_network(probe.entry.name, &mut measurements))?;
            }
        }
        Ok(measurements)
    }
}

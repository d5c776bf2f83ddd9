//! What is measured on a layer: features in, numbers out, one file a probe.
//!
//! A probe sees one layer at one moment through a [`LayerView`] and knows nothing of training. What
//! several probes need (the moments of each unit, the singular values) is computed once per view and
//! shared. Everything runs on the calling thread, so the bytes do not depend on how many there are.
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

mod constant_units;
mod dead_units;
mod dormant_units;
mod effective_rank;
mod feature_rank;
mod gradient_norm;
mod norm;
mod numerical_rank;
mod output_scale;
mod participation_ratio;
mod report;
mod saturated_units;
mod spectrum;
mod srank;
mod stable_rank;
mod subject;
#[cfg(test)]
mod tests;
mod unit_moments;
mod update_norm;
pub mod value;
mod view;
mod weight_norm;

pub use self::output_scale::worst;
use self::report::Report;
use self::subject::Subject;
pub use self::view::{LayerView, Measurement};
use crate::spec::Entry;

/// A registered probe: its entry, and what puts its values into a report.
struct Registered {
    entry: Entry,
    measure: fn(&Subject<'_>, &mut Report<'_>),
}

/// Every probe, in the order of its rows. A new one is a file and a line here.
const REGISTRY: &[Registered] = &[
    Registered { entry: srank::ENTRY, measure: srank::measure },
    Registered { entry: effective_rank::ENTRY, measure: effective_rank::measure },
    Registered { entry: numerical_rank::ENTRY, measure: numerical_rank::measure },
    Registered { entry: feature_rank::ENTRY, measure: feature_rank::measure },
    Registered { entry: stable_rank::ENTRY, measure: stable_rank::measure },
    Registered { entry: participation_ratio::ENTRY, measure: participation_ratio::measure },
    Registered { entry: dead_units::ENTRY, measure: dead_units::measure },
    Registered { entry: dormant_units::ENTRY, measure: dormant_units::measure },
    Registered { entry: constant_units::ENTRY, measure: constant_units::measure },
    Registered { entry: saturated_units::ENTRY, measure: saturated_units::measure },
    Registered { entry: output_scale::ENTRY, measure: output_scale::measure },
    Registered { entry: weight_norm::ENTRY, measure: weight_norm::measure },
    Registered { entry: gradient_norm::ENTRY, measure: gradient_norm::measure },
    Registered { entry: update_norm::ENTRY, measure: update_norm::measure },
];

/// What a spec without `probes.names` measures: every probe that asks the network for no pass beyond
/// the one that yields the features. The ranks share one decomposition, so leaving some out saves nothing.
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
        let traced = [gradient_norm::ENTRY.name, update_norm::ENTRY.name];
        self.probes.iter().any(|r| traced.contains(&r.entry.name))
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
            (probe.measure)(&subject, &mut Report::new(probe.entry.name, view, &mut measurements));
        }
        measurements
    }
}

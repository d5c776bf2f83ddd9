//! Every probe; the list here is what specs, `list` and the checks read.

use candle_core::Result;

use super::needs::{Keeps, Takes};
use super::network::NetworkSubject;
use super::report::Report;
use super::subject::Subject;
use super::{
    constant_units, curvature, dead_band_width, dead_units, dormant_units, duplicate_units, effective_rank,
    feature_rank, gradient_norm, hessian_rank, negative_slope, ntk_rank, numerical_rank,
    optimization_readiness, output_scale, participation_ratio, preactivation_overlap, refit_plasticity,
    saturated_units, srank, stable_rank, update_norm, weight_norm,
};
use crate::spec::Entry;

/// A registered probe: its entry, and what puts its values into a report.
pub(super) struct Registered {
    pub(super) entry: Entry,
    pub(super) measure: Measure,
}

/// What a probe looks at.
pub(super) enum Measure {
    /// A layer, in any run.
    Layer(fn(&Subject<'_>, &mut Report<'_>)),
    /// A layer and what one step did to it, in any run.
    Step(fn(&Subject<'_>, &mut Report<'_>)),
    /// A layer by the slope of each pre-activation, of which there must be one, in any run.
    Slopes(fn(&Subject<'_>, &mut Report<'_>)),
    /// A layer on the examples of two tasks of a supervised stream.
    Tasks(fn(&Subject<'_>, &mut Report<'_>)),
    /// A whole network and the tasks of a supervised stream.
    Network(fn(&NetworkSubject<'_>, &mut Report<'_>) -> Result<()>, Keeps, Takes),
}

/// Every probe, in the order of its rows. A new one is a file and a line here.
pub(super) const REGISTRY: &[Registered] = &[
    Registered { entry: srank::ENTRY, measure: Measure::Layer(srank::measure) },
    Registered { entry: effective_rank::ENTRY, measure: Measure::Layer(effective_rank::measure) },
    Registered { entry: numerical_rank::ENTRY, measure: Measure::Layer(numerical_rank::measure) },
    Registered { entry: feature_rank::ENTRY, measure: Measure::Layer(feature_rank::measure) },
    Registered { entry: stable_rank::ENTRY, measure: Measure::Layer(stable_rank::measure) },
    Registered { entry: participation_ratio::ENTRY, measure: Measure::Layer(participation_ratio::measure) },
    Registered { entry: dead_units::ENTRY, measure: Measure::Layer(dead_units::measure) },
    Registered { entry: dormant_units::ENTRY, measure: Measure::Layer(dormant_units::measure) },
    Registered { entry: constant_units::ENTRY, measure: Measure::Layer(constant_units::measure) },
    Registered { entry: saturated_units::ENTRY, measure: Measure::Layer(saturated_units::measure) },
    Registered { entry: output_scale::ENTRY, measure: Measure::Layer(output_scale::measure) },
    Registered { entry: weight_norm::ENTRY, measure: Measure::Layer(weight_norm::measure) },
    Registered { entry: gradient_norm::ENTRY, measure: Measure::Step(gradient_norm::measure) },
    Registered { entry: update_norm::ENTRY, measure: Measure::Step(update_norm::measure) },
    Registered { entry: negative_slope::ENTRY, measure: Measure::Slopes(negative_slope::measure) },
    Registered { entry: dead_band_width::ENTRY, measure: Measure::Slopes(dead_band_width::measure) },
    Registered { entry: duplicate_units::ENTRY, measure: Measure::Layer(duplicate_units::measure) },
    Registered {
        entry: preactivation_overlap::ENTRY,
        measure: Measure::Tasks(preactivation_overlap::measure),
    },
    Registered {
        entry: curvature::ENTRY,
        measure: Measure::Network(curvature::measure, Keeps::Gradients(curvature::STEPS), curvature::TAKES),
    },
    Registered {
        entry: hessian_rank::ENTRY,
        measure: Measure::Network(
            hessian_rank::measure,
            Keeps::Gradients(hessian_rank::STEPS),
            hessian_rank::TAKES,
        ),
    },
    Registered {
        entry: ntk_rank::ENTRY,
        measure: Measure::Network(ntk_rank::measure, Keeps::Examples(ntk_rank::EXAMPLES), ntk_rank::TAKES),
    },
    Registered {
        entry: optimization_readiness::ENTRY,
        measure: Measure::Network(optimization_readiness::measure, Keeps::Few, optimization_readiness::TAKES),
    },
    Registered {
        entry: refit_plasticity::ENTRY,
        measure: Measure::Network(refit_plasticity::measure, Keeps::Few, refit_plasticity::TAKES),
    },
];

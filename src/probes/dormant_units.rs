//! Dormant units: the share of units whose score `E|φ_j| / mean_k E|φ_k|` is at most τ, for τ = 0.025
//! and 0.1 (`ReDo`, Sokar et al. 2023, arXiv 2302.12902). The scores are relative to the
//! *mean* over the layer; against the sum the same τ would mean another thing for every width.
//!
//! A layer that puts out nothing but 0 has no score; all its units are dormant.

use super::report::Report;
use super::subject::Subject;
use super::unit_moments::{UnitMoments, share_below};
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "dormant_units",
    summary: "share of units with E|φ| at most τ times the layer's mean, τ = 0.025 and 0.1",
    source: "Sokar et al. 2023 (ReDo), arXiv 2302.12902",
    parameters: &[],
};

/// τ and the name of its row.
pub(super) const THRESHOLDS: [(&str, f64); 2] = [("0.025", 0.025), ("0.1", 0.1)];

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (part, threshold) in THRESHOLDS {
        report.sampled_part(part, subject.columns().map(|columns| dormant_units(columns, threshold)));
    }
}

fn dormant_units(columns: &UnitMoments, threshold: f64) -> f64 {
    share_below(&columns.mean_abs, threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_relative_to_the_mean_of_the_layer() {
        // E|φ| = 1, 1, 0.05, 0.01 with mean 0.515: scores 1.94, 1.94, 0.097, 0.019.
        let features = [1.0f32, -1.0, 0.05, 0.01, -1.0, 1.0, -0.05, 0.01];
        let columns = UnitMoments::new(&features, 4);
        assert_eq!(dormant_units(&columns, 0.025), 0.25);
        assert_eq!(dormant_units(&columns, 0.1), 0.5);
    }

    #[test]
    fn a_unit_that_never_moves_is_not_dormant_if_it_is_large() {
        let features = [5.0f32, 1.0, 5.0, -1.0];
        assert_eq!(dormant_units(&UnitMoments::new(&features, 2), 0.1), 0.0);
    }

    #[test]
    fn all_units_of_a_silent_layer_are_dormant() {
        assert_eq!(dormant_units(&UnitMoments::new(&[0.0; 6], 3), 0.025), 1.0);
    }
}

//! Constant units: the share of units whose standard deviation over the samples is at most τ times the
//! layer's mean deviation, for the thresholds of `dormant_units`. A unit that puts out the same number
//! whatever comes in carries nothing, be that number 0 or not: it fires for every activation, and is
//! the fair one for rationals.
//!
//! Where no unit moves, all are constant. One sample cannot tell, and gives no measurement.

use super::dormant_units::THRESHOLDS;
use super::report::Report;
use super::subject::Subject;
use super::unit_moments::{UnitMoments, share_below};
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "constant_units",
    summary: "share of units with a deviation at most τ times the layer's mean, τ = 0.025 and 0.1",
    source: "this suite: dormant_units on the standard deviation",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (part, threshold) in THRESHOLDS {
        let columns = subject.columns().filter(|columns| columns.samples > 1);
        report.sampled_part(part, columns.map(|columns| constant_units(columns, threshold)));
    }
}

fn constant_units(columns: &UnitMoments, threshold: f64) -> f64 {
    share_below(&columns.deviation, threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_far_from_zero_that_hardly_moves_is_constant() {
        // Deviations 1, 1, 0.05, 0; the third and fourth sit at 100.
        let features = [1.0f32, -1.0, 100.05, 100.0, -1.0, 1.0, 99.95, 100.0];
        let columns = UnitMoments::new(&features, 4);
        assert_eq!(constant_units(&columns, 0.025), 0.25);
        assert_eq!(constant_units(&columns, 0.1), 0.5);
    }

    #[test]
    fn where_nothing_moves_all_units_are_constant() {
        assert_eq!(constant_units(&UnitMoments::new(&[0.3, 0.0, 0.3, 0.0], 2), 0.025), 1.0);
    }
}

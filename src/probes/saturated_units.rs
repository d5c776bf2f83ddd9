//! Saturated units: the share of (sample, unit) pairs with |φ'(z)| < 1e-3, where next to no gradient
//! comes through (the dead band of arXiv 2509.22562). Silent for activations that widen the layer: a
//! pre-activation has more than one slope there.

use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "saturated_units",
    summary: "share of (sample, unit) pairs with |φ'| < 1e-3",
    source: "arXiv 2509.22562 (dead band)",
    parameters: &[],
};

const BAND: f64 = 1e-3;

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    let slopes = subject.view.slopes.filter(|slopes| !slopes.is_empty());
    report.sampled(slopes.filter(|slopes| slopes.iter().all(|s| s.is_finite())).map(saturated_units));
}

fn saturated_units(slopes: &[f32]) -> f64 {
    let flat = slopes.iter().filter(|&&slope| f64::from(slope).abs() < BAND).count();
    flat as f64 / slopes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_and_the_band_is_open_on_both_sides() {
        let slopes = [0.0f32, 1.0, -0.000_999, 0.001, -0.001_01, 0.000_5, 1.0, 1.0];
        assert_eq!(saturated_units(&slopes), 3.0 / 8.0);
    }
}

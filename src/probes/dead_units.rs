//! Dead units: the share of units whose feature is exactly 0 on every sample. It speaks of activations that
//! are 0 on a whole side: relu and its like, and those that vanish there in f32 (gelu below about -5.5,
//! swish below about -45). A rational is not among them: it starts from a relu fit with R(0) = a₀ ≠ 0, so
//! for it the share stays 0 however little a unit does. `constant_units` is fair to all.

use super::report::Report;
use super::subject::Subject;
use super::unit_moments::UnitMoments;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "dead_units",
    summary: "share of units exactly 0 on every sample; a rational is exactly 0 nowhere",
    source: "Dohare et al. 2024",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.columns().map(dead_units));
}

fn dead_units(columns: &UnitMoments) -> f64 {
    let dead = columns.max_abs.iter().filter(|&&largest| largest == 0.0).count();
    dead as f64 / columns.units() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_zeros_on_every_sample_are_dead() {
        // Dead (with a negative zero), the least positive f32 once, alive.
        let features = [0.0f32, 1e-45, 1.0, -0.0, 0.0, -1.0];
        assert_eq!(dead_units(&UnitMoments::new(&features, 3)), 1.0 / 3.0);
    }

    #[test]
    fn a_rational_that_never_moves_is_not_dead() {
        // a₀ of the relu fit: what a rational puts out at 0.
        assert_eq!(dead_units(&UnitMoments::new(&[0.029_96; 10], 1)), 0.0);
    }
}

//! Stable rank: ‖Φ‖_F² / ‖Φ‖₂² = Σ s² / s₁² (Rudelson & Vershynin 2007), of the features as they are.
//! Not `participation_ratio`, which some code calls by this name, nor `srank`, which others do.

use super::report::Report;
use super::spectrum::Spectrum;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "stable_rank",
    summary: "squared Frobenius norm over squared spectral norm, Σ s² / s₁²",
    source: "Rudelson & Vershynin 2007",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.spectrum().map(stable_rank));
}

/// 0 where every singular value is.
fn stable_rank(spectrum: &Spectrum) -> f64 {
    let largest = spectrum.largest();
    if largest == 0.0 {
        return 0.0;
    }
    spectrum.values.iter().map(|s| (s / largest) * (s / largest)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::spectrum::with_values;

    #[test]
    fn squares_are_counted_in_units_of_the_largest() {
        assert_eq!(stable_rank(&with_values(&[2.0, 2.0, 1.0, 0.0])), 2.25);
        assert_eq!(stable_rank(&with_values(&[9.0])), 1.0);
        assert_eq!(stable_rank(&with_values(&[0.0, 0.0])), 0.0);
    }

    #[test]
    fn it_is_not_the_participation_ratio_of_the_same_values() {
        // (4 + 4 + 1)² / (16 + 16 + 1) = 2.45…
        let spectrum = with_values(&[2.0, 2.0, 1.0]);
        assert!((stable_rank(&spectrum) - 81.0 / 33.0).abs() > 0.2);
    }
}

//! Participation ratio: (Σ s²)² / Σ s⁴ of the centred features, in other words (tr C)² / tr C² of their
//! covariance C (Gao et al. 2017): in how many directions the features vary. Some code calls it stable rank.

use super::report::Report;
use super::spectrum::Spectrum;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "participation_ratio",
    summary: "(Σ s²)² / Σ s⁴ of the centred features",
    source: "Gao et al. 2017, bioRxiv 214262",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.spectrum().map(participation_ratio));
}

/// 0 where nothing varies.
fn participation_ratio(spectrum: &Spectrum) -> f64 {
    if spectrum.centred_square == 0.0 {
        return 0.0;
    }
    spectrum.centred_square / spectrum.centred_fourth * spectrum.centred_square
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::LayerView;
    use crate::probes::subject::Subject;

    fn of(features: &[f32], units: usize) -> f64 {
        let view = LayerView { samples: features.len() / units, units, features, ..LayerView::default() };
        participation_ratio(Subject::new(&view).spectrum().unwrap())
    }

    #[test]
    fn equal_directions_count_whole_and_unequal_ones_less() {
        assert!((of(&[1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0], 2) - 2.0).abs() < 1e-12);
        // Variances 4 and 1: 25 / 17.
        assert!((of(&[2.0, 0.0, -2.0, 0.0, 0.0, 1.0, 0.0, -1.0], 2) - 25.0 / 17.0).abs() < 1e-12);
    }

    #[test]
    fn the_mean_does_not_count() {
        let centred = [2.0f32, 0.0, -2.0, 0.0, 0.0, 1.0, 0.0, -1.0];
        let shifted: Vec<f32> = centred.iter().map(|x| x + 4096.0).collect();
        assert!((of(&shifted, 2) - 25.0 / 17.0).abs() < 1e-12, "{}", of(&shifted, 2));
        assert_eq!(of(&[0.1; 12], 3), 0.0);
    }
}

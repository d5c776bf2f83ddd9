//! Numerical rank: `#{s_i > ε·s₁·max(n, d)}` with ε of f32, the tolerance of MATLAB's `rank` and numpy's
//! `matrix_rank` for features that were computed in f32. Counting s ≠ 0 instead gives min(n, d) whatever
//! the features are: rounding leaves no singular value at 0.

use super::report::Report;
use super::spectrum::Spectrum;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "numerical_rank",
    summary: "singular values above f32's ε · s₁ · max(samples, units)",
    source: "numpy.linalg.matrix_rank on f32",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.spectrum().map(numerical_rank));
}

fn numerical_rank(spectrum: &Spectrum) -> f64 {
    let longer = spectrum.samples.max(spectrum.units) as f64;
    let threshold = f64::from(f32::EPSILON) * spectrum.largest() * longer;
    spectrum.values.iter().filter(|&&s| s > threshold).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::spectrum::with_values;

    #[test]
    fn the_threshold_is_relative_and_grows_with_the_longer_side() {
        // ε · 100 · 3 = 3.6e-5 for three samples of three units, 3.6e-2 for 3000 samples.
        let mut spectrum = with_values(&[100.0, 1e-2, 1e-5]);
        assert_eq!(numerical_rank(&spectrum), 2.0);
        spectrum.samples = 3000;
        assert_eq!(numerical_rank(&spectrum), 1.0);
        (spectrum.samples, spectrum.units) = (3, 3000);
        assert_eq!(numerical_rank(&spectrum), 1.0);
    }

    #[test]
    fn nothing_has_no_rank() {
        assert_eq!(numerical_rank(&with_values(&[0.0, 0.0])), 0.0);
    }
}

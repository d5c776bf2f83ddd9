//! Feature rank: `#{s_i / √n > 0.01}` (Lyle et al. 2022, arXiv 2204.09560). The threshold is absolute, so
//! the 1/√n matters: it makes sᵢ the root mean square of the features along direction i.

use super::report::Report;
use super::spectrum::Spectrum;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "feature_rank",
    summary: "singular values of features / √samples above 0.01",
    source: "Lyle et al. 2022 (InFeR), arXiv 2204.09560",
    parameters: &[],
};

const THRESHOLD: f64 = 0.01;

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.spectrum().map(feature_rank));
}

fn feature_rank(spectrum: &Spectrum) -> f64 {
    let root = (spectrum.samples as f64).sqrt();
    spectrum.values.iter().filter(|&&s| s / root > THRESHOLD).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::spectrum::with_values;

    #[test]
    fn the_threshold_is_absolute_and_per_root_sample() {
        let mut spectrum = with_values(&[1e6, 0.5, 0.05, 0.0]);
        assert_eq!(feature_rank(&spectrum), 3.0);
        spectrum.samples = 400; // thresholds s at 0.2
        assert_eq!(feature_rank(&spectrum), 2.0);
        spectrum.samples = 1_000_000;
        assert_eq!(feature_rank(&spectrum), 1.0);
    }
}

//! Effective negative slope: the mean of φ'(z) over the pre-activations z < 0 of the probe set: what of a
//! gradient comes back through units that are switched off (arXiv 2509.22562 names it; the average over the
//! pre-activations that occur is this suite's reading, its code is not public). Silent for activations that
//! widen the layer, and where no pre-activation is negative.

use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "negative_slope",
    summary: "mean of φ'(z) over the pre-activations z < 0",
    source: "arXiv 2509.22562 (effective negative slope), as read here",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.slopes().and_then(|(z, slopes)| negative_slope(z, slopes)));
}

fn negative_slope(z: &[f32], slopes: &[f32]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u64);
    for (_, &slope) in z.iter().zip(slopes).filter(|(z, _)| **z < 0.0) {
        sum += f64::from(slope);
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_negative_pre_activations_count() {
        let (z, slopes) = ([-2.0f32, -0.5, 0.0, 3.0, -1.0], [0.25f32, 0.5, 9.0, 1.0, -0.75]);
        assert_eq!(negative_slope(&z, &slopes), Some(0.0));
        assert_eq!(negative_slope(&z[..2], &slopes[..2]), Some(0.375));
        assert_eq!(negative_slope(&z[2..4], &slopes[2..4]), None);
    }
}

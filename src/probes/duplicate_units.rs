//! Duplicate units: the share of units whose features correlate, |r| > 0.95 or 0.99, with those of a unit before
//! them: what the layer could do without. r is Pearson's over the samples. A negative copy counts, since the
//! next layer is linear in both; a unit that never moves has no correlation and is no copy (`constant_units`
//! counts it).

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::report::Report;
use super::subject::Subject;
use super::unit_moments::UnitMoments;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "duplicate_units",
    summary: "share of units whose features correlate with those of an earlier unit, |r| > 0.95 and 0.99",
    source: "this suite; cf. cloned units in arXiv 2510.00304",
    parameters: &[],
};

const THRESHOLDS: [(&str, f64); 2] = [("0.95", 0.95), ("0.99", 0.99)];

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    let columns = subject.columns().filter(|columns| columns.samples > 1);
    let highest = columns.map(|columns| highest_correlations(subject.view.features, columns));
    for (part, threshold) in THRESHOLDS {
        let share = |highest: &Vec<f64>| {
            highest.iter().filter(|r| **r > threshold).count() as f64 / highest.len() as f64
        };
        report.sampled_part(part, highest.as_ref().map(share));
    }
}

/// Of every unit, the largest |r| with a unit before it; 0 where there is none.
fn highest_correlations(features: &[f32], columns: &UnitMoments) -> Vec<f64> {
    let (samples, units) = (columns.samples, columns.units());
    let scaled = |(&x, unit): (&f32, usize)| {
        let deviation = columns.deviation[unit];
        if deviation > 0.0 { (f64::from(x) - columns.mean[unit]) / deviation } else { 0.0 }
    };
    let scaled: Vec<f64> =
        features.chunks_exact(units).flat_map(|row| row.iter().zip(0..units).map(scaled)).collect();
    let rows = MatRef::from_row_major_slice(&scaled, samples, units);
    let mut correlations = Mat::<f64>::zeros(units, units);
    let share = 1.0 / samples as f64;
    matmul(correlations.as_mut(), Accum::Replace, rows.transpose(), rows, share, Par::Seq);
    (0..units)
        .map(|unit| (0..unit).map(|before| correlations[(before, unit)].abs()).fold(0.0, f64::max))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_count_whatever_their_size_sign_and_mean() {
        // a; 10 - 2a; a constant; another constant; something else.
        let a = [1.0f32, 4.0, -2.0, 0.5, 3.0, -1.0];
        let b = [0.3f32, -1.0, 0.9, 2.0, 0.1, -0.7];
        let features: Vec<f32> =
            a.iter().zip(b).flat_map(|(&a, b)| [a, 10.0 - 2.0 * a, 7.0, 0.0, b]).collect();
        let highest = highest_correlations(&features, &UnitMoments::new(&features, 5));
        assert!((highest[1] - 1.0).abs() < 1e-12, "{highest:?}");
        assert_eq!((highest[0], highest[2], highest[3]), (0.0, 0.0, 0.0));
        // numpy.corrcoef(a, b)[0, 1]
        assert!((highest[4] - CORRELATION).abs() < 1e-6, "{highest:?}");
    }

    const CORRELATION: f64 = 0.396_951_033_055_277_57;
}

//! Dead-band width: how wide the stretches of the pre-activation's axis are on which |φ'(z)| < 1e-3, within
//! the range that a unit's pre-activations on the probe set take up; the mean over units (arXiv 2509.22562 names
//! it for a curve alone; of a relu's half-line only what is visited can be measured). A unit's samples are put
//! in order, and an interval between neighbours counts where the slope is that small at both ends, so a band
//! is known up to the distance of two samples. The part `share` is the width over the unit's whole range, 0
//! for a unit that never moves. Silent for activations that widen the layer.

use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "dead_band_width",
    summary: "width of the pre-activations' range with |φ'| < 1e-3, mean over units, and its share of the range",
    source: "arXiv 2509.22562, as read here",
    parameters: &[],
};

const BAND: f32 = 1e-3;

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    let widths = subject.slopes().map(|(z, slopes)| {
        let units = z.len() / subject.view.samples;
        dead_band(z, slopes, units)
    });
    report.sampled(widths.map(|(width, _)| width));
    report.sampled_part("share", widths.map(|(_, share)| share));
}

/// Means over the units of the width and of its share. Both slices are (samples, units).
fn dead_band(z: &[f32], slopes: &[f32], units: usize) -> (f64, f64) {
    let (mut width, mut share) = (0.0, 0.0);
    for unit in 0..units {
        let mut points: Vec<(f32, bool)> =
            (unit..z.len()).step_by(units).map(|at| (z[at], slopes[at].abs() < BAND)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let distance = |pair: &[(f32, bool)]| f64::from(pair[1].0) - f64::from(pair[0].0);
        let dead: f64 = points.windows(2).filter(|pair| pair[0].1 && pair[1].1).map(distance).sum();
        let range: f64 = points.windows(2).map(distance).sum();
        width += dead;
        share += if range > 0.0 { dead / range } else { 0.0 };
    }
    (width / units as f64, share / units as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relus_band_is_what_it_visits_below_zero() {
        // Unit 0 visits -3, -1, 1, 2: dead from -3 to -1. Unit 1 visits 1, 2, 4, 5 and is never dead.
        let z = [-1.0f32, 1.0, 2.0, 5.0, -3.0, 2.0, 1.0, 4.0];
        let slopes = z.map(|z| if z > 0.0 { 1.0 } else { 0.0 });
        assert_eq!(dead_band(&z, &slopes, 2), (1.0, 0.2));
        // A unit that never moves has no range.
        assert_eq!(dead_band(&[-1.0, -1.0], &[0.0, 0.0], 1), (0.0, 0.0));
    }

    #[test]
    fn two_bands_of_one_curve_add_up() {
        let z = [-4.0f32, -3.0, 0.0, 3.0, 5.0];
        assert_eq!(dead_band(&z, &[0.0, 0.0005, 1.0, -0.0009, 0.0], 1), (3.0, 3.0 / 9.0));
    }
}

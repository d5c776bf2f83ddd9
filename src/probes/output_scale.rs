//! Output scale: root mean square and largest |φ| of a layer's features. For rationals also the three
//! facts about the curve itself that the constraints bound, on no sample: the tail slope lim |R(x)/x|,
//! sup |R'| on [-r, r] (`steepest`), and the least denominator there (how near a pole is).
//!
//! A curve that outgrows every line (degrees (9, 1), say) has no tail slope, and then there is no such row.

use super::report::Report;
use super::subject::Subject;
use super::unit_moments::UnitMoments;
use crate::nn::activation::Curve;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "output_scale",
    summary: "RMS and max of |φ|; for rationals also tail slope, sup|R'| and min Q of the curve",
    source: "this suite: what the constraints bound",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled_part("rms", subject.columns().map(rms));
    report.sampled_part("max_abs", subject.columns().map(max_abs));
    let curve = subject.view.curve;
    report.fact_part("tail_slope", curve.map(|c| c.tail_slope));
    report.fact_part("steepest", curve.map(|c| c.steepest));
    report.fact_part("least_denominator", curve.map(|c| c.least_denominator));
}

fn rms(columns: &UnitMoments) -> f64 {
    (columns.mean_square.iter().sum::<f64>() / columns.units() as f64).sqrt()
}

fn max_abs(columns: &UnitMoments) -> f64 {
    columns.max_abs.iter().copied().fold(0.0, f64::max)
}

/// Of the curves of a layer's coefficient sets, the least favourable of every quantity; `None` of none.
#[must_use]
pub fn worst(curves: impl IntoIterator<Item = Curve>) -> Option<Curve> {
    curves.into_iter().reduce(|a, b| Curve {
        tail_slope: a.tail_slope.max(b.tail_slope),
        steepest: a.steepest.max(b.steepest),
        least_denominator: a.least_denominator.min(b.least_denominator),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rms_and_largest_magnitude() {
        let columns = UnitMoments::new(&[1.0, -7.0, 1.0, 7.0, 1.0, 1.0], 2);
        assert_eq!(rms(&columns), (102.0f64 / 6.0).sqrt());
        assert_eq!(max_abs(&columns), 7.0);
    }

    #[test]
    fn the_worst_of_several_curves() {
        let curve =
            |tail_slope, steepest, least_denominator| Curve { tail_slope, steepest, least_denominator };
        assert_eq!(worst([curve(1.0, 9.0, 0.5), curve(2.0, 3.0, 1.0)]), Some(curve(2.0, 9.0, 0.5)));
        assert_eq!(worst([]), None);
    }
}

//! Weight norm: the Frobenius norm of a layer's weight, and the mean of |w| (Dohare et al. 2024 plot
//! the latter). Biases and the coefficients of activations do not count.

use super::norm::frobenius;
use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "weight_norm",
    summary: "Frobenius norm of the weight, and mean |w|; biases do not count",
    source: "Dohare et al. 2024",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.fact(frobenius(subject.view.weight));
    report.fact_part("mean_abs", mean_abs(subject.view.weight).filter(|mean| mean.is_finite()));
}

fn mean_abs(weight: &[f32]) -> Option<f64> {
    let sum = weight.iter().map(|&w| f64::from(w).abs()).sum::<f64>();
    (!weight.is_empty()).then(|| sum / weight.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_of_magnitudes() {
        assert_eq!(mean_abs(&[1.0, -2.0, 0.0, 5.0]), Some(2.0));
        assert_eq!(mean_abs(&[]), None);
    }
}

//! Gradient norm: the Frobenius norm of the gradient of a layer's weight, of the last minibatch. The bias
//! does not count.

use super::norm::frobenius;
use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "gradient_norm",
    summary: "Frobenius norm of the weight's minibatch gradient; biases do not count",
    source: "this suite",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.fact(subject.view.gradient.and_then(frobenius));
}

//! Gradient norm: the Frobenius norm of the gradient of a layer's weight, of the last minibatch's loss. The
//! bias does not count. What methods added to the gradient (a penalty's) has the norm
//! `gradient_norm_penalty`, a row that is there with methods alone.

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
    report.fact_part("penalty", subject.view.penalty.and_then(frobenius));
}

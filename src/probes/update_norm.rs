//! Update norm: the Frobenius norm of what one optimiser step changed in a layer's weight. The bias does
//! not count.

use super::norm::frobenius;
use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "update_norm",
    summary: "Frobenius norm of the weight's change in one step; biases do not count",
    source: "this suite",
    parameters: &[],
};

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.fact(subject.view.update.and_then(frobenius));
}

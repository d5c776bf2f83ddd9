//! The coefficients are trained during the first `tasks` tasks and then stay.
//!
//! Bounds nothing while they are trained, everything afterwards: the curve no longer moves. After the
//! 'tempered' rationals of Delfosse et al. 2024, arXiv 2102.09407.

use super::Constraint;
use crate::spec::{Choice, Entry, Kind, Parameter};

pub(super) const ENTRY: Entry = Entry {
    name: "freeze-after",
    summary: "coefficients are trained during the first tasks only",
    source: "after Delfosse et al. 2024, arXiv 2102.09407 ('tempered')",
    parameters: &[Parameter {
        name: "tasks",
        summary: "number of tasks during which they are trained",
        kind: Kind::Integer { default: Some(1), min: 0, max: i64::MAX },
    }],
};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct FreezeAfter {
    /// Tasks during which the coefficients are trained.
    pub tasks: usize,
}

impl FreezeAfter {
    pub(super) fn chosen(choice: &Choice) -> Self {
        Self { tasks: usize::try_from(choice.integer("tasks")).expect("the catalogue keeps tasks from 0 up") }
    }
}

impl Constraint for FreezeAfter {
    fn trained_in(&self, task: usize) -> bool {
        task < self.tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trains_in_the_first_tasks_only() {
        let rule = FreezeAfter { tasks: 2 };
        assert_eq!([0, 1, 2, 3].map(|task| rule.trained_in(task)), [true, true, false, false]);
    }
}

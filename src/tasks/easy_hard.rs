//! `easy-hard` (5+1): tasks of five classes and of one class in turn, five first; no class ever again.
//!
//! Only the hard tasks are scored: a task of one class is answered by its bias alone, and what it does to
//! the network is seen in the hard task after it. On CIFAR-100, 30 tasks are 15 of 5 classes with 2500
//! images and 15 of 1 class with 500. Source: L2 Init (Kumar et al. 2023, arXiv 2308.11958), 5+1 CIFAR.

use super::class_order::{CLASS_ORDER, EXAMPLES_PER_CLASS, groups, optional_count};
use super::class_tasks::{self, Classes};
use super::{Family, Relation};
use crate::spec::{Entry, Kind, Parameter, Plan};

pub(super) const FAMILY: Family = Family {
    relation: Relation::OwnClasses,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "easy-hard",
        summary: "tasks of five classes and of one class in turn; only the former are scored",
        source: "5+1 CIFAR of L2 Init, Kumar et al. 2023, arXiv 2308.11958",
        parameters: &[
            count("hard_classes", "classes of tasks 0, 2, 4, …", 5),
            count("easy_classes", "classes of tasks 1, 3, 5, …", 1),
            CLASS_ORDER,
            EXAMPLES_PER_CLASS,
        ],
    },
    classes: |plan, classes| Ok(Some(divide(plan, classes)?)),
    build: |plan, base| {
        let classes = divide(plan, base.classes()).map_err(super::TaskError::Classes)?;
        class_tasks::stream(plan, base, classes)
    },
};

const fn count(name: &'static str, summary: &'static str, default: i64) -> Parameter {
    Parameter { name, summary, kind: Kind::Integer { default: Some(default), min: 1, max: 256 } }
}

fn divide(plan: &Plan, classes: usize) -> Result<Classes, String> {
    let of = |key| optional_count(&plan.stream().family, key).expect("the setting has a default");
    let sizes = [of("hard_classes"), of("easy_classes")];
    let of = groups(plan, classes, (0..plan.stream().tasks).map(|task| sizes[task % 2]))?;
    Ok(Classes { of, scored: |task| task % 2 == 0 })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::tasks::fixture;

    #[test]
    fn five_classes_and_one_take_turns_and_no_class_comes_again() {
        let set = |plan: &mut crate::spec::Plan| {
            let stream = plan.stream_mut();
            (stream.tasks, stream.examples) = (4, None);
        };
        let stream = fixture::stream_of("easy-hard", 1, set, fixture::data(240, 1, 6, 7, 12));
        let mut seen = BTreeSet::new();
        for index in 0..4 {
            let (task, own) = (stream.task(index), stream.task_classes(index).unwrap());
            let hard = index % 2 == 0;
            assert_eq!(
                (own.len(), task.train.len(), task.scored),
                if hard { (5, 100, true) } else { (1, 20, false) }
            );
            assert!(own.iter().all(|&class| seen.insert(class)));
            assert_eq!(task.test.unwrap().len(), if hard { 50 } else { 10 });
        }
    }
}

//! `incremental-classes`: classes are added to those seen, training and testing on all so far.
//!
//! Task i has the first i + 1 groups of the class order. A masked head sees the classes seen so far; a
//! head a task would be asked for classes of earlier heads and is refused. Source: class-incremental
//! CIFAR-100 of Dohare et al. 2024 (Nature 632), five classes more at a time.

use super::class_order::{CLASS_ORDER, CLASSES_PER_TASK, EXAMPLES_PER_CLASS, equal_groups};
use super::class_tasks::{self, Classes};
use super::{Family, Relation};
use crate::spec::{Entry, Head, Plan};

pub(super) const FAMILY: Family = Family {
    relation: Relation::Growing,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "incremental-classes",
        summary: "classes are added to those seen, training and testing on all so far",
        source: "Dohare et al. 2024, Nature 632",
        parameters: &[CLASSES_PER_TASK, CLASS_ORDER, EXAMPLES_PER_CLASS],
    },
    classes: |plan, classes| Ok(Some(divide(plan, classes)?)),
    build: |plan, base| {
        let classes = divide(plan, base.classes()).map_err(super::TaskError::Classes)?;
        class_tasks::stream(plan, base, classes)
    },
};

fn divide(plan: &Plan, classes: usize) -> Result<Classes, String> {
    if plan.stream().head == Head::Multi {
        return Err(
            "head = \"multi\" has no meaning for incremental-classes, whose tasks share classes: take \
                    \"single\" or \"masked\""
                .into(),
        );
    }
    let mut seen = Vec::new();
    let so_far = |new: std::sync::Arc<[u32]>| {
        seen.extend(new.iter().copied());
        seen.sort_unstable();
        seen.as_slice().into()
    };
    Ok(Classes { of: equal_groups(plan, classes)?.into_iter().map(so_far).collect(), scored: |_| true })
}

#[cfg(test)]
mod tests {
    use crate::spec::Head;
    use crate::tasks::{Answers, fixture};

    #[test]
    fn every_task_has_all_that_came_before_and_two_classes_more() {
        let set = |plan: &mut crate::spec::Plan| {
            let stream = plan.stream_mut();
            (stream.tasks, stream.examples, stream.head) = (5, None, Head::Masked);
        };
        let stream = fixture::stream_of("incremental-classes", 3, set, fixture::mnist_like());
        let split = fixture::stream_of("split-classes", 3, set, fixture::mnist_like());
        let mut seen = Vec::new();
        for index in 0..5 {
            let (task, own) = (stream.task(index), stream.task_classes(index).unwrap());
            seen.extend(split.task_classes(index).unwrap().iter().copied());
            seen.sort_unstable();
            assert_eq!(own[..], seen[..], "the same order of classes as split-classes under the same seed");
            assert_eq!((task.train.len(), task.test.unwrap().len()), (60 * (index + 1), 30 * (index + 1)));
            assert_eq!(task.train.answers, Answers::Among(own));
        }
    }
}

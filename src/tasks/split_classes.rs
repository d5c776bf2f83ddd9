//! `split-classes`: disjoint groups of classes, one after the other (Split CIFAR-100: 10 × 10, 20 × 5).
//!
//! Task i has the i-th group of the class order; `classes_per_task` of them, or all classes divided by
//! the tasks. A task's loss and accuracy see all classes (`head = "single"`), or only its own
//! (`"masked"`, `"multi"`). Source: the conventions of `PyCIL` and mammoth; van de Ven & Tolias 2019,
//! arXiv 1904.07734.

use super::class_order::{CLASS_ORDER, CLASSES_PER_TASK, EXAMPLES_PER_CLASS, equal_groups};
use super::class_tasks::{self, Classes};
use super::{Family, Relation};
use crate::spec::{Entry, Plan};

pub(super) const FAMILY: Family = Family {
    relation: Relation::OwnClasses,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "split-classes",
        summary: "disjoint groups of classes, one after the other",
        source: "conventions of PyCIL and mammoth; van de Ven & Tolias 2019, arXiv 1904.07734",
        parameters: &[CLASSES_PER_TASK, CLASS_ORDER, EXAMPLES_PER_CLASS],
    },
    classes: |plan, classes| Ok(Some(divide(plan, classes)?)),
    build: |plan, base| {
        let classes = divide(plan, base.classes()).map_err(super::TaskError::Classes)?;
        class_tasks::stream(plan, base, classes)
    },
};

fn divide(plan: &Plan, classes: usize) -> Result<Classes, String> {
    Ok(Classes { of: equal_groups(plan, classes)?, scored: |_| true })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::spec::ExamplesFrom::{First, Seed};
    use crate::spec::{Head, Value};
    use crate::tasks::{Answers, fixture};

    #[test]
    fn every_task_has_its_own_classes_in_both_splits_and_all_their_images() {
        let set = |plan: &mut crate::spec::Plan| {
            let stream = plan.stream_mut();
            (stream.tasks, stream.examples) = (5, None);
        };
        let stream = fixture::stream_of("split-classes", 3, set, fixture::mnist_like());
        let (mut seen, mut rows) = (BTreeSet::new(), BTreeSet::new());
        for index in 0..5 {
            let (task, own) = (stream.task(index), stream.task_classes(index).unwrap());
            let test = task.test.unwrap();
            assert_eq!((own.len(), task.train.len(), test.len()), (2, 60, 30));
            for examples in [&task.train, &test] {
                let counts = fixture::counts(&examples.labels, 10);
                assert!((0..10).all(|c| (counts[c] > 0) == own.contains(&(c as u32))), "{counts:?}");
                assert_eq!(examples.answers, Answers::All);
            }
            // Labels go with their images: those of the whole set at the same rows.
            let labels = stream.base().train().labels;
            for position in 0..60 {
                let row = task.train.inputs.row(position);
                assert_eq!(labels[row as usize], task.train.labels[position as usize]);
                rows.insert(row);
            }
            seen.extend(own.iter().copied());
        }
        assert_eq!((seen.len(), rows.len()), (10, 300), "no class and no image comes twice or is left out");
    }

    #[test]
    fn masked_and_multi_heads_answer_among_the_tasks_classes() {
        for head in [Head::Masked, Head::Multi] {
            let set = |plan: &mut crate::spec::Plan| {
                let stream = plan.stream_mut();
                (stream.tasks, stream.head) = (5, head);
            };
            let stream = fixture::stream_of("split-classes", 3, set, fixture::mnist_like());
            let (task, own) = (stream.task(4), stream.task_classes(4).unwrap());
            assert_eq!(task.train.answers, Answers::Among(own.clone()));
            assert_eq!(task.test.unwrap().answers, Answers::Among(own));
            assert_eq!(stream.classes(), 10);
        }
    }

    #[test]
    fn examples_per_class_are_exact_drawn_by_the_seed_and_leave_the_test_set_whole() {
        let stream = |seed, from| {
            let set = |plan: &mut crate::spec::Plan| {
                {
                    let stream = plan.stream_mut();
                    (stream.tasks, stream.examples, stream.examples_from) = (5, None, from);
                }
                plan.stream_mut().family.parameters.insert("examples_per_class".into(), Value::Integer(7));
            };
            fixture::stream_of("split-classes", seed, set, fixture::mnist_like())
        };
        let drawn = stream(0, Seed);
        for index in 0..5 {
            let task = drawn.task(index);
            let counts = fixture::counts(&task.train.labels, 10);
            assert!(counts.iter().all(|&n| n == 0 || n == 7), "{counts:?}");
            assert_eq!((task.train.len(), task.test.unwrap().len()), (14, 30));
        }
        let pixels = |seed, from| fixture::rows(&stream(seed, from).base().train().inputs);
        assert_ne!(pixels(0, Seed), pixels(1, Seed));
        let all = fixture::stream_of(
            "remapped-classes",
            0,
            |plan| plan.stream_mut().examples = None,
            fixture::mnist_like(),
        );
        assert_eq!(pixels(0, First), fixture::rows(&all.base().train().inputs)[..70 * 42]);
    }
}

//! A head for each task of a family whose tasks share their classes.
//!
//! The network's head has tasks × classes rows; class c of task t is row t · classes + c, and only the
//! task's own rows count. Families with disjoint classes need none of this: there the rows of a task's
//! classes are its head.

use std::sync::Arc;

use super::base::Base;
use super::inputs::{Answers, Examples, Inputs};
use super::stream::{Task, TaskStream};

/// `inner` with a head a task.
pub struct OwnHeads {
    pub inner: Box<dyn TaskStream>,
}

impl OwnHeads {
    fn rows(&self, index: usize) -> Arc<[u32]> {
        let classes = self.inner.classes();
        ((index * classes) as u32..((index + 1) * classes) as u32).collect()
    }

    fn moved(&self, index: usize, examples: Examples) -> Examples {
        let first = (index * self.inner.classes()) as u32;
        let labels = examples.labels.iter().map(|label| first + label).collect();
        Examples { labels, answers: Answers::Among(self.rows(index)), ..examples }
    }
}

impl TaskStream for OwnHeads {
    fn base(&self) -> &Base {
        self.inner.base()
    }

    fn task(&self, index: usize) -> Task {
        let task = self.inner.task(index);
        let test = task.test.map(|test| self.moved(index, test));
        Task { train: self.moved(index, task.train), test, ..task }
    }

    fn test_set(&self, index: usize) -> Option<Examples> {
        self.inner.test_set(index).map(|test| self.moved(index, test))
    }

    fn task_classes(&self, index: usize) -> Option<Arc<[u32]>> {
        Some(self.rows(index))
    }

    fn classes(&self) -> usize {
        self.inner.classes() * self.inner.tasks()
    }

    fn probe_inputs(&self, index: usize, samples: usize) -> Inputs {
        self.inner.probe_inputs(index, samples)
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::Head;
    use crate::tasks::{Answers, fixture};

    #[test]
    fn every_task_has_the_same_labels_in_rows_of_its_own() {
        let of = |head| {
            fixture::stream_of(
                "remapped-classes",
                2,
                |plan| plan.stream_mut().head = head,
                fixture::mnist_like(),
            )
        };
        let (shared, own) = (of(Head::Single), of(Head::Multi));
        assert_eq!((shared.classes(), own.classes()), (10, 100));
        for index in [0, 3, 9] {
            let rows = own.task_classes(index).unwrap();
            assert_eq!(rows[..], (index as u32 * 10..index as u32 * 10 + 10).collect::<Vec<_>>()[..]);
            let (a, b) = (shared.task(index), own.task(index));
            for (a, b) in [(a.train, b.train), (a.test.unwrap(), b.test.unwrap())] {
                assert!(a.labels.iter().zip(b.labels.iter()).all(|(a, b)| a + index as u32 * 10 == *b));
                assert_eq!(
                    (fixture::rows(&a.inputs), b.answers),
                    (fixture::rows(&b.inputs), Answers::Among(rows.clone()))
                );
            }
        }
    }
}

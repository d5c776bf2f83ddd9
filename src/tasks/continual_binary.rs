//! `continual-binary`: each task tells two classes apart, as Continual `ImageNet` does (Dohare et al. 2024, Nature
//! 632), on any data set of enough classes.
//!
//! The classes come in passes: a permutation of them, drawn anew for each pass, is cut into pairs, one a
//! task, so that a pass over K classes is K/2 tasks and no class comes twice in it (one is left out of each pass
//! where K is odd). Of a pair the first is label 0 and the second label 1, whatever their ids; the network has two
//! outputs. With `head = "multi"` each task has two of its own: the closest to the published protocol, which
//! sets the outputs' weights to 0 at each task. The test set has the same two classes.

use std::sync::Arc;

use super::class_order::EXAMPLES_PER_CLASS;
use super::{Base, Examples, Family, Relation, Task, TaskError, TaskStream};
use crate::random::Stream;
use crate::spec::Entry;

pub(super) const FAMILY: Family = Family {
    relation: Relation::OtherImages,
    tested: true,
    renumbered: Some(2),
    entry: Entry {
        name: "continual-binary",
        summary: "each task tells two classes apart, with two outputs; every class once a pass, pairs drawn anew",
        source: "Continual ImageNet, Dohare et al. 2024, Nature 632, arXiv 2306.13812",
        parameters: &[EXAMPLES_PER_CLASS],
    },
    classes: |_, _| Ok(None),
    build: |plan, base| {
        let by_class = |examples: &Examples| {
            let mut positions = vec![Vec::new(); base.classes()];
            for (position, &class) in (0u32..).zip(examples.labels.iter()) {
                positions[class as usize].push(position);
            }
            positions
        };
        let train = by_class(&base.train());
        let test = base.test().as_ref().map(by_class).unwrap_or_default();
        let stream = ContinualBinary { seed: plan.seed, base, train, test };
        let empty =
            |task: &usize| stream.pair(*task).iter().all(|&class| stream.train[class as usize].is_empty());
        match (0..plan.stream().tasks).find(empty) {
            Some(task) => Err(TaskError::EmptyTask { task }),
            None => Ok(Box::new(stream)),
        }
    },
};

struct ContinualBinary {
    seed: u64,
    base: Base,
    /// Positions of each class.
    train: Vec<Vec<u32>>,
    test: Vec<Vec<u32>>,
}

impl ContinualBinary {
    /// The classes of task `index`, label 0 before label 1.
    fn pair(&self, index: usize) -> [u32; 2] {
        let pairs = self.base.classes() / 2;
        let (pass, place) = (index / pairs, index % pairs);
        let order = Stream::new(self.seed, "tasks", pass as u64).permutation(self.base.classes());
        [order[2 * place], order[2 * place + 1]]
    }

    fn restricted(&self, all: Examples, by_class: &[Vec<u32>], index: usize) -> Examples {
        let pair = self.pair(index);
        let mut positions =
            pair.map(|class| &by_class[class as usize]).into_iter().flatten().copied().collect::<Vec<u32>>();
        positions.sort_unstable();
        let labels: Arc<[u32]> =
            positions.iter().map(|&at| u32::from(all.labels[at as usize] == pair[1])).collect();
        Examples { inputs: all.inputs.subset(&positions), labels, ..all }
    }
}

impl TaskStream for ContinualBinary {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let train = self.restricted(self.base.train(), &self.train, index);
        Task::new(index, train).with_test(self.test_set(index))
    }

    fn test_set(&self, index: usize) -> Option<Examples> {
        Some(self.restricted(self.base.test()?, &self.test, index))
    }

    fn classes(&self) -> usize {
        2
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::spec::Head;
    use crate::tasks::{TaskStream, fixture};

    fn stream(head: Head) -> Box<dyn TaskStream> {
        let set = |plan: &mut crate::spec::Plan| {
            let stream = plan.stream_mut();
            (stream.tasks, stream.examples, stream.head) = (12, None, head);
        };
        // Eleven classes of 20 images: five pairs a pass, one class left out.
        fixture::stream_of("continual-binary", 5, set, fixture::data(220, 1, 6, 7, 11))
    }

    #[test]
    fn every_task_has_two_classes_as_0_and_1_and_none_comes_twice_in_a_pass() {
        let stream = stream(Head::Single);
        let original = stream.base().train().labels;
        let mut passes = Vec::new();
        for pass in 0..2 {
            let mut seen = BTreeSet::new();
            for index in pass * 5..pass * 5 + 5 {
                let task = stream.task(index);
                assert_eq!((task.train.len(), stream.classes()), (40, 2));
                let pairs: BTreeSet<(u32, u32)> = (0..40)
                    .map(|at| (original[task.train.inputs.row(at) as usize], task.train.labels[at as usize]))
                    .collect();
                assert_eq!(pairs.len(), 2, "one label a class: {pairs:?}");
                assert_eq!(pairs.iter().map(|pair| pair.1).collect::<BTreeSet<_>>(), [0, 1].into());
                seen.extend(pairs.iter().map(|pair| pair.0));
                let test = task.test.unwrap();
                assert_eq!((test.len(), fixture::counts(&test.labels, 2)), (20, vec![10, 10]));
            }
            assert_eq!(seen.len(), 10, "no class twice");
            passes.push(stream.task(pass * 5).train.inputs.row(0));
        }
        let rows = |index| (0..40).map(|at| stream.task(index).train.inputs.row(at)).collect::<Vec<_>>();
        assert_ne!(rows(0), rows(5), "the second pass has pairs of its own");
    }

    #[test]
    fn with_a_head_a_task_there_are_two_outputs_each() {
        let stream = stream(Head::Multi);
        assert_eq!((stream.classes(), stream.task_classes(3).unwrap()[..].to_vec()), (24, vec![6, 7]));
        assert!(stream.task(3).train.labels.iter().all(|label| (6..8).contains(label)));
    }
}

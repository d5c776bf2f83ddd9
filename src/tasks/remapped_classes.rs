//! `remapped-classes`: each task renames the classes by one permutation of their ids.
//!
//! `y_t = σ_t(y)` with `σ_t` uniform over permutations of `{0, …, K-1}`: images of one class keep sharing a
//! label, so what was learnt about them stays useful and the test set, renamed alike, means something.
//! Every task is permuted, the first included, as in UPGD (Elsayed & Mahmood 2024, arXiv 2404.00781:
//! label-permuted EMNIST and CIFAR-10).

use std::sync::Arc;

use super::{Base, Examples, Family, Relation, Task, TaskStream};
use crate::spec::Entry;

pub(super) const FAMILY: Family = Family {
    relation: Relation::OtherLabels,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "remapped-classes",
        summary: "each task renames the classes by one permutation of their ids: structure stays",
        source: "UPGD (label-permuted EMNIST, CIFAR-10), Elsayed & Mahmood 2024, arXiv 2404.00781",
        parameters: &[],
    },
    classes: |_, _| Ok(None),
    build: |_, base| Ok(Box::new(RemappedClasses { base })),
};

struct RemappedClasses {
    base: Base,
}

impl RemappedClasses {
    fn rename(&self, index: usize, examples: Examples) -> Examples {
        let names = self.base.task_stream(index).permutation(self.base.classes());
        let labels: Arc<[u32]> = examples.labels.iter().map(|&class| names[class as usize]).collect();
        Examples { labels, ..examples }
    }
}

impl TaskStream for RemappedClasses {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        Task::new(index, self.rename(index, self.base.train())).with_test(self.test_set(index))
    }

    fn test_set(&self, index: usize) -> Option<Examples> {
        Some(self.rename(index, self.base.test()?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::tasks::fixture;

    #[test]
    fn one_permutation_of_the_classes_explains_training_and_test_labels() {
        let stream = fixture::stream("remapped-classes", 0);
        let (train, test) = (stream.base().train(), stream.base().test().unwrap());
        let mut maps = BTreeSet::new();
        for index in 0..10 {
            let task = stream.task(index);
            let renamed = task.test.unwrap();
            let pairs: BTreeSet<(u32, u32)> = (train.labels.iter().zip(task.train.labels.iter()))
                .chain(test.labels.iter().zip(renamed.labels.iter()))
                .map(|(&from, &to)| (from, to))
                .collect();
            // Ten pairs over ten classes on either side: a bijection, the same in both splits.
            assert_eq!(pairs.len(), 10, "task {index}");
            assert_eq!(pairs.iter().map(|p| p.1).collect::<BTreeSet<_>>().len(), 10, "task {index}");
            assert_eq!(fixture::rows(&task.train.inputs), fixture::rows(&train.inputs));
            assert_eq!(fixture::rows(&renamed.inputs), fixture::rows(&test.inputs));
            maps.insert(pairs);
        }
        assert_eq!(maps.len(), 10, "every task has a map of its own");
        let identity: BTreeSet<(u32, u32)> = (0..10).map(|class| (class, class)).collect();
        assert!(!maps.contains(&identity), "the first task is renamed too");
    }

    #[test]
    fn every_class_gets_every_name_equally_often() {
        let stream = fixture::stream("remapped-classes", 3);
        let (labels, mut counts) = (stream.base().train().labels, [[0u32; 10]; 10]);
        for index in 0..2_000 {
            let task = stream.task(index);
            for class in 0..10u32 {
                let at = labels.iter().position(|&l| l == class).unwrap();
                counts[class as usize][task.train.labels[at] as usize] += 1;
            }
        }
        // Binomial(2000, 1/10): mean 200, standard deviation 13.4; five of them either way.
        assert!(counts.iter().flatten().all(|c| (133..=267).contains(c)), "{counts:?}");
    }
}

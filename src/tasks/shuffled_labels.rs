//! `shuffled-labels`: each task permutes the label vector of the run's images across the images.
//!
//! `y_t = y ∘ π_t` with `π_t` uniform over permutations of the *examples* and y the data set's own labels,
//! the first task included. Class counts stay as they were; what an image shows no longer says
//! anything about its label, so a task can only be memorised and a test set would mean nothing.
//! Source: the code of L2 Init (Kumar et al. 2023, arXiv 2308.11958), 'MNIST with reshuffled labels' in
//! arXiv 2507.14736. The *text* of 2308.11958 describes `random-labels` instead.

use super::{Base, Examples, Family, Relation, Task, TaskStream};
use crate::spec::Entry;

pub(super) const FAMILY: Family = Family {
    relation: Relation::OtherLabels,
    tested: false,
    renumbered: None,
    entry: Entry {
        name: "shuffled-labels",
        summary: "each task permutes the label vector across the images: class counts stay, structure goes",
        source: "L2 Init's code, Kumar et al. 2023, arXiv 2308.11958; arXiv 2507.14736",
        parameters: &[],
    },
    classes: |_, _| Ok(None),
    build: |_, base| Ok(Box::new(ShuffledLabels { base })),
};

struct ShuffledLabels {
    base: Base,
}

impl TaskStream for ShuffledLabels {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let original = self.base.train();
        // Always from the original vector: chained permutations would tie a task to those before it.
        let mut labels = original.labels.to_vec();
        self.base.task_stream(index).shuffle(&mut labels);
        Task::new(index, Examples { labels: labels.into(), ..original })
    }
}

#[cfg(test)]
mod tests {
    use crate::random::Stream;
    use crate::tasks::fixture;

    #[test]
    fn class_counts_stay_and_the_images_do_too() {
        let stream = fixture::stream("shuffled-labels", 0);
        let original = stream.base().train();
        for index in 0..20 {
            let task = stream.task(index);
            assert_eq!(fixture::counts(&task.train.labels, 10), fixture::counts(&original.labels, 10));
            assert_eq!(fixture::rows(&task.train.inputs), fixture::rows(&original.inputs));
            assert!(task.test.is_none() && stream.test_set(index).is_none() && task.scored);
        }
    }

    #[test]
    fn the_first_task_is_shuffled_too_and_every_task_shuffles_the_original_vector() {
        let stream = fixture::stream("shuffled-labels", 4);
        let original = stream.base().train().labels;
        assert_ne!(stream.task(0).train.labels, original);
        for index in [0, 1, 7] {
            let mut expected = original.to_vec();
            Stream::new(4, "tasks", index as u64).shuffle(&mut expected);
            assert_eq!(stream.task(index).train.labels[..], expected[..], "task {index}");
        }
    }

    #[test]
    fn structure_is_destroyed() {
        // Agreement with the true labels is that of chance: Σ p² = 0.1 for ten classes alike. Over
        // 50 tasks × 200 examples its standard deviation is 0.003.
        let stream = fixture::stream("shuffled-labels", 1);
        let original = stream.base().train().labels;
        let agreement = fixture::agreement(&*stream, &original, 50);
        assert!((agreement - 0.1).abs() < 0.015, "{agreement}");
    }
}

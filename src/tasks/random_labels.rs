//! `random-labels`: each task draws a fresh label for every image, uniform over the classes.
//!
//! `y_t(i) ~ U{0, …, K-1}`, independent of the image, of its true label and of other tasks. Class counts
//! vary from task to task, which `shuffled-labels` does not allow. A task can only be memorised, so
//! there is no test set. Source: the text of Kumar et al. 2023 (arXiv 2308.11958); Lillo & Cheney 2025
//! (arXiv 2509.22562).

use super::{Base, Examples, Family, Relation, Task, TaskStream};
use crate::spec::Entry;

pub(super) const FAMILY: Family = Family {
    relation: Relation::OtherLabels,
    tested: false,
    renumbered: None,
    entry: Entry {
        name: "random-labels",
        summary: "each task draws a uniform label for every image anew: class counts vary, structure goes",
        source: "the text of Kumar et al. 2023, arXiv 2308.11958; Lillo & Cheney 2025, arXiv 2509.22562",
        parameters: &[],
    },
    classes: |_, _| Ok(None),
    build: |_, base| Ok(Box::new(RandomLabels { base })),
};

struct RandomLabels {
    base: Base,
}

impl TaskStream for RandomLabels {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let original = self.base.train();
        let classes = self.base.classes() as u64;
        let mut stream = self.base.task_stream(index);
        let labels = (0..original.len()).map(|_| stream.below(classes) as u32).collect();
        Task::new(index, Examples { labels, ..original })
    }
}

#[cfg(test)]
mod tests {
    use crate::tasks::fixture;

    #[test]
    fn class_counts_vary_and_the_images_stay() {
        let stream = fixture::stream("random-labels", 0);
        let original = stream.base().train();
        let counts: Vec<Vec<usize>> =
            (0..5).map(|index| fixture::counts(&stream.task(index).train.labels, 10)).collect();
        assert!(counts.windows(2).all(|pair| pair[0] != pair[1]), "{counts:?}");
        assert!(counts.iter().all(|c| c != &fixture::counts(&original.labels, 10)), "{counts:?}");
        assert_eq!(fixture::rows(&stream.task(3).train.inputs), fixture::rows(&original.inputs));
        assert!(stream.task(3).test.is_none());
    }

    #[test]
    fn labels_are_uniform_and_independent_of_the_true_ones() {
        let stream = fixture::stream("random-labels", 1);
        let original = stream.base().train().labels;
        let mut totals = [0usize; 10];
        for index in 0..100 {
            for (total, count) in totals.iter_mut().zip(fixture::counts(&stream.task(index).train.labels, 10))
            {
                *total += count;
            }
        }
        // Chi-squared with 9 degrees of freedom over 20,000 draws: 33.7 is passed once in 10,000.
        let chi: f64 = totals.iter().map(|&n| (n as f64 - 2_000.0).powi(2) / 2_000.0).sum();
        assert!(chi < 33.7, "{chi} {totals:?}");
        let agreement = fixture::agreement(&*stream, &original, 50);
        assert!((agreement - 0.1).abs() < 0.015, "{agreement}");
    }
}

//! `noisy-labels`: the same images in every task, with labels that get cleaner from task to task.
//!
//! In task t of T each image has its own label with probability `1 - p_t`, and one drawn uniformly over all classes
//! with probability `p_t`, which falls in equal steps from `noise_first` in the first task to `noise_last` in the
//! last. Which images are noisy, and their labels, are drawn anew in every task. The test set is clean. A
//! network that has fitted noise first may be slow to fit what is left: Lyle et al. 2024, arXiv 2402.18762
//! (label noise that falls over training); the schedule over tasks is this suite's.

use std::sync::Arc;

use super::{Base, Examples, Family, Relation, Task, TaskStream};
use crate::spec::{Entry, Kind, Parameter, Plan};

pub(super) const FAMILY: Family = Family {
    relation: Relation::OtherLabels,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "noisy-labels",
        summary: "each label is replaced by a uniform one with a probability that falls from task to task; clean test set",
        source: "after Lyle et al. 2024, arXiv 2402.18762",
        parameters: &[
            share("noise_first", "probability of a replaced label in the first task", 1.0),
            share("noise_last", "the same in the last task", 0.0),
        ],
    },
    classes: |_, _| Ok(None),
    build: |plan, base| Ok(Box::new(NoisyLabels { noise: noise(plan), base })),
};

const fn share(name: &'static str, summary: &'static str, default: f64) -> Parameter {
    Parameter { name, summary, kind: Kind::Number { default: Some(default), min: 0.0, max: 1.0 } }
}

/// Of the first and of the last task.
fn noise(plan: &Plan) -> [f64; 2] {
    ["noise_first", "noise_last"].map(|key| plan.stream().family.number(key))
}

struct NoisyLabels {
    base: Base,
    noise: [f64; 2],
}

impl NoisyLabels {
    fn probability(&self, index: usize) -> f64 {
        let [first, last] = self.noise;
        let steps = self.base.tasks().saturating_sub(1).max(1) as f64;
        first + (last - first) * index as f64 / steps
    }
}

impl TaskStream for NoisyLabels {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let (original, probability) = (self.base.train(), self.probability(index));
        let (mut stream, classes) = (self.base.task_stream(index), self.base.classes() as u64);
        // Both draws are made for every image: which images are noisy at one level are so at every higher one.
        let noisy = |&label: &u32| {
            let (unit, other) = (stream.unit(), stream.below(classes) as u32);
            if unit < probability { other } else { label }
        };
        let labels: Arc<[u32]> = original.labels.iter().map(noisy).collect();
        Task::new(index, Examples { labels, ..original }).with_test(self.base.test())
    }

    fn test_set(&self, _: usize) -> Option<Examples> {
        self.base.test()
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::Value;
    use crate::tasks::fixture;

    #[test]
    fn labels_get_cleaner_and_the_images_and_the_test_set_stay() {
        let stream = fixture::stream("noisy-labels", 0);
        let original = stream.base().train();
        let same = |index| {
            let labels = stream.task(index).train.labels;
            labels.iter().zip(original.labels.iter()).filter(|(a, b)| a == b).count() as f64 / 200.0
        };
        // Task t of ten keeps 1 - p + p/10 of its labels, p = 1 - t/9. Deviation: at most 0.036.
        for index in 0..10 {
            let noise = 1.0 - index as f64 / 9.0;
            assert!((same(index) - (1.0 - 0.9 * noise)).abs() < 0.12, "task {index}: {}", same(index));
        }
        assert_eq!(same(9), 1.0);
        let task = stream.task(4);
        assert_eq!(fixture::rows(&task.train.inputs), fixture::rows(&original.inputs));
        assert_eq!(task.test.unwrap().labels, stream.base().test().unwrap().labels);
        assert_ne!(stream.task(3).train.labels, stream.task(4).train.labels);
    }

    #[test]
    fn the_level_is_what_is_asked_for() {
        let stream = fixture::stream_of(
            "noisy-labels",
            3,
            |plan| {
                for key in ["noise_first", "noise_last"] {
                    plan.stream_mut().family.parameters.insert(key.into(), Value::Number(0.4));
                }
            },
            fixture::mnist_like(),
        );
        // Over ten tasks of 200 labels: 0.6 + 0.4/10 with a deviation of 0.011.
        let agreement = fixture::agreement(&*stream, &stream.base().train().labels, 10);
        assert!((agreement - 0.64).abs() < 0.045, "{agreement}");
    }
}

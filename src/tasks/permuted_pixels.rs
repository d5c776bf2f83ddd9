//! `permuted-pixels`: each task permutes the pixels of all images alike; labels stay.
//!
//! `x_t[c, p] = x[c, π_t(p)]` with `π_t` uniform over permutations of the height × width positions, the
//! channels of a pixel moving together, and the test set permuted alike. The first task is permuted
//! too, as in Dohare et al. 2024 (Nature 632, 'Loss of plasticity in deep continual learning', online
//! permuted MNIST); also Kumar et al. 2023 (arXiv 2308.11958).

use std::sync::Arc;

use super::pool::Pool;
use super::{Base, Examples, Family, Inputs, Relation, Task, TaskStream};
use crate::spec::{Entry, Length};

pub(super) const FAMILY: Family = Family {
    relation: Relation::MovedPixels,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "permuted-pixels",
        summary: "each task permutes the input pixels of all images alike, channels together; labels stay",
        source: "Dohare et al. 2024, Nature 632; Kumar et al. 2023, arXiv 2308.11958",
        parameters: &[],
    },
    classes: |_, _| Ok(None),
    build: |plan, base| {
        let (examples, stream) = (base.train().len(), &plan.stream());
        let served = match stream.length {
            Length::Epochs(epochs) => epochs * examples,
            Length::Steps(steps) => steps * stream.batch_size,
        };
        // A copy costs as much as gathering every example once.
        Ok(Box::new(PermutedPixels { base, served_again: served > examples }))
    },
};

struct PermutedPixels {
    base: Base,
    served_again: bool,
}

impl PermutedPixels {
    fn permute(&self, index: usize, pool: &Arc<Pool>, materialise: bool) -> Inputs {
        let (_, height, width) = self.base.dims();
        let source = self.base.task_stream(index).permutation(height * width);
        Inputs::permuted(Arc::clone(pool), source, materialise)
    }
}

impl TaskStream for PermutedPixels {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let inputs = self.permute(index, self.base.pools().0, self.served_again);
        Task::new(index, Examples { inputs, ..self.base.train() }).with_test(self.test_set(index))
    }

    fn test_set(&self, index: usize) -> Option<Examples> {
        let inputs = self.permute(index, self.base.pools().1?, false);
        Some(Examples { inputs, ..self.base.test()? })
    }

    fn probe_inputs(&self, index: usize, samples: usize) -> Inputs {
        self.permute(index, self.base.pools().0, false).subset(&self.base.probe_rows(samples))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    /// Moves the pixels of unpermuted rows the plain way, channel by channel.
    fn moved(rows: &[f32], source: &[u32], channels: usize) -> Vec<f32> {
        let area = source.len();
        rows.chunks_exact(area * channels)
            .flat_map(|row| {
                (0..channels).flat_map(move |c| source.iter().map(move |&from| row[c * area + from as usize]))
            })
            .collect()
    }

    #[test]
    fn pixels_move_alike_in_every_image_channel_and_split_and_labels_stay() {
        let stream = fixture::stream_of("permuted-pixels", 0, |_| (), fixture::data(60, 3, 4, 5, 10));
        let (train, test) = (stream.base().train(), stream.base().test().unwrap());
        for index in 0..4 {
            let task = stream.task(index);
            let source = task.train.inputs.pixel_source().unwrap();
            let mut sorted = source.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..20).collect::<Vec<u32>>());
            assert_ne!(sorted, source, "the first task is permuted too");
            assert_eq!(fixture::rows(&task.train.inputs), moved(&fixture::rows(&train.inputs), source, 3));
            let tested = task.test.as_ref().unwrap();
            assert_eq!(fixture::rows(&tested.inputs), moved(&fixture::rows(&test.inputs), source, 3));
            assert_eq!(task.train.labels, train.labels);
            assert_eq!(tested.labels, test.labels);
        }
        let source = |index| stream.task(index).train.inputs.pixel_source().unwrap().to_vec();
        assert_ne!(source(0), source(1));
    }

    #[test]
    fn probes_see_the_same_examples_as_the_task_shows_them() {
        let stream = fixture::stream("permuted-pixels", 2);
        let plain = stream.base().probe_inputs(50);
        for index in [0, 5] {
            let probes = stream.probe_inputs(index, 50);
            let source = probes.pixel_source().unwrap();
            assert_eq!(source, stream.task(index).train.inputs.pixel_source().unwrap());
            assert_eq!(fixture::rows(&probes), moved(&fixture::rows(&plain), source, 1));
        }
    }

    #[test]
    fn one_pass_makes_no_copy_and_gathers_the_same() {
        let once = |plan: &mut crate::spec::Plan| plan.stream_mut().length = Length::Epochs(1);
        let again = |plan: &mut crate::spec::Plan| plan.stream_mut().length = Length::Epochs(2);
        let (once, again) = (
            fixture::stream_of("permuted-pixels", 0, once, fixture::mnist_like()),
            fixture::stream_of("permuted-pixels", 0, again, fixture::mnist_like()),
        );
        let (once, again) = (once.task(3).train.inputs, again.task(3).train.inputs);
        assert!(!once.is_copied() && again.is_copied());
        assert_eq!(fixture::rows(&once), fixture::rows(&again));
    }

    #[test]
    fn every_position_shows_every_pixel_equally_often() {
        let data = fixture::data(2, 1, 2, 5, 2);
        let stream = fixture::stream_of("permuted-pixels", 7, |plan| plan.stream_mut().examples = None, data);
        let mut counts = [[0u32; 10]; 10];
        for index in 0..2_000 {
            let inputs = stream.task(index).train.inputs;
            for (position, &from) in inputs.pixel_source().unwrap().iter().enumerate() {
                counts[position][from as usize] += 1;
            }
        }
        // Binomial(2000, 1/10): mean 200, standard deviation 13.4; five of them either way.
        assert!(counts.iter().flatten().all(|c| (133..=267).contains(c)), "{counts:?}");
    }
}

//! `permuted-alphabet`: each task gives the characters of a text other numbers.
//!
//! Character a is shown, and asked for, as `π_t(a)` with `π_t` uniform over permutations of the alphabet, the first task
//! permuted too and the test set alike. The form is that of permuted Shakespeare (Farias & Jozefiak 2025, arXiv
//! 2410.20098), whose code permutes whole words in front of a tokeniser; here it is characters.

use std::sync::Arc;

use super::pool::Pool;
use super::{Base, Examples, Family, Inputs, Relation, Task, TaskStream};
use crate::spec::Entry;

pub(super) const FAMILY: Family = Family {
    relation: Relation::OtherCharacters,
    tested: true,
    renumbered: None,
    entry: Entry {
        name: "permuted-alphabet",
        summary: "each task gives the characters of a text other numbers; for text alone",
        source: "Farias & Jozefiak 2025, arXiv 2410.20098 (permuted Shakespeare, there words)",
        parameters: &[],
    },
    classes: |_, _| Ok(None),
    build: |_, base| Ok(Box::new(PermutedAlphabet { base })),
};

struct PermutedAlphabet {
    base: Base,
}

impl PermutedAlphabet {
    fn alphabet(&self, index: usize) -> Arc<[u32]> {
        self.base.task_stream(index).permutation(self.base.classes()).into()
    }

    fn written(alphabet: &Arc<[u32]>, pool: &Arc<Pool>, examples: Examples) -> Examples {
        let labels = examples.labels.iter().map(|&label| alphabet[label as usize]).collect();
        Examples { inputs: Inputs::written(Arc::clone(pool), Arc::clone(alphabet)), labels, ..examples }
    }
}

impl TaskStream for PermutedAlphabet {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let train = Self::written(&self.alphabet(index), self.base.pools().0, self.base.train());
        Task::new(index, train).with_test(self.test_set(index))
    }

    fn test_set(&self, index: usize) -> Option<Examples> {
        Some(Self::written(&self.alphabet(index), self.base.pools().1?, self.base.test()?))
    }

    fn probe_inputs(&self, index: usize, samples: usize) -> Inputs {
        let inputs = Inputs::written(Arc::clone(self.base.pools().0), self.alphabet(index));
        inputs.subset(&self.base.probe_rows(samples))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::data::{self, Silent};
    use crate::tasks::fixture;

    #[test]
    fn characters_and_what_follows_them_are_renumbered_alike_in_every_split() {
        let text = data::load("generated-text", None, &mut Silent).unwrap();
        let (plain, tested) = (text.train.clone(), text.test.clone());
        let stream =
            fixture::stream_of("permuted-alphabet", 3, |plan| plan.stream_mut().examples = None, text);
        let alphabets: Vec<Arc<[u32]>> =
            [0, 1].map(|index| stream.task(index).train.inputs.alphabet().unwrap().clone()).to_vec();
        assert_ne!(alphabets[0], alphabets[1]);
        for (index, alphabet) in alphabets.iter().enumerate() {
            let mut sorted = alphabet.to_vec();
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..29) && sorted[..] != alphabet[..], "{alphabet:?}");
            let task = stream.task(index);
            let moved = |bytes: &[u8]| -> Vec<f32> {
                bytes.iter().map(|&byte| alphabet[usize::from(byte)] as f32).collect()
            };
            for (shown, images) in [(&task.train, &plain), (task.test.as_ref().unwrap(), &tested)] {
                let mut row = Vec::new();
                shown.inputs.gather(&[5], &mut row);
                assert_eq!(row, moved(images.image(5)));
                assert_eq!(shown.labels[5], alphabet[images.labels[5] as usize]);
            }
            let mut row = Vec::new();
            let probed = stream.base().probe_rows(9);
            stream.probe_inputs(index, 9).gather(&[2], &mut row);
            assert_eq!(row, moved(plain.image(probed[2] as usize)));
        }
    }
}

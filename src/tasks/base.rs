//! What every family starts from: the run's examples, drawn once, and its seed.

use std::sync::Arc;

use super::class_order::optional_count;
use super::pool::{Pool, Split, draw};
use super::{Answers, Examples, Inputs, TaskError, scaling};
use crate::data::DataSet;
use crate::random::Stream;
use crate::spec::{ExamplesFrom, Plan};

/// The run's examples and its seed.
///
/// With `examples_from = "seed"` the training examples are drawn without replacement by the stream
/// named `data` and stay in the order drawn (a larger draw under the same seed begins with the smaller
/// one); with `"first"`, or all examples, they are in the file's order. All tasks of a run share them.
/// `examples_per_class` takes so many of every class instead, drawn by a generator for each class (`data`,
/// number 1 + class) or the first ones, and leaves them in the file's order.
/// The test set is always whole and in the file's order.
#[derive(Clone, Debug)]
pub struct Base {
    seed: u64,
    tasks: usize,
    classes: usize,
    train: Arc<Pool>,
    test: Option<Arc<Pool>>,
    labels: Arc<[u32]>,
}

impl Base {
    /// Draws the run's examples.
    pub fn new(plan: &Plan, data: Arc<DataSet>) -> Result<Self, TaskError> {
        let (available, dataset) = (data.train.len(), &data.name);
        let asked = plan.stream().examples.unwrap_or(available);
        if asked > available {
            return Err(TaskError::TooManyExamples { asked, available, dataset: dataset.clone() });
        }
        if asked == 0 {
            return Err(TaskError::NoExamples { dataset: dataset.clone() });
        }
        let shape =
            |images: &crate::data::Images| (images.channels, images.height, images.width, images.classes);
        if !data.test.is_empty() && shape(&data.test) != shape(&data.train) {
            return Err(TaskError::SplitsDiffer { dataset: dataset.clone() });
        }

        let per_class = optional_count(&plan.stream().family, "examples_per_class");
        let chosen = match (plan.stream().examples, plan.stream().examples_from) {
            (None, _) => per_class.map(|count| of_each_class(plan, &data, count)).transpose()?,
            (Some(count), ExamplesFrom::Seed) => {
                Some(draw(&mut Stream::new(plan.seed, "data", 0), available, count))
            }
            (Some(count), ExamplesFrom::First) => Some((0..count as u32).collect()),
        };
        let tables = Arc::new(scaling::tables(plan.data().scaling, &data)?);
        let train = Pool::new(Arc::clone(&data), Split::Train, chosen, Arc::clone(&tables));
        let classes = data.train.classes;
        let test = (!data.test.is_empty()).then(|| Arc::new(Pool::new(data, Split::Test, None, tables)));
        let labels = train.labels().into();
        Ok(Self {
            seed: plan.seed,
            tasks: plan.stream().tasks,
            classes,
            train: Arc::new(train),
            test,
            labels,
        })
    }

    /// Number of tasks.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// Classes of the data set.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Channels, height, width.
    #[must_use]
    pub fn dims(&self) -> (usize, usize, usize) {
        self.train.dims()
    }

    /// The generator behind task `index`.
    #[must_use]
    pub fn task_stream(&self, index: usize) -> Stream {
        Stream::new(self.seed, "tasks", index as u64)
    }

    /// The training examples with the data set's own labels.
    #[must_use]
    pub fn train(&self) -> Examples {
        Examples {
            inputs: Inputs::of(Arc::clone(&self.train)),
            labels: Arc::clone(&self.labels),
            answers: Answers::All,
        }
    }

    /// The whole test set with its own labels, where the data set has one.
    #[must_use]
    pub fn test(&self) -> Option<Examples> {
        let pool = self.test.as_ref()?;
        Some(Examples {
            inputs: Inputs::of(Arc::clone(pool)),
            labels: pool.labels().into(),
            answers: Answers::All,
        })
    }

    /// The probe set with no pixel moved: drawn once per run by the stream named `probes`, which no
    /// training draw shares; all examples in their own order where there are no more than `samples`.
    #[must_use]
    pub fn probe_inputs(&self, samples: usize) -> Inputs {
        self.train().inputs.subset(&self.probe_rows(samples))
    }

    /// The rows of the probe set.
    #[must_use]
    pub fn probe_rows(&self, samples: usize) -> Vec<u32> {
        let examples = self.train.len();
        if samples >= examples {
            return (0..examples as u32).collect();
        }
        draw(&mut Stream::new(self.seed, "probes", 0), examples, samples)
    }

    /// The pools themselves, for families that move pixels.
    pub(super) fn pools(&self) -> (&Arc<Pool>, Option<&Arc<Pool>>) {
        (&self.train, self.test.as_ref())
    }
}

/// Indices of `count` training examples of every class, ascending.
fn of_each_class(plan: &Plan, data: &DataSet, count: usize) -> Result<Vec<u32>, TaskError> {
    let mut by_class = vec![Vec::new(); data.train.classes];
    for (index, &class) in (0u32..).zip(&data.train.labels) {
        by_class[class as usize].push(index);
    }
    let mut chosen = Vec::with_capacity(count * by_class.len());
    for (class, members) in (1u64..).zip(&by_class) {
        if members.len() < count {
            let (available, dataset) = (members.len(), data.name.clone());
            return Err(TaskError::TooFewOfClass { asked: count, available, dataset });
        }
        match plan.stream().examples_from {
            ExamplesFrom::First => chosen.extend(&members[..count]),
            ExamplesFrom::Seed => {
                let mut stream = Stream::new(plan.seed, "data", class);
                chosen.extend(draw(&mut stream, members.len(), count).iter().map(|&at| members[at as usize]));
            }
        }
    }
    chosen.sort_unstable();
    Ok(chosen)
}

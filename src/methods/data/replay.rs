//! Experience replay: a buffer of examples of earlier tasks, some of which join every batch (Chaudhry et
//! al. 2019, arXiv 1902.10486). The loss is the mean over all rows of the extended batch; online accuracy
//! and loss are those of the task's own rows.
//!
//! The buffer is a reservoir (Vitter 1985, algorithm R): at a task's end each of its training examples is
//! offered once, so at any time it is a uniform draw without replacement from all examples of the tasks
//! learned, however many epochs they were seen for. (Public code offers each example at every epoch, and
//! so rehearses the current task too.) It holds numbers of tasks and examples, no pixels; labels, heads
//! and permuted pixels are those of the example's own task, and augmentation crops it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::hooks::count;
use super::super::registered::{Build, Registered, anywhere};
use super::curriculum::{Curriculum, Served};
use crate::nn::Replayed;
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};
use crate::tasks::{Examples, TaskStream, draw};

/// What the registry has of it.
pub(in crate::methods) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Data(Served { build, rows: |choice| count(choice, "rows"), cumulative: false }),
    check: anywhere,
    excludes: &[],
};

const ENTRY: Entry = Entry {
    name: "replay",
    summary: "a reservoir of earlier tasks' examples, some of which join every batch",
    source: "Chaudhry et al. 2019, arXiv 1902.10486; Vitter 1985, algorithm R",
    parameters: &[
        Parameter {
            name: "buffer",
            summary: "examples kept, over all tasks",
            kind: Kind::Integer { default: Some(500), min: 1, max: 10_000_000 },
        },
        Parameter {
            name: "rows",
            summary: "examples of the buffer in every batch, beside the task's own",
            kind: Kind::Integer { default: Some(32), min: 1, max: 1_000_000 },
        },
    ],
};

struct Replay {
    capacity: usize,
    rows: usize,
    /// Examples offered so far.
    offered: u64,
    /// Task and position of what is kept.
    kept: Vec<(usize, u32)>,
    /// Examples of the tasks in the buffer, rebuilt from the stream after a resume.
    tasks: BTreeMap<usize, Arc<Examples>>,
}

/// Builds it, empty.
fn build(choice: &Choice) -> Box<dyn Curriculum> {
    let (capacity, rows) = (count(choice, "buffer"), count(choice, "rows"));
    Box::new(Replay { capacity, rows, offered: 0, kept: Vec::new(), tasks: BTreeMap::new() })
}

impl Replay {
    fn offer(&mut self, example: (usize, u32), stream: &mut Stream) {
        self.offered += 1;
        if self.kept.len() < self.capacity {
            self.kept.push(example);
        } else if let Some(slot) = self.kept.get_mut(stream.below(self.offered) as usize) {
            *slot = example;
        }
    }
}

impl Curriculum for Replay {
    fn replayed(&mut self, tasks: &dyn TaskStream, draws: &dyn Fn() -> Stream) -> Vec<Replayed> {
        if self.kept.is_empty() {
            return Vec::new();
        }
        let chosen = draw(&mut draws(), self.kept.len(), self.rows.min(self.kept.len()));
        let replayed = chosen.into_iter().map(|slot| {
            let (task, position) = self.kept[slot as usize];
            let of_task = || Arc::new(slim(&tasks.task(task).train));
            Replayed { examples: Arc::clone(self.tasks.entry(task).or_insert_with(of_task)), position }
        });
        replayed.collect()
    }

    fn end_task(&mut self, task: usize, examples: &Examples, draws: &mut Stream) {
        for position in 0..examples.len() as u32 {
            self.offer((task, position), draws);
        }
        self.tasks.insert(task, Arc::new(slim(examples)));
        let kept: BTreeSet<usize> = self.kept.iter().map(|(task, _)| *task).collect();
        self.tasks.retain(|task, _| kept.contains(task));
    }

    fn save(&self, state: &mut StateDict) {
        state.insert_u64("offered", self.offered);
        let list = |of: fn(&(usize, u32)) -> u64| Values::U64(self.kept.iter().map(of).collect());
        state.insert("kept.task", list(|(task, _)| *task as u64));
        state.insert("kept.position", list(|(_, position)| u64::from(*position)));
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.offered = state.u64("offered")?;
        let (tasks, positions) = (state.u64s("kept.task")?, state.u64s("kept.position")?);
        if tasks.len() != positions.len() || tasks.len() > self.capacity {
            let why = format!("has {} values for {} positions", tasks.len(), positions.len());
            return Err(StateError { entry: "kept.task".into(), why });
        }
        self.kept = tasks.iter().zip(positions).map(|(&task, &at)| (task as usize, at as u32)).collect();
        self.tasks.clear();
        Ok(())
    }
}

fn slim(examples: &Examples) -> Examples {
    Examples { inputs: examples.inputs.slim(), ..examples.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    fn replay(capacity: usize) -> Replay {
        Replay { capacity, rows: 4, offered: 0, kept: Vec::new(), tasks: BTreeMap::new() }
    }

    #[test]
    fn every_example_offered_is_kept_equally_often() {
        let mut counts = [0u32; 40];
        for run in 0..20_000 {
            let (mut replay, mut stream) = (replay(10), Stream::new(0, "test", run));
            (0..40).for_each(|position| replay.offer((0, position), &mut stream));
            assert_eq!(replay.kept.len(), 10);
            for (_, position) in replay.kept {
                counts[position as usize] += 1;
            }
        }
        // Binomial(20000, 1/4): mean 5000, standard deviation 61; five of them either way.
        assert!(counts.iter().all(|n| (4_695..=5_305).contains(n)), "{counts:?}");
    }

    #[test]
    fn what_is_replayed_is_the_earlier_tasks_own_and_survives_a_resume() {
        for family in ["permuted-pixels", "split-classes"] {
            let change = |plan: &mut crate::spec::Plan| {
                plan.stream_mut().tasks = 5;
                plan.stream_mut().head = crate::spec::Head::Multi;
            };
            let stream = fixture::stream_of(family, 3, change, fixture::mnist_like());
            let mut replay = replay(30);
            let draws = || Stream::new(0, "rehearsal", 7);
            assert!(replay.replayed(&*stream, &draws).is_empty(), "nothing was learned yet");
            for task in 0..3 {
                let examples = stream.task(task).train;
                replay.end_task(task, &examples, &mut Stream::new(0, "method-end", task as u64));
            }
            let tasks: std::collections::BTreeSet<usize> = replay.kept.iter().map(|k| k.0).collect();
            assert_eq!(tasks.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
            let mut resumed = super::tests::replay(30);
            let mut state = StateDict::default();
            replay.save(&mut state);
            resumed.load(&state).unwrap();
            assert_eq!((resumed.offered, &resumed.kept), (replay.offered, &replay.kept));
            let (one, other) = (replay.replayed(&*stream, &draws), resumed.replayed(&*stream, &draws));
            assert_eq!(one.len(), 4);
            for (one, other) in one.iter().zip(&other) {
                let row = |r: &Replayed| {
                    let mut values = Vec::new();
                    r.examples.inputs.append(r.position, &mut values);
                    (
                        values,
                        r.examples.labels[r.position as usize],
                        r.examples.answers.at(r.position).cloned(),
                    )
                };
                assert_eq!(row(one), row(other));
                let (_, label, answers) = row(one);
                assert!(answers.unwrap().contains(&label), "the label is of the example's own head");
            }
        }
    }
}

//! Joint training: every task trains on the examples of all tasks so far, from the weights that the last
//! one left. The usual upper bound of what can be retained. Epochs count passes over all of them, so a
//! task of so many epochs is longer than the one before; a task of so many steps is not.
//!
//! The task's row counts and evaluates all that was trained on. With a head a task, or a masked one, each
//! example keeps the answers of its own task. A fresh reference network trains on the same batches.

use super::super::registered::{Build, JOINT_HAS_ALL, Registered};
use super::curriculum::{Curriculum, Served};
use crate::spec::{Choice, Entry, Head, Plan};
use crate::tasks::{self, Examples, Relation, TaskStream};

/// What the registry has of it.
pub(in crate::methods) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Data(Served { build: |_| Box::new(Joint), rows: |_| 0, cumulative: true }),
    check,
    excludes: &[("replay", JOINT_HAS_ALL)],
};

const ENTRY: Entry = Entry {
    name: "joint",
    summary: "each task trains on the examples of all tasks so far: what retention is measured against",
    source: "cumulative training; van de Ven et al. 2022, Nature Machine Intelligence 4",
    parameters: &[],
};

struct Joint;

/// Whether the plan's tasks can be learned together. The error is a sentence.
fn check(plan: &Plan, _: &Choice) -> std::result::Result<(), String> {
    let family = plan.stream().family.name.as_str();
    let relation = tasks::relation(plan).map_err(|error| error.to_string())?;
    match (relation, plan.stream().head) {
        (Relation::OwnClasses, _) | (Relation::OtherLabels | Relation::OtherImages, Head::Multi) => Ok(()),
        (Relation::Growing, _) => Err(format!(
            "method \"joint\" changes nothing in {family}, whose tasks train on all classes so far: take \"none\""
        )),
        (Relation::MovedPixels, _) => Err(format!(
            "method \"joint\" is for tasks that see the same images, and {family} moves their pixels: take \
             \"replay\""
        )),
        (Relation::OtherCharacters, _) => Err(format!(
            "method \"joint\" is for tasks that see the same characters, and {family} renumbers them: take \"replay\""
        )),
        (Relation::OtherLabels | Relation::OtherImages, _) => Err(format!(
            "method \"joint\" would give the images of {family} contradicting labels: take stream.head = \"multi\", \
             or another method"
        )),
    }
}

impl Curriculum for Joint {
    fn training_set(&self, task: usize, tasks: &dyn TaskStream) -> Option<Examples> {
        let views: Vec<Examples> = (0..=task).map(|earlier| tasks.task(earlier).train).collect();
        Some(Examples::joined(&views))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    #[test]
    fn every_task_trains_on_all_so_far_each_example_with_its_own_answers() {
        for head in [Head::Single, Head::Masked, Head::Multi] {
            let change = |plan: &mut Plan| {
                let stream = plan.stream_mut();
                (stream.tasks, stream.head) = (5, head);
            };
            let stream = fixture::stream_of("split-classes", 3, change, fixture::mnist_like());
            let all = Joint.training_set(2, &*stream).unwrap();
            let mut at = 0u32;
            for task in 0..3 {
                let own = stream.task(task).train;
                for position in 0..own.len() as u32 {
                    let expected =
                        (own.inputs.row(position), own.labels[position as usize], own.answers.at(position));
                    assert_eq!((all.inputs.row(at), all.labels[at as usize], all.answers.at(at)), expected);
                    at += 1;
                }
            }
            assert_eq!(all.len() as u32, at);
        }
    }

    #[test]
    fn tasks_that_contradict_each_other_are_refused_unless_each_has_its_head() {
        let verdict = |family, head| {
            let mut plan = fixture::plan(family);
            plan.stream_mut().head = head;
            check(&plan, &Choice { name: "joint".into(), parameters: std::collections::BTreeMap::new() })
        };
        assert!(verdict("split-classes", Head::Single).is_ok());
        assert!(verdict("remapped-classes", Head::Multi).is_ok());
        assert!(verdict("remapped-classes", Head::Single).unwrap_err().contains("multi"));
        assert!(verdict("permuted-pixels", Head::Multi).unwrap_err().contains("replay"));
        assert!(verdict("incremental-classes", Head::Single).unwrap_err().contains("none"));
    }
}

//! The stream behind all families that divide the classes among tasks.
//!
//! A task trains on those of the run's examples that are of its classes, in the run's order, and is
//! tested on the test images of the same classes. Labels stay the data set's class ids, whatever the
//! head: a masked head sees only the task's classes' logits, and of a head a task the rows are those of
//! its classes. The probe set is drawn over all the run's examples, of whatever classes, and so is the
//! same for every task.

use std::sync::Arc;

use super::base::Base;
use super::error::TaskError;
use super::inputs::{Answers, Examples};
use super::stream::{Built, Task, TaskStream};
use crate::spec::{Head, Plan};

/// What a family says of its tasks: the classes of each, ascending, and whether it is scored.
pub struct Classes {
    pub of: Vec<Arc<[u32]>>,
    pub scored: fn(usize) -> bool,
}

struct ClassTasks {
    base: Base,
    classes: Classes,
    /// Whether only a task's own classes count.
    masked: bool,
    train: Vec<Vec<u32>>,
    test: Vec<Vec<u32>>,
}

/// The stream of these classes on these examples.
pub fn stream(plan: &Plan, base: Base, classes: Classes) -> Built {
    let by_class = |examples: &Examples| {
        let mut positions = vec![Vec::new(); base.classes()];
        for (position, &class) in (0u32..).zip(examples.labels.iter()) {
            positions[class as usize].push(position);
        }
        positions
    };
    let train = by_class(&base.train());
    let test = base.test().as_ref().map(by_class).unwrap_or_default();
    let empty = |own: &Arc<[u32]>| own.iter().all(|&class| train[class as usize].is_empty());
    if let Some(task) = classes.of.iter().position(empty) {
        return Err(TaskError::EmptyTask { task });
    }
    Ok(Box::new(ClassTasks { masked: plan.stream().head != Head::Single, base, classes, train, test }))
}

impl ClassTasks {
    fn restricted(&self, all: &Examples, by_class: &[Vec<u32>], index: usize) -> Examples {
        let own = &self.classes.of[index];
        let mut positions: Vec<u32> =
            own.iter().flat_map(|&class| by_class[class as usize].iter().copied()).collect();
        positions.sort_unstable();
        Examples {
            inputs: all.inputs.subset(&positions),
            labels: positions.iter().map(|&position| all.labels[position as usize]).collect(),
            answers: if self.masked { Answers::Among(Arc::clone(own)) } else { Answers::All },
        }
    }
}

impl TaskStream for ClassTasks {
    fn base(&self) -> &Base {
        &self.base
    }

    fn task(&self, index: usize) -> Task {
        let train = self.restricted(&self.base.train(), &self.train, index);
        let task = Task::new(index, train).with_test(self.test_set(index));
        Task { scored: (self.classes.scored)(index), ..task }
    }

    fn test_set(&self, index: usize) -> Option<Examples> {
        Some(self.restricted(&self.base.test()?, &self.test, index))
    }

    fn task_classes(&self, index: usize) -> Option<Arc<[u32]>> {
        Some(Arc::clone(&self.classes.of[index]))
    }
}

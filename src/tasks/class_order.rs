//! The order in which classes come, and their division among tasks: from the plan and the number of
//! classes alone, so that a spec is checked, and a run's time estimated, before any image is loaded.

use std::sync::Arc;

use crate::random::Stream;
use crate::spec::{Choice, Kind, Parameter, Plan, Value};

/// Setting of the families that divide the classes.
pub const CLASS_ORDER: Parameter = Parameter {
    name: "class_order",
    summary: "a permutation drawn by the seed, PyCIL's for 100 classes, or by class id",
    kind: Kind::Text { default: Some("seed"), one_of: &["seed", "pycil", "sorted"] },
};

/// Likewise.
pub const CLASSES_PER_TASK: Parameter = Parameter {
    name: "classes_per_task",
    summary: "classes that are new in each task; absent: all classes divided by the tasks",
    kind: Kind::Integer { default: None, min: 1, max: 256 },
};

/// Likewise; [`Base`](super::Base) takes the examples.
pub const EXAMPLES_PER_CLASS: Parameter = Parameter {
    name: "examples_per_class",
    summary: "training examples taken of each class; absent: all of them",
    kind: Kind::Integer { default: None, min: 1, max: 1_000_000 },
};

/// numpy's `RandomState(1993).permutation(100)`, the class order of the continual-learning suites that
/// follow `PyCIL`: `tests/reference/class_order.py`.
const PYCIL: &str = include_str!("../../tests/reference/class_order.csv");

/// The integer under `key`, if one is set.
pub fn optional_count(family: &Choice, key: &str) -> Option<usize> {
    match family.get(key) {
        Some(Value::Integer(count)) => usize::try_from(*count).ok(),
        _ => None,
    }
}

/// All classes in the order in which tasks take them.
fn order(plan: &Plan, classes: usize) -> Result<Vec<u32>, String> {
    let sorted = 0..classes as u32;
    match plan.stream().family.text("class_order") {
        "sorted" => Ok(sorted.collect()),
        "pycil" if classes == 100 => Ok(PYCIL
            .lines()
            .skip(1)
            .map(|line| line.parse().expect("a file of numbers, checked by a test"))
            .collect()),
        "pycil" => Err(format!(
            "class_order = \"pycil\" is an order of 100 classes, and {} has {classes}: take \"seed\" or \"sorted\"",
            plan.data().dataset
        )),
        _ => Ok(Stream::new(plan.seed, "tasks", 0).permutation(classes)),
    }
}

/// The first classes of the order in groups of these sizes, each ascending.
pub fn groups(
    plan: &Plan,
    classes: usize,
    sizes: impl Iterator<Item = usize>,
) -> Result<Vec<Arc<[u32]>>, String> {
    let (order, sizes) = (order(plan, classes)?, sizes.collect::<Vec<_>>());
    let needed: usize = sizes.iter().sum();
    if needed > classes {
        return Err(format!(
            "the {} tasks of {} need {needed} classes, and {} has {classes}: take fewer tasks or fewer classes a task",
            sizes.len(),
            plan.stream().family.name,
            plan.data().dataset
        ));
    }
    let mut rest = &order[..];
    let take = |size| {
        let (group, later) = rest.split_at(size);
        rest = later;
        let mut group = group.to_vec();
        group.sort_unstable();
        group.into()
    };
    Ok(sizes.into_iter().map(take).collect())
}

/// Groups of equal size, one a task: `classes_per_task`, or what the division gives.
pub fn equal_groups(plan: &Plan, classes: usize) -> Result<Vec<Arc<[u32]>>, String> {
    let tasks = plan.stream().tasks;
    let size = match optional_count(&plan.stream().family, "classes_per_task") {
        Some(size) => size,
        None if classes.is_multiple_of(tasks) => classes / tasks,
        None => {
            return Err(format!(
                "the {classes} classes of {} cannot be divided among {tasks} tasks alike: take a number of tasks that \
                 divides them, or set classes_per_task",
                plan.data().dataset
            ));
        }
    };
    groups(plan, classes, std::iter::repeat_n(size, tasks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    fn plan(order: &str, tasks: usize) -> Plan {
        let mut plan = fixture::plan("split-classes");
        plan.stream_mut().tasks = tasks;
        plan.stream_mut().family.parameters.insert("class_order".into(), Value::Text(order.into()));
        plan
    }

    #[test]
    fn every_class_is_in_one_group_and_the_seed_decides_which() {
        let of = |seed, order: &str| {
            let plan = Plan { seed, ..plan(order, 20) };
            equal_groups(&plan, 100).unwrap()
        };
        for order in ["seed", "pycil", "sorted"] {
            let mut all: Vec<u32> = of(0, order).iter().flat_map(|g| g.to_vec()).collect();
            assert!(of(0, order).iter().all(|g| g.len() == 5 && g.is_sorted()), "{order}");
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<u32>>(), "{order}");
            assert_eq!(of(0, order) == of(1, order), order != "seed");
        }
        // The first ten of numpy's order begin 68, 56, 78, 8, 23.
        assert_eq!(of(3, "pycil")[0][..], [8, 23, 56, 68, 78]);
        assert_eq!(of(3, "sorted")[19][..], [95, 96, 97, 98, 99]);
        let drawn = Stream::new(7, "tasks", 0).permutation(100);
        let mut first = drawn[..5].to_vec();
        first.sort_unstable();
        assert_eq!(of(7, "seed")[0][..], first[..]);
    }

    #[test]
    fn what_cannot_be_divided_is_refused_in_a_sentence() {
        let message = |order, tasks, classes| equal_groups(&plan(order, tasks), classes).unwrap_err();
        assert!(message("seed", 3, 10).contains("cannot be divided among 3 tasks"));
        assert!(message("pycil", 5, 10).contains("an order of 100 classes, and noise has 10"));
        let mut many = plan("seed", 4);
        many.stream_mut().family.parameters.insert("classes_per_task".into(), Value::Integer(3));
        let sentence = equal_groups(&many, 10).unwrap_err();
        assert!(sentence.contains("need 12 classes, and noise has 10"), "{sentence}");
        many.stream_mut().tasks = 3;
        assert_eq!(equal_groups(&many, 10).unwrap().len(), 3, "classes may be left over");
    }
}

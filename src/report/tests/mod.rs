//! From folders on disk to the files of a report: what the tests of this room write.

mod agents;
mod gathering;
mod page;
mod published;
mod tables;

use std::path::{Path, PathBuf};

use crate::catalogue::catalogue;
use crate::record::{RetentionRow, Row, RunStatus, Status, TaskRow};
use crate::results::{self, Results};
use crate::spec::{Plan, Spec};

pub(in crate::report) const SPEC: &str = "\
name = \"bench\"
source = \"<b>&\\\"paper\\\"\"
[data]
dataset = \"generated-digits\"
[stream]
family = \"shuffled-labels\"
tasks = 2
examples = 100
steps = 10
batch_size = 10
[network]
kind = \"mlp\"
hidden = [4]
[optimizer]
name = \"adam\"
[grid]
seeds = \"0..4\"
activation = [\"relu\", { name = \"rational\", constraint = { name = \"output-bound\", bound = 2.0 } }]
";

pub(in crate::report) fn plans() -> Vec<Plan> {
    Spec::parse(SPEC, "test", &[], &catalogue()).unwrap().plans(None).unwrap()
}

pub(in crate::report) fn put<R: Row>(folder: &Path, rows: &[R]) {
    let mut writer = csv::Writer::from_path(folder.join(R::FILE)).unwrap();
    for row in rows {
        writer.serialize(row).unwrap();
    }
}

/// A run whose tasks have these online accuracies.
pub(in crate::report) fn run(root: &Path, plan: &Plan, status: Status, accuracies: &[f64]) -> PathBuf {
    let folder = root.join(&plan.name).join(plan.slug());
    let error = (status == Status::Diverged).then(|| "the loss is <NaN>".to_owned());
    RunStatus::begin("ab", "cpu", 1, "test").end(status, 1.0, error).write(&folder, &plan.to_toml()).unwrap();
    let row = |(task, &accuracy): (usize, &f64)| TaskRow {
        task,
        online_accuracy: Some(accuracy),
        ..TaskRow::default()
    };
    put(&folder, &accuracies.iter().enumerate().map(row).collect::<Vec<_>>());
    folder
}

/// relu: four seeds, of which one diverged; the rational: two seeds done, one unfinished.
pub(in crate::report) fn results(root: &Path) -> Results {
    for plan in plans() {
        let seed = plan.seed as f64;
        match (plan.activation.name.as_str(), plan.seed) {
            ("relu", 3) => drop(run(root, &plan, Status::Diverged, &[0.0])),
            ("relu", _) => drop(run(root, &plan, Status::Done, &[0.5, 0.25 + seed / 100.0])),
            (_, 0 | 1) => drop(run(root, &plan, Status::Done, &[0.75, 0.7 + seed / 100.0])),
            (_, 2) => drop(run(root, &plan, Status::Running, &[1.0])),
            _ => {}
        }
    }
    results::gather(&[root.to_owned()], &catalogue()).unwrap()
}

pub(in crate::report) fn entry(trained_through: usize, evaluated: usize) -> RetentionRow {
    RetentionRow {
        run: "r".into(),
        trained_through,
        evaluated,
        accuracy: 0.5,
        loss: 1.0,
        class_incremental_accuracy: Some(0.25),
        task_incremental_accuracy: Some(0.5),
    }
}

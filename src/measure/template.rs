//! The columns of `tasks.csv` that all tasks of a run share: its plan in cells.

use std::fmt::Write as _;

use crate::catalogue::catalogue;
use crate::record::TaskRow;
use crate::spec::{Catalogue, Choice, Kind, Plan, Value};

/// A choice in one cell: its name and what is set otherwise than by default (lists always: the sizes of
/// a network are part of its name).
fn cell(catalogue: &Catalogue, section: &str, choice: &Choice, leave_out: &str) -> String {
    let mut text = choice.name.clone();
    let Some(entry) = catalogue.entry(section, &choice.name) else { return text };
    for parameter in entry.parameters.iter().filter(|p| p.name != leave_out) {
        let value = match (choice.get(parameter.name), parameter.kind) {
            (Some(Value::Number(x)), Kind::Number { default, .. }) if default != Some(*x) => x.to_string(),
            (Some(Value::Integer(i)), Kind::Integer { default, .. }) if default != Some(*i) => i.to_string(),
            (Some(Value::Text(word)), Kind::Text { default, .. }) if default != Some(word) => word.clone(),
            (Some(Value::Flag(flag)), Kind::Flag { default }) if default != *flag => flag.to_string(),
            (Some(Value::Integers(list)), _) => {
                list.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
            }
            _ => continue,
        };
        let _ = write!(text, " {}={value}", parameter.name);
    }
    text
}

/// All methods in one cell: `ewc strength=10 + l2-init`.
fn methods_cell(catalogue: &Catalogue, plan: &Plan) -> String {
    if plan.methods.is_empty() {
        return "none".to_owned();
    }
    let cells = plan.methods.iter().map(|method| cell(catalogue, "methods", method, ""));
    cells.collect::<Vec<_>>().join(" + ")
}

/// The row of which every task's begins, for the run of this name.
#[must_use]
pub fn task_template(plan: &Plan, run: String) -> TaskRow {
    let catalogue = catalogue();
    let constraint = match plan.activation.get("constraint") {
        Some(Value::Choice(constraint)) => Some(cell(&catalogue, "constraints", constraint, "")),
        _ => None,
    };
    TaskRow {
        run,
        benchmark: plan.name.clone(),
        dataset: plan.data().dataset.clone(),
        family: plan.stream().family.name.clone(),
        network: cell(&catalogue, "networks", &plan.network, ""),
        activation: cell(&catalogue, "activations", &plan.activation, ""),
        constraint,
        method: methods_cell(&catalogue, plan),
        optimizer: cell(&catalogue, "optimizers", &plan.optimizer, "learning_rate"),
        learning_rate: plan.optimizer.number("learning_rate"),
        seed: plan.seed,
        ..TaskRow::default()
    }
}

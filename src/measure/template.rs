//! The columns of `tasks.csv` that all tasks of a run share: its plan in cells.

use std::fmt::Write as _;

use crate::catalogue::catalogue;
use crate::record::TaskRow;
use crate::spec::{Catalogue, Choice, ControlPlan, Kind, Plan, Value, Work};

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

/// An activation, and its constraint where it has one.
fn activation_cells(catalogue: &Catalogue, activation: &Choice) -> (String, Option<String>) {
    let constraint = match activation.get("constraint") {
        Some(Value::Choice(constraint)) => Some(cell(catalogue, "constraints", constraint, "")),
        _ => None,
    };
    (cell(catalogue, "activations", activation, ""), constraint)
}

/// The row of which every task's begins, for the run of this name.
#[must_use]
pub fn task_template(plan: &Plan, run: String) -> TaskRow {
    let catalogue = catalogue();
    let (activation, constraint) = activation_cells(&catalogue, &plan.activation);
    let row = TaskRow {
        run,
        benchmark: plan.name.clone(),
        network: cell(&catalogue, "networks", &plan.network, ""),
        activation,
        constraint,
        method: methods_cell(&catalogue, plan),
        optimizer: cell(&catalogue, "optimizers", &plan.optimizer, "learning_rate"),
        learning_rate: plan.optimizer.number("learning_rate"),
        seed: plan.seed,
        ..TaskRow::default()
    };
    match &plan.work {
        Work::Supervised { data, stream } => {
            TaskRow { dataset: data.dataset.clone(), family: stream.family.name.clone(), ..row }
        }
        Work::Control(control) => of_agent(&catalogue, control, row),
        Work::Diagnostic(diagnostic) => TaskRow { family: diagnostic.name.clone(), ..row },
    }
}

/// With the columns of an agent's run. Where critics have an activation of their own it stands behind the
/// actor's.
fn of_agent(catalogue: &Catalogue, control: &ControlPlan, mut row: TaskRow) -> TaskRow {
    if let Some(of_critics) = &control.critic.activation {
        let (activation, constraint) = activation_cells(catalogue, of_critics);
        row.activation = format!("{}, critics {activation}", row.activation);
        if row.constraint.is_some() || constraint.is_some() {
            let or_none = |constraint: Option<String>| constraint.unwrap_or_else(|| "none".to_owned());
            row.constraint = Some(format!("{}, critics {}", or_none(row.constraint), or_none(constraint)));
        }
    }
    let agent = match control.agent.get("preset") {
        Some(Value::Text(preset)) => format!("{} {preset}", control.agent.name),
        _ => control.agent.name.clone(),
    };
    TaskRow {
        family: control.change.name.clone(),
        environment: Some(control.environment.clone()),
        agent: Some(agent),
        ..row
    }
}

//! What varies within a grid: every setting of every plan by its key in the spec.

use std::collections::{BTreeMap, BTreeSet};

use super::{Choice, ExamplesFrom, Length, Order, Plan, Scaling, Value, number};

/// A setting that takes several values, seeds aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Key in the spec (`optimizer.learning_rate`).
    pub key: String,
    /// Its values in the order of the grid.
    pub values: Vec<String>,
}

/// One setting of one plan. The owner is the chain of names that it belongs to (`rational/tail-slope`):
/// a rational's degrees do not vary because a relu has none.
#[derive(Debug)]
struct Setting {
    key: String,
    owner: String,
    value: String,
}

/// The axes of `plans`, in the order of the spec's sections.
#[must_use]
pub fn axes(plans: &[&Plan]) -> Vec<Axis> {
    let mut keys: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut per_owner: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for setting in plans.iter().flat_map(|plan| settings(plan)) {
        if !values.contains_key(&setting.key) {
            keys.push(setting.key.clone());
        }
        let seen = values.entry(setting.key.clone()).or_default();
        if !seen.contains(&setting.value) {
            seen.push(setting.value.clone());
        }
        per_owner.entry((setting.key, setting.owner)).or_default().insert(setting.value);
    }
    let varies: BTreeSet<&str> =
        per_owner.iter().filter(|(_, v)| v.len() > 1).map(|((key, _), _)| key.as_str()).collect();
    keys.iter()
        .filter(|key| varies.contains(key.as_str()))
        .map(|key| Axis { key: key.clone(), values: values[key].clone() })
        .collect()
}

/// The value of `key` in `plan`; empty where it does not apply.
#[must_use]
pub fn value(plan: &Plan, key: &str) -> String {
    settings(plan).into_iter().find(|setting| setting.key == key).map(|s| s.value).unwrap_or_default()
}

fn settings(plan: &Plan) -> Vec<Setting> {
    let mut all = Vec::new();
    plain("name", &plan.name, &mut all);
    plain("data.dataset", &plan.data().dataset, &mut all);
    plain("data.scaling", &scaling(plan.data().scaling), &mut all);
    choice("stream.family", "stream", &plan.stream().family, "", &mut all);
    let stream = &plan.stream();
    plain("stream.tasks", &stream.tasks, &mut all);
    plain("stream.examples", &stream.examples.map_or("all".into(), |n| n.to_string()), &mut all);
    plain("stream.examples_from", &examples_from(stream.examples_from), &mut all);
    match stream.length {
        Length::Steps(steps) => plain("stream.steps", &steps, &mut all),
        Length::Epochs(epochs) => plain("stream.epochs", &epochs, &mut all),
    }
    plain("stream.batch_size", &stream.batch_size, &mut all);
    plain("stream.order", &order(stream.order), &mut all);
    choice("network", "network", &plan.network, "", &mut all);
    choice("activation", "activation", &plan.activation, "", &mut all);
    choice("optimizer", "optimizer", &plan.optimizer, "", &mut all);
    plain("method", &plan.method_names(), &mut all);
    for method in &plan.methods {
        let prefix =
            if plan.methods.len() == 1 { "method".into() } else { format!("method.{}", method.name) };
        parameters(&prefix, method, "", &mut all);
    }
    plain("probes.names", &plan.probes.names.join(" "), &mut all);
    plain("probes.samples", &plan.probes.samples, &mut all);
    plain("probes.plasticity_gap", &plan.probes.plasticity_gap, &mut all);
    all
}

/// A setting that belongs to no choice.
fn plain(key: &str, value: &impl ToString, all: &mut Vec<Setting>) {
    all.push(Setting { key: key.into(), owner: String::new(), value: value.to_string() });
}

/// The name under `key`, and the parameters under `prefix`.
fn choice(key: &str, prefix: &str, chosen: &Choice, owner: &str, all: &mut Vec<Setting>) {
    all.push(Setting { key: key.into(), owner: owner.into(), value: chosen.name.clone() });
    parameters(prefix, chosen, owner, all);
}

fn parameters(prefix: &str, chosen: &Choice, owner: &str, all: &mut Vec<Setting>) {
    let owner = format!("{owner}/{}", chosen.name);
    for (name, value) in &chosen.parameters {
        let key = format!("{prefix}.{name}");
        match value {
            Value::Choice(nested) => choice(&key, &key, nested, &owner, all),
            other => all.push(Setting { key, owner: owner.clone(), value: text(other) }),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Number(x) => number(*x),
        Value::Integer(i) => i.to_string(),
        Value::Text(word) => word.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::Integers(list) => {
            let items: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Choice(nested) => nested.name.clone(),
    }
}

fn scaling(scaling: Scaling) -> &'static str {
    match scaling {
        Scaling::Unit => "unit",
        Scaling::Symmetric => "symmetric",
        Scaling::Standardize => "standardize",
    }
}

fn examples_from(from: ExamplesFrom) -> &'static str {
    match from {
        ExamplesFrom::Seed => "seed",
        ExamplesFrom::First => "first",
    }
}

fn order(order: Order) -> &'static str {
    match order {
        Order::Reshuffled => "reshuffled",
        Order::Fixed => "fixed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::test_plans::{plan, rational};

    #[test]
    fn a_parameter_of_one_activation_alone_is_no_axis() {
        let plans = [plan("relu", 0), rational("none", None, 0), rational("tail-slope", Some(1.0), 1)];
        let found = axes(&plans.iter().collect::<Vec<_>>());
        let names: Vec<(&str, Vec<&str>)> =
            found.iter().map(|a| (a.key.as_str(), a.values.iter().map(String::as_str).collect())).collect();
        assert_eq!(
            names,
            [("activation", vec!["relu", "rational"]), ("activation.constraint", vec!["none", "tail-slope"])]
        );
    }

    #[test]
    fn a_bound_that_varies_within_its_constraint_is_an_axis() {
        let plans = [rational("tail-slope", Some(1.0), 0), rational("tail-slope", Some(2.5), 0)];
        let found = axes(&plans.iter().collect::<Vec<_>>());
        assert_eq!(
            found,
            [Axis { key: "activation.constraint.bound".into(), values: vec!["1".into(), "2.5".into()] }]
        );
        assert_eq!(value(&plans[1], "activation.constraint.bound"), "2.5");
        assert_eq!(value(&plan("relu", 0), "activation.constraint.bound"), "");
    }

    #[test]
    fn numbers_read_as_in_specs() {
        assert_eq!(
            [1e-4, 0.01, 0.5, 2.0, 0.0, -3e-7].map(number),
            ["1e-4", "0.01", "0.5", "2", "0", "-3e-7"]
        );
    }
}

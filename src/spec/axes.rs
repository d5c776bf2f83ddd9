//! What varies within a grid: every setting of every plan by its key in the spec.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;

/// A setting that takes several values, seeds aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Key in the spec (`optimizer.learning_rate`).
    pub key: String,
    /// Its values in the order of the grid.
    pub values: Vec<String>,
}

/// The axes of `plans`, in the order of the spec's sections.
#[must_use]
pub fn axes(plans: &[&Plan]) -> Vec<Axis> {
    let mut keys: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut per_owner: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    for setting in plans.iter().flat_map(|plan| plan.settings()) {
        if !values.contains_key(&setting.key) {
            keys.push(setting.key.clone());
        }
        let seen = values.entry(setting.key.clone()).or_default();
        if known.insert((setting.key.clone(), setting.value.clone())) {
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
    plan.settings().into_iter().find(|setting| setting.key == key).map(|s| s.value).unwrap_or_default()
}

/// The values of `keys` in `plan`, in their order: one pass over its settings for all of them.
#[must_use]
pub fn values(plan: &Plan, keys: &[String]) -> Vec<String> {
    let mut values = vec![String::new(); keys.len()];
    for setting in plan.settings() {
        for (key, value) in keys.iter().zip(&mut values) {
            if *key == setting.key {
                value.clone_from(&setting.value);
            }
        }
    }
    values
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
}

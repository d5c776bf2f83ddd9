//! What varies within a grid: every setting of every plan by its key in the spec.

use std::collections::{BTreeMap, BTreeSet};

use super::{Plan, Setting};

/// A setting that takes several values, seeds aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Key in the spec (`optimizer.learning_rate`).
    pub key: String,
    /// Its values in the order of the grid.
    pub values: Vec<String>,
}

/// The axes of `plans`, in the order of the spec's sections. A setting that has no default and that some plans of
/// one benchmark give while others could and do not is one of them: the others have the empty value.
#[must_use]
pub fn axes(plans: &[&Plan]) -> Vec<Axis> {
    let settings: Vec<Vec<Setting>> = plans.iter().map(|plan| plan.settings()).collect();
    let mut keys: Vec<&str> = Vec::new();
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut per_owner: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    for setting in settings.iter().flatten() {
        let (key, value) = (setting.key.as_str(), setting.value.as_str());
        if !values.contains_key(key) {
            keys.push(key);
        }
        let seen = values.entry(key).or_default();
        if known.insert((key, value)) {
            seen.push(value);
        }
        per_owner.entry((key, &setting.owner)).or_default().insert(value);
    }
    let mut varies: BTreeSet<&str> =
        per_owner.iter().filter(|(_, v)| v.len() > 1).map(|((key, _), _)| *key).collect();
    for key in left_out(plans, &settings) {
        varies.insert(key);
        let seen = values.get_mut(key).expect("some plan has it");
        if !seen.contains(&"") {
            seen.push("");
        }
    }
    let axis = |key: &&str| Axis {
        key: (*key).to_owned(),
        values: values[*key].iter().map(|value| (*value).to_owned()).collect(),
    };
    keys.iter().filter(|key| varies.contains(**key)).map(axis).collect()
}

/// Keys that some plans of a name have and others of it could have and lack.
fn left_out<'a>(plans: &[&Plan], settings: &'a [Vec<Setting>]) -> BTreeSet<&'a str> {
    let mut by_name: BTreeMap<&str, Vec<&'a [Setting]>> = BTreeMap::new();
    for (plan, settings) in plans.iter().zip(settings) {
        by_name.entry(&plan.name).or_default().push(settings);
    }
    let mut found = BTreeSet::new();
    for settings in by_name.values() {
        let mut having: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for setting in settings.iter().copied().flatten() {
            *having.entry((&setting.key, &setting.owner)).or_default() += 1;
        }
        having.retain(|_, count| *count < settings.len());
        for settings in settings {
            let given: BTreeSet<(&str, &str)> =
                settings.iter().map(|setting| (setting.key.as_str(), setting.owner.as_str())).collect();
            let lacking = having.keys().filter(|place| !given.contains(*place) && is_open(settings, **place));
            found.extend(lacking.map(|(key, _)| *key));
        }
    }
    found
}

/// Whether a plan of these settings has what a setting of this key and owner is a parameter of.
fn is_open(settings: &[Setting], (key, owner): (&str, &str)) -> bool {
    if owner.is_empty() {
        return true;
    }
    let Some((of, _)) = key.rsplit_once('.') else { return false };
    // By the section's own key (`activation`), or by one of its keys (`stream.family`).
    let names = |key: &str| key == of || key.rsplit_once('.').is_some_and(|(section, _)| section == of);
    let chosen =
        |setting: &Setting| names(&setting.key) && format!("{}/{}", setting.owner, setting.value) == owner;
    // One of a list of methods: the list is a setting, its members are none. One alone has other keys.
    let listed = of.rsplit_once('.');
    let among = |setting: &Setting| {
        let mut names = setting.value.split(" + ");
        let is_list = names.clone().nth(1).is_some();
        is_list && listed.is_some_and(|(list, name)| setting.key == list && names.any(|one| one == name))
    };
    settings.iter().any(|setting| chosen(setting) || among(setting))
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
    use crate::spec::{Choice, Value};

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

    /// Layer normalisation, which has no default, once stood in one mean with its absence.
    #[test]
    fn what_some_plans_give_and_others_leave_out_is_an_axis() {
        let mut normed = plan("relu", 0);
        normed.network.parameters.insert("norm".into(), Value::Text("layer".into()));
        let plain = plan("relu", 0);
        let axis =
            |key: &str, values: [&str; 2]| Axis { key: key.into(), values: values.map(str::to_owned).into() };
        assert_eq!(axes(&[&normed, &plain]), [axis("network.norm", ["layer", ""])]);
        assert_eq!(axes(&[&plain, &normed]), [axis("network.norm", ["layer", ""])]);
        // Of another benchmark it tells nothing apart.
        let other = Plan { name: "other".into(), ..plain.clone() };
        assert_eq!(axes(&[&normed, &other]), [axis("name", [&normed.name, "other"])]);

        let method = |parameters: &[(&str, Value)]| Choice {
            name: "ewc".into(),
            parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        };
        let (online, summed) = (method(&[("decay", Value::Number(0.5))]), method(&[]));
        let with = |methods: Vec<Choice>| Plan { methods, ..plain.clone() };
        let alone = [with(vec![online.clone()]), with(vec![summed.clone()])];
        assert_eq!(axes(&alone.each_ref()), [axis("method.decay", ["0.5", ""])]);
        let second = Choice { name: "l2".into(), ..method(&[]) };
        let listed = [with(vec![online, second.clone()]), with(vec![summed, second.clone()])];
        assert_eq!(axes(&listed.each_ref()), [axis("method.ewc.decay", ["0.5", ""])]);
        // What a list has under keys of its own, a method alone does not leave out.
        assert_eq!(axes(&[&alone[0], &listed[0]]), [axis("method", ["ewc", "ewc + l2"])]);
        // What a method does not have, it does not leave out.
        assert_eq!(axes(&[&alone[0], &with(vec![second])]), [axis("method", ["ewc", "l2"])]);
    }
}

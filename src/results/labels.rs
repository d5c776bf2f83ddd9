//! What benchmarks and variants are called: by what tells them apart, and no more.

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::{Plan, axes, values};

/// Settings that are part of a variant's label anyway.
const LABELLED: [&str; 5] =
    ["activation", "activation.version", "activation.start", "activation.constraint", "method"];
/// Sections of the spec that make a variant; and those that make a benchmark.
const VARIANT: [&str; 5] = ["activation", "optimizer", "method", "critic", "agent"];
const BENCHMARK: [&str; 5] = ["data", "stream", "network", "environment", "diagnostic"];
/// The key of a network that makes a variant all the same: the field compares normalisation with methods.
const NORM: &str = "network.norm";

/// The key whose value needs no key beside it.
const ENVIRONMENT: &str = "environment";

/// Benchmark and variant of each plan.
pub fn labels(plans: &[&Plan]) -> Vec<(String, String)> {
    let mut by_name: BTreeMap<&str, Vec<&Plan>> = BTreeMap::new();
    for plan in plans {
        by_name.entry(&plan.name).or_default().push(plan);
    }
    let varying: BTreeMap<&str, Vec<String>> = by_name
        .iter()
        .map(|(name, plans)| (*name, axes(plans).into_iter().map(|axis| axis.key).collect()))
        .collect();
    // What is the same throughout each benchmark is of its protocol: a relu at one's learning rate and a
    // relu at another's are one variant.
    let mut told: Vec<String> = Vec::new();
    for key in varying.values().flatten().filter(|key| makes_variant(key)) {
        if !told.contains(key) && !LABELLED.contains(&key.as_str()) {
            told.push(key.clone());
        }
    }
    let variants = variants(plans, &told);
    let settings: BTreeMap<&str, Vec<String>> = varying
        .into_iter()
        .map(|(name, keys)| (name, keys.into_iter().filter(|key| makes_benchmark(key)).collect()))
        .collect();
    let benchmark = |plan: &Plan| benchmark(plan, &settings[plan.name.as_str()]);
    plans.iter().zip(variants).map(|(plan, variant)| (benchmark(plan), variant)).collect()
}

fn section(key: &str) -> &str {
    key.split('.').next().unwrap_or_default()
}

fn makes_variant(key: &str) -> bool {
    VARIANT.contains(&section(key)) || key == NORM
}

fn makes_benchmark(key: &str) -> bool {
    BENCHMARK.contains(&section(key)) && key != NORM
}

/// The benchmark's name, and what its runs differ in beside the variant, if anything.
fn benchmark(plan: &Plan, settings: &[String]) -> String {
    let mut parts = vec![plan.name.clone()];
    let told = settings.iter().zip(values(plan, settings)).filter(|(_, value)| !value.is_empty());
    // The environment's name says what it is.
    let part = |key: &str, value| {
        if key == ENVIRONMENT { value } else { format!("{}={value}", short(key, settings)) }
    };
    parts.extend(told.map(|(key, value)| part(key, value)));
    parts.join(" ")
}

/// The label of each plan. Of an activation's parameters only those are in it without which two variants
/// would have one label: that proper-degree goes with other degrees is in its spec.
fn variants(plans: &[&Plan], axes: &[String]) -> Vec<String> {
    let parts: Vec<Vec<String>> = plans.iter().map(|plan| parts(plan, axes)).collect();
    let distinct = |kept: &[bool]| {
        let label = |parts: &Vec<String>| -> Vec<String> {
            parts.iter().zip(kept).filter(|(_, kept)| **kept).map(|(part, _)| part.clone()).collect()
        };
        plans
            .iter()
            .zip(&parts)
            .map(|(plan, parts)| (&plan.name, label(parts)))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let mut kept = vec![true; axes.len() + 1];
    let all = distinct(&kept);
    for index in (0..axes.len()).rev() {
        if axes[index].trim_start_matches("critic.").starts_with("activation.") {
            kept[index + 1] = false;
            kept[index + 1] = distinct(&kept) != all;
        }
    }
    let label = |parts: Vec<String>| {
        let told = parts.into_iter().zip(&kept).filter(|(part, kept)| **kept && !part.is_empty());
        told.map(|(part, _)| part).collect::<Vec<_>>().join(" ")
    };
    parts.into_iter().map(label).collect()
}

/// The label of a plan and one part an axis, empty where the axis says nothing.
fn parts(plan: &Plan, axes: &[String]) -> Vec<String> {
    let start = values(plan, &["activation.start".to_owned()]).remove(0);
    // A slope that the start does not have says nothing.
    let idle = |key: &str| key == "activation.start_slope" && start != "leaky_relu";
    let part = |(index, value): (usize, String)| {
        let key = &axes[index];
        // Behind its activation a constraint stands as in the label of the spec's own: `rational tail-slope`.
        let before = index.checked_sub(1).map(|index| axes[index].as_str());
        if key.strip_suffix(".constraint").is_some_and(|of| Some(of) == before) {
            if value == "none" { String::new() } else { value }
        } else if idle(key) || value.is_empty() {
            String::new()
        } else {
            format!("{}={value}", short(key, axes))
        }
    };
    let told = values(plan, axes).into_iter().enumerate().map(part);
    std::iter::once(plan.variant_label()).chain(told).collect()
}

/// What `key` is called beside the other `keys`: without its section where what is left is of no other. What the
/// critics have of their own is called theirs, or it would read as the spec's.
fn short<'a>(key: &'a str, keys: &[String]) -> &'a str {
    match key {
        "optimizer.learning_rate" => return "lr",
        "activation.learning_rate" => return "coefficient_lr",
        "critic.optimizer.learning_rate" => return "critic.lr",
        "critic.activation.learning_rate" => return "critic.coefficient_lr",
        _ => {}
    }
    let Some((section, rest)) = key.split_once('.') else { return key };
    let is_other =
        |other: &String| other != key && other.split_once('.').map_or(&**other, |(_, rest)| rest) == rest;
    if section == "critic" || VARIANT.contains(&rest) || keys.iter().any(is_other) { key } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    const HEAD: &str = "\
name = \"duel\"
source = \"s\"
[environment]
name = \"cartpole-swingup\"
[stream]
family = \"single\"
tasks = 1
steps = 1000
[agent]
name = \"sac\"
preset = \"jaxrl\"
learning_starts = 500
[activation]
name = \"relu\"
[critic.activation]
name = \"relu\"
[evaluation]
every = 500
episodes = 1
[grid]
seeds = [0]
";

    fn of(grid: &str) -> Vec<(String, String)> {
        let spec =
            Spec::parse(&format!("{HEAD}{grid}"), "test", &[], &crate::catalogue::catalogue()).unwrap();
        let plans = spec.plans(None).unwrap();
        let mut labels = labels(&plans.iter().collect::<Vec<_>>());
        labels.sort_unstable();
        labels
    }

    fn variants_of(grid: &str) -> Vec<String> {
        of(grid).into_iter().map(|(_, variant)| variant).collect()
    }

    /// Once it read as the spec's own: `relu activation=rational`.
    #[test]
    fn what_the_critics_have_of_their_own_is_called_theirs() {
        let rational = "{ name = \"rational\" }, { name = \"rational\", constraint = \"proper-degree\", degrees = [4, 4] }";
        let critics = format!("\"critic.activation\" = [{{ name = \"relu\" }}, {rational}]\n");
        let expected = [
            "relu critic.activation=rational",
            "relu critic.activation=rational proper-degree",
            "relu critic.activation=relu",
        ];
        assert_eq!(variants_of(&critics), expected);
        // Alone, a constraint has no activation to stand behind.
        let alone = variants_of(&format!("\"critic.activation\" = [{rational}]\n"));
        assert!(alone.iter().any(|label| label.contains("critic.activation.constraint=none")), "{alone:?}");
        let rates = "\"critic.optimizer\" = [{ name = \"adam\", learning_rate = 0.5 }, { name = \"adam\", learning_rate = 0.25 }]\n";
        assert_eq!(variants_of(rates), ["relu critic.lr=0.25", "relu critic.lr=0.5"]);
    }

    #[test]
    fn two_keys_of_one_last_word_keep_their_sections() {
        let keys = ["agent.target", "method.target", "agent.critics"].map(str::to_owned);
        let words: Vec<&str> = keys.iter().map(|key| short(key, &keys)).collect();
        assert_eq!(words, ["agent.target", "method.target", "critics"]);
        assert_eq!(short("agent.target", &keys[..1]), "target");
        assert_eq!(short("agent.method", &[]), "agent.method", "a section's own word");
    }

    #[test]
    fn an_environment_is_called_by_its_name_alone() {
        let names = of("\"environment.name\" = [\"cartpole-swingup\", \"walker-walk\"]\n");
        let benchmarks: Vec<&str> = names.iter().map(|(benchmark, _)| benchmark.as_str()).collect();
        assert_eq!(benchmarks, ["duel cartpole-swingup", "duel walker-walk"]);
    }
}

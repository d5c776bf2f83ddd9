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
    parts.extend(told.map(|(key, value)| format!("{}={value}", short(key))));
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
        if axes[index].starts_with("activation.") {
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
    let part = |(key, value): (&String, String)| {
        if idle(key) || value.is_empty() { String::new() } else { format!("{}={value}", short(key)) }
    };
    std::iter::once(plan.variant_label()).chain(axes.iter().zip(values(plan, axes)).map(part)).collect()
}

fn short(key: &str) -> &str {
    match key {
        "optimizer.learning_rate" => "lr",
        "activation.learning_rate" => "coefficient_lr",
        _ => key.split_once('.').map_or(key, |(_, rest)| rest),
    }
}

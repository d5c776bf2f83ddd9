//! Folder names and labels.

use super::*;

fn plan(activation: &str, more: &[&str]) -> Plan {
    let activation = format!("activation={activation}");
    let mut sets = vec![activation.as_str()];
    sets.extend(more);
    plans_with(BASE, &sets).swap_remove(0)
}

fn readable(plan: &Plan) -> String {
    let slug = plan.slug();
    let (readable, hash) = slug.rsplit_once('-').unwrap();
    assert!(hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{slug}");
    readable.to_owned()
}

#[test]
fn slugs_say_what_varies_most() {
    assert_eq!(readable(&plan("relu", &[])), "relu-lr1e-3-s0");
    assert_eq!(readable(&plan("relu", &["method=l2-init", "grid.seeds=12"])), "relu-l2-init-lr1e-3-s12");
    assert_eq!(readable(&plans(BASE)[0]), "rational-gelu-tail-slope-lr1e-3-s0");
    let free = plan("rational", &["activation.constraint=none", "optimizer.learning_rate=0.05"]);
    assert_eq!(readable(&free), "rational-gelu-lr0.05-s0");
}

/// The digits are the first of the SHA-256 of the text below: `sha256sum` gives 8782d453….
#[test]
fn the_hash_is_of_the_resolved_plan_without_its_source() {
    let plan = plan("relu", &["grid.seeds=7"]);
    let text = "\
name = \"bench\"

[data]
dataset = \"mnist\"
scaling = \"unit\"

[stream]
family = \"shuffled-labels\"
tasks = 3
examples = 100
examples_from = \"seed\"
steps = 20
batch_size = 4
order = \"fixed\"

[network]
kind = \"mlp\"
hidden = [8, 8]

[activation]
name = \"relu\"

[optimizer]
name = \"adam\"
beta1 = 0.9
learning_rate = 0.001

[method]
name = \"none\"

[probes]
names = [\"srank\", \"dead_units\"]
samples = 2000
plasticity_gap = false

[grid]
seeds = [7]
";
    assert_eq!(plan.to_toml(), text.replacen('\n', "\nsource = \"a paper\"\n", 1));
    assert_eq!(plan.slug(), "relu-lr1e-3-s7-8782d453");
    let mut other = plan.clone();
    other.source = "another paper".into();
    assert_eq!(other.slug(), plan.slug());
    other.stream_mut().batch_size = 5;
    assert_ne!(other.slug(), plan.slug());
}

#[test]
fn slugs_are_short_and_safe_whatever_the_names() {
    let mut plan = plan("relu", &[]);
    plan.activation.name = format!("../{} ü/", "x".repeat(200));
    plan.seed = i64::MAX as u64;
    let name = readable(&plan);
    assert!(name.len() <= 80 && name.ends_with("-s9223372036854775807"), "{name}");
    assert!(name.starts_with("..-xxx") && !name.contains('/') && name.is_ascii(), "{name}");
}

#[test]
fn labels_say_what_is_compared() {
    assert_eq!(plan("relu", &[]).variant_label(), "relu");
    assert_eq!(plan("relu", &["method=l2-init"]).variant_label(), "relu + l2-init");
    assert_eq!(plans(BASE)[0].variant_label(), "rational A (gelu) tail-slope");
    let free = plan("rational", &["activation.constraint=none", "activation.version=B"]);
    assert_eq!(free.variant_label(), "rational B (gelu)");
}

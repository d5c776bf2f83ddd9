//! Tests of the room as a whole, on a small catalogue that has every kind of parameter.

mod errors;
mod grids;
mod names;
mod plans;
mod round_trip;
mod tuning;

use super::*;

/// A spec that is right; its lines are counted from 1.
const BASE: &str = "\
name = \"bench\"
source = \"a paper\"

[data]
dataset = \"mnist\"
scaling = \"unit\"

[stream]
family = \"shuffled-labels\"
tasks = 3
examples = 100
steps = 20
batch_size = 4
order = \"fixed\"

[network]
kind = \"mlp\"
hidden = [8, 8]

[activation]
name = \"rational\"
start = \"gelu\"
constraint = { name = \"tail-slope\", bound = 0.5 }

[optimizer]
name = \"adam\"
learning_rate = 1e-3
";

const fn entry(name: &'static str, parameters: &'static [Parameter]) -> Entry {
    Entry { name, summary: "", source: "", parameters }
}

const fn number(name: &'static str, default: Option<f64>, min: f64, max: f64) -> Parameter {
    Parameter { name, summary: "", kind: Kind::Number { default, min, max } }
}

const fn integer(name: &'static str, default: Option<i64>, min: i64, max: i64) -> Parameter {
    Parameter { name, summary: "", kind: Kind::Integer { default, min, max } }
}

const RATE: Parameter = number("learning_rate", Some(1e-3), 0.0, f64::MAX);

const RATIONAL: &[Parameter] = &[
    Parameter {
        name: "version",
        summary: "",
        kind: Kind::Text { default: Some("A"), one_of: &["A", "B", "C", "D", "N"] },
    },
    Parameter {
        name: "degrees",
        summary: "",
        kind: Kind::Integers { default: &[5, 4], min: 1, max: 9, lengths: (2, 2) },
    },
    Parameter {
        name: "start",
        summary: "",
        kind: Kind::Text { default: Some("relu"), one_of: &["relu", "gelu", "leaky_relu"] },
    },
    Parameter { name: "constraint", summary: "", kind: Kind::Choice { of: "constraints", default: "none" } },
    number("learning_rate", None, f64::MIN_POSITIVE, f64::MAX),
    integer("groups", None, 1, i64::MAX),
    Parameter { name: "shared", summary: "", kind: Kind::Flag { default: false } },
];

fn catalogue() -> Catalogue {
    Catalogue {
        sections: vec![
            ("datasets", vec![entry("mnist", &[]), entry("generated-digits", &[])]),
            (
                "families",
                vec![
                    entry("shuffled-labels", &[]),
                    entry("permuted-pixels", const { &[number("share", Some(1.0), 0.0, 1.0)] }),
                    entry("split-classes", const { &[integer("groups", Some(5), 1, 100)] }),
                ],
            ),
            (
                "networks",
                vec![
                    entry(
                        "mlp",
                        &[Parameter {
                            name: "hidden",
                            summary: "",
                            kind: Kind::Integers { default: &[100, 100], min: 1, max: 4096, lengths: (0, 8) },
                        }],
                    ),
                    entry("linear", &[]),
                ],
            ),
            (
                "activations",
                vec![
                    entry("relu", &[]),
                    entry("leaky_relu", const { &[number("slope", Some(0.01), -1.0, 10.0)] }),
                    entry("rational", RATIONAL),
                ],
            ),
            (
                "constraints",
                vec![
                    entry("none", &[]),
                    entry("tail-slope", const { &[number("bound", Some(1.0), 0.0, 1e6)] }),
                    entry("freeze-after", const { &[integer("tasks", Some(1), 0, i64::MAX)] }),
                ],
            ),
            (
                "optimizers",
                vec![
                    entry("adam", const { &[RATE, number("beta1", Some(0.9), 0.0, 0.999)] }),
                    entry(
                        "sgd",
                        &[
                            RATE,
                            Parameter { name: "nesterov", summary: "", kind: Kind::Flag { default: false } },
                        ],
                    ),
                ],
            ),
            (
                "methods",
                vec![
                    entry("none", &[]),
                    entry("l2-init", const { &[number("strength", Some(0.01), 0.0, 1e6)] }),
                ],
            ),
            (
                "environments",
                vec![entry("walker-walk", &[]), entry("walker-run", &[]), entry("python:", &[])],
            ),
            (
                "changes",
                vec![
                    entry("single", &[]),
                    entry(
                        "switch",
                        &[Parameter {
                            name: "environments",
                            summary: "",
                            kind: Kind::Names { of: "environments" },
                        }],
                    ),
                ],
            ),
            ("diagnostics", vec![entry("overestimation", const { &[integer("grid", Some(50), 1, 100)] })]),
            (
                "agents",
                vec![
                    entry("sac", const { &[integer("critics", Some(2), 1, 100)] }),
                    entry("dqn", const { &[number("epsilon", Some(0.1), 0.0, 1.0)] }),
                ],
            ),
            ("probes", vec![entry("srank", &[]), entry("dead_units", &[]), entry("curvature", &[])]),
        ],
        standard_probes: &["dead_units", "srank"],
        presets: &[],
        rules: vec![Rule {
            section: "activation",
            check: |plan| match plan.activation.get("degrees") {
                Some(Value::Integers(degrees)) if degrees[0] > degrees[1] + 1 => {
                    Err(format!("degrees = {degrees:?} do not suit the test"))
                }
                _ => Ok(()),
            },
        }],
    }
}

fn parse_with(text: &str, sets: &[&str]) -> Result<Spec, SpecError> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    Spec::parse(text, "spec.toml", &sets, &catalogue())
}

fn plans_with(text: &str, sets: &[&str]) -> Vec<Plan> {
    parse_with(text, sets).unwrap_or_else(|error| panic!("{error}\n{text}")).plans(None).unwrap()
}

fn plans(text: &str) -> Vec<Plan> {
    plans_with(text, &[])
}

/// [`BASE`] and more.
fn base_and(more: &str) -> String {
    format!("{BASE}{more}")
}

/// [`BASE`] with one line changed; several lines where `to` holds line ends.
fn base_with(from: &str, to: &str) -> String {
    assert_eq!(BASE.matches(from).count(), 1, "{from}");
    BASE.replace(from, to)
}

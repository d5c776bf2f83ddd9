//! Choices as the spec checker hands them on: every default filled in.

use std::collections::BTreeMap;

use plasticity_bench::nn::activation::rational;
use plasticity_bench::spec::{Choice, Entry, Kind, Value};

fn filled(entry: &Entry) -> Choice {
    let mut parameters = BTreeMap::new();
    for parameter in entry.parameters {
        let value = match parameter.kind {
            Kind::Number { default, .. } => default.map(Value::Number),
            Kind::Integer { default, .. } => default.map(Value::Integer),
            Kind::Text { default, .. } => default.map(|t| Value::Text(t.to_owned())),
            Kind::Flag { default } => Some(Value::Flag(default)),
            Kind::Integers { default, .. } => Some(Value::Integers(default.to_vec())),
            Kind::Choice { default, .. } => Some(Value::Choice(constraint(default, &[]))),
        };
        value.map(|value| parameters.insert(parameter.name.to_owned(), value));
    }
    Choice { name: entry.name.to_owned(), parameters }
}

/// A constraint with some of its numbers set.
pub fn constraint(name: &str, numbers: &[(&str, f64)]) -> Choice {
    let entries = rational::constraints();
    let mut choice = filled(entries.iter().find(|entry| entry.name == name).expect("a known constraint"));
    for (key, value) in numbers {
        assert!(choice.parameters.insert((*key).to_owned(), Value::Number(*value)).is_some(), "{key}");
    }
    choice
}

/// A rational of `version` and `degrees`, otherwise with the defaults.
pub fn rational(version: &str, degrees: [i64; 2], constraint: Choice) -> Choice {
    filled(&rational::entry())
        .with("version", Value::Text(version.to_owned()))
        .with("degrees", Value::Integers(degrees.to_vec()))
        .with("constraint", Value::Choice(constraint))
}

/// One setting changed.
pub trait With {
    fn with(self, key: &str, value: Value) -> Self;
}

impl With for Choice {
    fn with(mut self, key: &str, value: Value) -> Self {
        self.parameters.insert(key.to_owned(), value);
        self
    }
}

/// A word as a value.
pub fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

//! Choices as the spec checker hands them on: every default filled in.

use plasticity_bench::nn::activation::rational;
use plasticity_bench::spec::{Choice, Value};

/// A constraint with some of its numbers set.
pub fn constraint(name: &str, numbers: &[(&str, f64)]) -> Choice {
    let entries = rational::constraints();
    let mut choice = Choice::of(entries.iter().find(|entry| entry.name == name).expect("a known constraint"));
    for (key, value) in numbers {
        assert!(choice.parameters.insert((*key).to_owned(), Value::Number(*value)).is_some(), "{key}");
    }
    choice
}

/// A rational of `version` and `degrees`, otherwise with the defaults.
pub fn rational(version: &str, degrees: [i64; 2], constraint: Choice) -> Choice {
    Choice::of(&rational::entry())
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

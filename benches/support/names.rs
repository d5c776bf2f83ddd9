//! Activations as the benches name them: `relu`, `rational`, `rational+tail-slope`.

use plasticity_bench::nn::activation;
use plasticity_bench::spec::{Choice, Entry, Kind, Value};

use super::common::defaults;

/// The parameter that takes what follows the `+`.
const CONSTRAINT: &str = "constraint";

/// Every registered activation with its defaults, and the constrained ones with every constraint.
pub fn all() -> Vec<String> {
    let mut names = Vec::new();
    for registered in activation::registry() {
        let name = registered.entry.name;
        names.push(name.to_string());
        if takes_constraint(&registered.entry) {
            let free = activation::rational::constraints().into_iter().filter(|e| e.name != "none");
            names.extend(free.map(|constraint| format!("{name}+{}", constraint.name)));
        }
    }
    names
}

/// The activation behind a name; the error is a sentence.
pub fn choice(name: &str) -> Result<Choice, String> {
    let (base, constraint) = name.split_once('+').map_or((name, None), |(base, c)| (base, Some(c)));
    let registry = activation::registry();
    let Some(known) = registry.iter().find(|r| r.entry.name == base) else {
        return Err(format!("no activation named {base} is registered"));
    };
    let mut choice = defaults(&known.entry);
    if let Some(constraint) = constraint {
        if !takes_constraint(&known.entry) {
            return Err(format!("{base} takes no constraint"));
        }
        let entries = activation::rational::constraints();
        let Some(entry) = entries.iter().find(|e| e.name == constraint) else {
            return Err(format!("no constraint named {constraint} is registered"));
        };
        choice.parameters.insert(CONSTRAINT.into(), Value::Choice(defaults(entry)));
        // Where the constraint cannot carry the default degrees, it gets a numerator of the denominator's.
        if activation::build(&choice, 2).is_err() {
            let n = choice.integers("degrees")[1];
            choice.parameters.insert("degrees".into(), Value::Integers(vec![n, n]));
        }
    }
    activation::build(&choice, 2).map(|_| choice)
}

fn takes_constraint(entry: &Entry) -> bool {
    entry.parameters.iter().any(|p| p.name == CONSTRAINT && matches!(p.kind, Kind::Choice { .. }))
}

/// The names that are registered; the others are said to be skipped.
pub fn known(names: Vec<String>) -> Vec<String> {
    let known = |name: &String| match choice(name) {
        Ok(_) => true,
        Err(why) => {
            eprintln!("{name} skipped: {why}.");
            false
        }
    };
    names.into_iter().filter(known).collect()
}

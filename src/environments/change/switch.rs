//! `switch`: one environment after the other, and round again.

use super::Change;
use crate::environments::{BuildError, Environment, build as environment};
use crate::spec::{Choice, Entry, Kind, Parameter, Value};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "switch",
    summary: "the environment, then those listed, one a task, round and round; their spaces are equal",
    source: "Tang et al. 2025 (C-CHAIN), arXiv 2506.00592, with walker's tasks",
    parameters: &[Parameter {
        name: "environments",
        summary: "environments that follow the first one",
        kind: Kind::Names { of: "environments" },
    }],
};

struct Switch {
    names: Vec<String>,
}

/// See [`ENTRY`].
pub fn build(choice: &Choice, name: &str, _: u64) -> Result<Box<dyn Change>, BuildError> {
    let Some(Value::Names(others)) = choice.get("environments") else {
        return Err(BuildError::Family(
            "stream.family = \"switch\" needs stream.environments, a list of those that follow the first one, \
             as in [\"walker-walk\", \"walker-run\"]"
                .to_owned(),
        ));
    };
    let mut names = vec![name.to_owned()];
    names.extend_from_slice(others);
    let first = environment(&names[0])?.spaces().clone();
    for name in &names[1..] {
        let spaces = environment(name)?.spaces().clone();
        for (what, equal) in [
            ("observations", spaces.observation == first.observation),
            ("actions", spaces.action == first.action),
        ] {
            if !equal {
                return Err(BuildError::Family(format!(
                    "stream.family = \"switch\" needs environments with equal spaces, but {name} has other {what} \
                     than {}",
                    names[0]
                )));
            }
        }
    }
    Ok(Box::new(Switch { names }))
}

impl Change for Switch {
    fn task(&self, index: usize) -> Result<Box<dyn Environment>, BuildError> {
        environment(&self.describe(index))
    }

    fn describe(&self, index: usize) -> String {
        self.names[index % self.names.len()].clone()
    }
}

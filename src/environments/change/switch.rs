//! `switch`: one environment after the other, and round again.

use super::Change;
use crate::environments::{BuildError, Environment, Named};
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
    environments: Vec<Named>,
}

/// See [`ENTRY`].
pub fn build(choice: &Choice, environment: &Named, _: u64) -> Result<Box<dyn Change>, BuildError> {
    let Some(Value::Names(others)) = choice.get("environments") else {
        return Err(BuildError::Family(
            "stream.family = \"switch\" needs stream.environments, a list of those that follow the first one, \
             as in [\"walker-walk\", \"walker-run\"]"
                .to_owned(),
        ));
    };
    let mut environments = vec![environment.clone()];
    environments.extend(others.iter().map(|name| environment.other(name)));
    let first = environment.build()?.spaces().clone();
    for other in &environments[1..] {
        let spaces = other.build()?.spaces().clone();
        for (what, equal) in [
            ("observations", spaces.observation == first.observation),
            ("actions", spaces.action == first.action),
        ] {
            if !equal {
                return Err(BuildError::Family(format!(
                    "stream.family = \"switch\" needs environments with equal spaces, but {} has other {what} \
                     than {}",
                    other.name(),
                    environment.name()
                )));
            }
        }
    }
    Ok(Box::new(Switch { environments }))
}

impl Switch {
    fn at(&self, index: usize) -> &Named {
        &self.environments[index % self.environments.len()]
    }
}

impl Change for Switch {
    fn task(&self, index: usize) -> Result<Box<dyn Environment>, BuildError> {
        self.at(index).build()
    }

    fn describe(&self, index: usize) -> String {
        self.at(index).name().to_owned()
    }
}

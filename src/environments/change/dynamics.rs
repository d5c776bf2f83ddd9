//! `dynamics`: gravity, masses, motors and damping are scaled anew for every task.

use super::{Change, FIRST, draws, log_uniform};
use crate::environments::{BuildError, Changes, Environment, Named};
use crate::spec::{Choice, Entry, Kind, Parameter};

const fn factor(name: &'static str, summary: &'static str) -> Parameter {
    Parameter { name, summary, kind: Kind::Number { default: Some(2.0), min: 1.0, max: 1e3 } }
}

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "dynamics",
    summary: "gravity, masses, motors and damping scaled per task, each by a factor log-uniform in [1/x, x]",
    source: "",
    parameters: &[
        factor("gravity", "x of gravity; 1 leaves it as it is"),
        factor("mass", "x of all masses and moments of inertia"),
        factor("gear", "x of the strength of all motors"),
        factor("damping", "x of the damping of all joints"),
        FIRST,
    ],
};

struct Dynamics {
    environment: Named,
    /// x of gravity, mass, gear and damping.
    largest: [f64; 4],
    first_drawn: bool,
    seed: u64,
}

/// See [`ENTRY`].
pub fn build(choice: &Choice, environment: &Named, seed: u64) -> Result<Box<dyn Change>, BuildError> {
    let largest = ["gravity", "mass", "gear", "damping"].map(|key| choice.number(key));
    let environment = environment.clone();
    let change = Dynamics { environment, largest, first_drawn: choice.text("first_task") == "drawn", seed };
    change.task(1)?;
    Ok(Box::new(change))
}

impl Dynamics {
    fn changes(&self, index: usize) -> Changes {
        let factors = draws(self.first_drawn, self.seed, index).map_or([1.0; 4], |mut draws| {
            // All four are drawn, so that leaving one out does not shift the others.
            self.largest.map(|x| log_uniform(&mut draws, 1.0 / x, x))
        });
        let [gravity, mass, gear, damping] = factors;
        Changes { gravity, mass, gear, damping, ..Changes::default() }
    }
}

impl Change for Dynamics {
    fn task(&self, index: usize) -> Result<Box<dyn Environment>, BuildError> {
        self.environment.build_changed(&self.changes(index))
    }

    fn describe(&self, index: usize) -> String {
        let Changes { gravity, mass, gear, damping, .. } = self.changes(index);
        format!("gravity × {gravity}, mass × {mass}, gear × {gear}, damping × {damping}")
    }
}

//! `slippery`: the friction of the ground is drawn anew for every task.

use super::{Change, FIRST, draws, log_uniform};
use crate::environments::{BuildError, Changes, Environment, Named};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "slippery",
    summary: "sliding friction of every contact, log-uniform in [low, high] per task",
    source: "Dohare et al. 2024, doi 10.1038/s41586-024-07711-7, Slippery Ant",
    parameters: &[
        Parameter {
            name: "low",
            summary: "least coefficient of sliding friction",
            kind: Kind::Number { default: Some(0.02), min: 1e-5, max: 1e3 },
        },
        Parameter {
            name: "high",
            summary: "largest coefficient of sliding friction",
            kind: Kind::Number { default: Some(2.0), min: 1e-5, max: 1e3 },
        },
        FIRST,
    ],
};

struct Slippery {
    environment: Named,
    low: f64,
    high: f64,
    first_drawn: bool,
    seed: u64,
}

/// See [`ENTRY`].
pub fn build(choice: &Choice, environment: &Named, seed: u64) -> Result<Box<dyn Change>, BuildError> {
    let (low, high) = (choice.number("low"), choice.number("high"));
    if low > high {
        return Err(BuildError::Family(format!("stream.low = {low} is above stream.high = {high}")));
    }
    let environment = environment.clone();
    let change = Slippery { environment, low, high, first_drawn: choice.text("first_task") == "drawn", seed };
    change.task(1)?;
    Ok(Box::new(change))
}

impl Slippery {
    fn friction(&self, index: usize) -> Option<f64> {
        draws(self.first_drawn, self.seed, index).map(|mut d| log_uniform(&mut d, self.low, self.high))
    }
}

impl Change for Slippery {
    fn task(&self, index: usize) -> Result<Box<dyn Environment>, BuildError> {
        self.environment.build_changed(&Changes { sliding: self.friction(index), ..Changes::default() })
    }

    fn describe(&self, index: usize) -> String {
        self.friction(index).map_or("unchanged".into(), |friction| format!("friction {friction}"))
    }
}

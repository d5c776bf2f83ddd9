//! `observation-offset`: every number of an observation is shifted, otherwise in every task.

use super::{Change, FIRST, draws};
use crate::environments::offset::ObservationOffset;
use crate::environments::{BuildError, Environment, Named};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "observation-offset",
    summary: "a fixed offset of every number of an observation, N(0, std) per task",
    source: "Muppidi, Zhang & Yang 2024 (TRAC), arXiv 2405.16642",
    parameters: &[
        Parameter {
            name: "std",
            summary: "standard deviation of the offsets",
            kind: Kind::Number { default: Some(2.0), min: 0.0, max: 1e6 },
        },
        FIRST,
    ],
};

struct Offset {
    environment: Named,
    std: f64,
    features: usize,
    first_drawn: bool,
    seed: u64,
}

/// See [`ENTRY`].
pub fn build(choice: &Choice, environment: &Named, seed: u64) -> Result<Box<dyn Change>, BuildError> {
    let features = environment.build()?.spaces().features();
    let first_drawn = choice.text("first_task") == "drawn";
    let (environment, std) = (environment.clone(), choice.number("std"));
    Ok(Box::new(Offset { environment, std, features, first_drawn, seed }))
}

impl Offset {
    fn offset(&self, index: usize) -> Vec<f64> {
        match draws(self.first_drawn, self.seed, index) {
            Some(mut draws) => (0..self.features).map(|_| self.std * draws.normal()).collect(),
            None => vec![0.0; self.features],
        }
    }
}

impl Change for Offset {
    fn task(&self, index: usize) -> Result<Box<dyn Environment>, BuildError> {
        Ok(Box::new(ObservationOffset::new(self.environment.build()?, self.offset(index))))
    }

    fn describe(&self, index: usize) -> String {
        let numbers: Vec<String> = self.offset(index).iter().map(ToString::to_string).collect();
        format!("offset {}", numbers.join(" "))
    }
}

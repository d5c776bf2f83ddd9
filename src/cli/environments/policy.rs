//! What acts in a trajectory: `random`, `zero`, or the actions of a file.

use std::path::Path;

use anyhow::anyhow;

use super::rows::{Columns, action_width};
use crate::cli::Failure;
use crate::environments::{Action, ActionSpace, Environment};
use crate::random::Stream;

/// Where actions come from.
pub enum Policy {
    /// Uniform within the bounds, within ±1 where there are none.
    Random(Box<Stream>),
    /// All 0, the first of discrete ones.
    Zero,
    /// One row a step.
    File(Vec<Vec<f64>>),
}

impl Policy {
    /// By its name on the command line, for this environment.
    pub fn named(name: &str, seed: u64, world: &dyn Environment) -> Result<Self, Failure> {
        match name {
            "random" => Ok(Self::Random(Box::new(Stream::new(seed, "policy", 0)))),
            "zero" => Ok(Self::Zero),
            path if Path::new(path).extension().is_some_and(|extension| extension == "csv") => {
                let file = Columns::read(Path::new(path))?;
                let columns = file.find("action", action_width(world))?;
                // A trajectory's first row is its start, which no action led to.
                let rows = (0..file.len()).filter_map(|row| file.numbers(row, &columns).transpose());
                rows.collect::<Result<_, _>>().map(Self::File)
            }
            other => Err(Failure::usage(anyhow!(
                "--policy {other}: take random, zero, or a file FILE.csv with columns action_0, action_1, …"
            ))),
        }
    }

    /// The action of step number `step`; `None` after a file's last row.
    pub fn act(&mut self, step: usize, space: &ActionSpace) -> Option<Vec<f64>> {
        match (self, space) {
            (Self::File(rows), _) => rows.get(step).cloned(),
            (Self::Zero, ActionSpace::Continuous(bounds)) => Some(vec![0.0; bounds.len()]),
            (Self::Zero, ActionSpace::Discrete(_)) => Some(vec![0.0]),
            (Self::Random(draws), ActionSpace::Discrete(count)) => {
                Some(vec![draws.below(*count as u64) as f64])
            }
            (Self::Random(draws), ActionSpace::Continuous(bounds)) => {
                let finite = |bound: f64, otherwise: f64| if bound.is_finite() { bound } else { otherwise };
                let draw = |&(low, high): &(f64, f64)| draws.uniform(finite(low, -1.0), finite(high, 1.0));
                Some(bounds.iter().map(draw).collect())
            }
        }
    }
}

/// The numbers of a row as an action.
pub fn action<'a>(numbers: &'a [f64], space: &ActionSpace) -> Result<Action<'a>, Failure> {
    match space {
        ActionSpace::Continuous(_) => Ok(Action::Continuous(numbers)),
        ActionSpace::Discrete(count) => {
            let number = numbers[0];
            if number.fract() == 0.0 && (0.0..*count as f64).contains(&number) {
                return Ok(Action::Discrete(number as usize));
            }
            Err(Failure::usage(anyhow!("action_0 is {number}: there are the actions 0 to {}", count - 1)))
        }
    }
}

//! How many runs of each benchmark are in which state.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::CellAlignment;

use super::output;
use crate::results::{Found, State};
use crate::runner::duration;

/// Runs of one benchmark.
#[derive(Default)]
pub struct Counts {
    states: BTreeMap<State, usize>,
    seconds_left: f64,
    /// Runs whose time is not known.
    untimed: usize,
}

impl Counts {
    /// Counts a run.
    pub fn add(&mut self, found: &Found) {
        *self.states.entry(found.state).or_default() += 1;
        match (found.state, found.seconds_left) {
            (State::Done | State::Diverged, _) => {}
            (_, Some(seconds)) => self.seconds_left += seconds,
            (_, None) => self.untimed += 1,
        }
    }

    fn time_left(&self) -> String {
        match (self.seconds_left, self.untimed) {
            (0.0, 0) => String::new(),
            (seconds, 0) => duration(seconds),
            (seconds, untimed) => format!("{} and {untimed} runs of unknown length", duration(seconds)),
        }
    }
}

/// Name of the benchmark: that of the folder around the run's.
pub fn benchmark(run: &Path) -> String {
    let parent = run.parent().and_then(Path::file_name);
    parent.unwrap_or_default().to_string_lossy().into_owned()
}

/// A state in a word.
pub fn word(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::Running => "running",
        State::Diverged => "diverged",
        State::Failed => "failed",
        State::Unfinished => "unfinished",
    }
}

/// A row for each benchmark.
pub fn table(benchmarks: &BTreeMap<String, Counts>) -> String {
    const STATES: [State; 5] =
        [State::Done, State::Running, State::Diverged, State::Failed, State::Unfinished];
    let header = ["benchmark", "runs"].into_iter().chain(STATES.map(word)).chain(["computing left"]);
    let mut table = output::table(header);
    for (name, counts) in benchmarks {
        let of = |state| counts.states.get(&state).copied().unwrap_or_default();
        let mut row = vec![name.clone(), counts.states.values().sum::<usize>().to_string()];
        row.extend(STATES.map(|state| of(state).to_string()));
        row.push(counts.time_left());
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

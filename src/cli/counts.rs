//! How many runs of each benchmark are in which state.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::{CellAlignment, ColumnConstraint};

use super::output;
use crate::results::{Found, State};
use crate::runner::duration;
use crate::text_table;

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

    fn of(&self, state: State) -> usize {
        self.states.get(&state).copied().unwrap_or_default()
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
    within(benchmarks, output::width())
}

fn within(benchmarks: &BTreeMap<String, Counts>, width: u16) -> String {
    const STATES: [State; 5] =
        [State::Done, State::Running, State::Diverged, State::Failed, State::Unfinished];
    let draw = |states: &[State], width: Option<u16>| {
        let header = ["benchmark", "runs"].into_iter().chain(states.iter().copied().map(word));
        let mut table = text_table::empty(header.chain(["computing left"]), width);
        for (name, counts) in benchmarks {
            let mut row = vec![name.clone(), counts.states.values().sum::<usize>().to_string()];
            row.extend(states.iter().map(|state| counts.of(*state).to_string()));
            row.push(counts.time_left());
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        // A number that is broken into lines is none.
        for column in table.column_iter_mut().skip(1).take(1 + states.len()) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        table.to_string()
    };
    let all = draw(&STATES, None);
    if all.lines().all(|line| line.chars().count() <= width.into()) {
        return all;
    }
    // Where there is little room, without what no benchmark has.
    let some: Vec<State> =
        STATES.into_iter().filter(|state| benchmarks.values().any(|counts| counts.of(*state) > 0)).collect();
    draw(&some, Some(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_no_state_without_runs() {
        let counts = |done, failed| Counts {
            states: [(State::Done, done), (State::Failed, failed)].into(),
            seconds_left: 30.0,
            untimed: 0,
        };
        let name = "rational-plasticity-mnist";
        let benchmarks =
            BTreeMap::from([(name.to_owned(), counts(35, 0)), ("other".to_owned(), counts(5, 2))]);
        let wide = within(&benchmarks, 120);
        assert!(wide.contains("unfinished") && wide.contains("failed"), "{wide}");
        let narrow = within(&benchmarks, 70);
        assert!(
            !narrow.contains("unfinished") && narrow.contains("failed") && narrow.contains(name),
            "{narrow}"
        );
        assert!(narrow.lines().all(|line| line.chars().count() <= 70), "{narrow}");
    }
}

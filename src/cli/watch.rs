//! `status DIR --watch`: the state of a folder of results, drawn again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::counts::{self, Counts};
use super::curves::Curves;
use super::{Exit, Failure, output};
use crate::results::{self, Found, Outside, State};
use crate::runner::{self, engines};

/// Moves to the terminal's first line and clears all from there on.
const CLEAR: &str = "\x1b[H\x1b[J";
/// A drawing that took long is not repeated before this many times as long.
const REST: u32 = 4;

/// Draws the state of the runs below `folder` every `period`, until no run is running or unfinished.
pub fn watch(folder: &Path, period: Duration) -> Result<Exit, Failure> {
    loop {
        let began = Instant::now();
        let (text, open) = drawing(folder)?;
        if !draw(&text)? || open == 0 {
            return Ok(Exit::Done);
        }
        sleep(period.max(REST * began.elapsed()));
    }
}

/// The text, and the number of runs that may still change by themselves.
fn drawing(folder: &Path) -> Result<(String, usize), Failure> {
    let (mut benchmarks, mut curves) = (BTreeMap::<String, Counts>::new(), Curves::default());
    let (mut open, mut at_work) = (0, BTreeSet::new());
    let outside = Outside { estimate: runner::estimate, is_running: runner::is_running };
    let mut add = |found: &Found| {
        let benchmark = counts::benchmark(&found.dir);
        curves.add(&benchmark, &found.dir);
        if matches!(found.state, State::Running | State::Unfinished) {
            open += 1;
            at_work.insert(benchmark.clone());
        }
        benchmarks.entry(benchmark).or_default().add(found);
        Ok(())
    };
    results::survey(folder, outside, &mut add).map_err(Failure::usage)?;
    let mut text = String::new();
    for (submission, state) in engines::look(folder) {
        open += 1;
        let place = submission.strip_prefix(folder).unwrap_or(&submission);
        let _ = writeln!(text, "{}: {state}", place.display());
    }
    if benchmarks.is_empty() {
        // Whoever starts the watch first waits for the first run.
        return Ok((text + "No run has begun yet.\n", open + 1));
    }
    text.push_str(&counts::table(&benchmarks));
    text.push('\n');
    Ok((text + &curves.tables(&at_work), open))
}

/// Puts the text on the terminal in place of the one before, as far as there are lines for it; elsewhere
/// below the one before. False once nobody reads it any more.
fn draw(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    let drawn = if out.is_terminal() {
        let lines = output::terminal_height().map_or(usize::MAX, |height| height.saturating_sub(1).into());
        writeln!(out, "{CLEAR}{}", first_lines(text, lines))
    } else {
        writeln!(out, "{text}")
    };
    match drawn.and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("stdout cannot be written to").map_err(Failure::usage),
    }
}

/// The first `lines` of the text; where that is not all, the last of them says so.
fn first_lines(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    if all.len() <= lines {
        return all.join("\n");
    }
    let shown = lines.saturating_sub(1);
    format!("{}\n… {} more lines; the terminal is too low", all[..shown].join("\n"), all.len() - shown)
}

#[cfg(test)]
mod tests {
    use super::first_lines;

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        assert_eq!(first_lines("a\nb\nc", 3), "a\nb\nc");
        assert_eq!(first_lines("a\nb\nc\nd", 3), "a\nb\n… 2 more lines; the terminal is too low");
    }
}

//! The table at the end: a row for each cell of the grid, over its seeds, read from the rows on disk.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table};

use super::axes::{axes, value};
use super::folders::Run;
use super::rows::{Measured, measure};
use super::status::{self, Status};

/// Columns that are shown whether or not they vary.
const ALWAYS: [&str; 2] = ["activation", "activation.constraint"];

/// One row: the runs that differ in their seeds alone.
struct Group {
    key: Vec<String>,
    runs: usize,
    diverged: usize,
    failed: usize,
    unfinished: usize,
    done: Vec<Measured>,
}

/// The results of `runs` as they stand on disk, those of earlier processes included, and where the
/// rows are.
///
/// Diverged runs are counted and kept out of the means, and a mean that lacks them is marked.
///
/// # Errors
/// If a file of a finished run is missing or cannot be read.
pub fn closing_table(runs: &[Run]) -> anyhow::Result<String> {
    let keys = columns(runs);
    let mut groups: Vec<Group> = Vec::new();
    for run in runs {
        let key: Vec<String> = keys.iter().map(|key| value(&run.plan, key)).collect();
        let group = match groups.iter().position(|group| group.key == key) {
            Some(position) => &mut groups[position],
            None => groups.push_mut(Group {
                key,
                runs: 0,
                diverged: 0,
                failed: 0,
                unfinished: 0,
                done: Vec::new(),
            }),
        };
        group.runs += 1;
        match status::read(&run.dir) {
            Ok(Some(Status::Done)) => group.done.push(measure(&run.dir)?),
            Ok(Some(Status::Diverged)) => group.diverged += 1,
            Ok(Some(Status::Failed)) | Err(_) => group.failed += 1,
            Ok(Some(Status::Running) | None) => group.unfinished += 1,
        }
    }
    Ok(render(&keys, &groups) + &footer(runs, &groups))
}

/// A table in the house's style.
pub(super) fn empty<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY).set_header(header);
    table
}

fn columns(runs: &[Run]) -> Vec<String> {
    let plans: Vec<_> = runs.iter().map(|run| &run.plan).collect();
    let varying = axes(&plans).into_iter().map(|axis| axis.key);
    let mut keys: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    keys.extend(varying.filter(|key| !ALWAYS.contains(&key.as_str())));
    keys
}

fn render(keys: &[String], groups: &[Group]) -> String {
    let unfinished = groups.iter().any(|group| group.unfinished > 0);
    let mut header: Vec<&str> = keys.iter().map(|key| short(key)).collect();
    header.extend(["seeds", "diverged", "failed"]);
    header.extend(unfinished.then_some("unfinished"));
    header.extend(["online accuracy", "last task", "srank", "dormant"]);
    let mut table = empty(header);
    for group in groups {
        let mut cells = group.key.clone();
        cells.extend([group.runs, group.diverged, group.failed].map(|count| count.to_string()));
        cells.extend(unfinished.then(|| group.unfinished.to_string()));
        cells.extend([
            group.mean(|run| run.online_accuracy, 4),
            group.mean(|run| run.last_online_accuracy, 4),
            group.mean(|run| run.srank, 1),
            group.mean(|run| run.dormant, 3),
        ]);
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(keys.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// The settings that every row shows need no section before them.
fn short(key: &str) -> &str {
    if key == "activation.constraint" { "constraint" } else { key }
}

impl Group {
    /// Mean over the runs that were trained to the end, marked where diverged ones are missing from it.
    fn mean(&self, of: impl Fn(&Measured) -> Option<f64>, digits: usize) -> String {
        let values: Vec<f64> = self.done.iter().filter_map(of).collect();
        if values.is_empty() {
            return String::new();
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let mark = if self.diverged > 0 { "*" } else { "" };
        format!("{mean:.digits$}{mark}")
    }
}

fn footer(runs: &[Run], groups: &[Group]) -> String {
    let mut text = String::new();
    if groups.iter().any(|group| group.diverged > 0) {
        text.push_str("* mean of the runs that did not diverge\n");
    }
    let folders: BTreeSet<_> = runs.iter().filter_map(|run| run.dir.parent()).collect();
    for folder in folders {
        let _ = writeln!(text, "Rows: {}", folder.join("*").join("{tasks,probes}.csv").display());
    }
    text
}

//! The table at the end of `run`: a row for each cell of the grid, over its seeds, read from the rows on
//! disk.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{CellAlignment, ColumnConstraint, Width};

use super::run::SRANK;
use super::{LastTask, damage, probes, tasks};
use crate::record::{RunStatus, Status};
use crate::spec::{Plan, axes, values};
use crate::text_table;

#[cfg(test)]
mod tests;

/// Columns that are shown whether or not they vary.
const ALWAYS: [&str; 2] = ["activation", "activation.constraint"];
/// More varying settings than this share one column, which tells of each row what is rare about it.
const MOST: usize = 3;

/// Rows of the table at most: a sweep of thousands is for `report`.
const ROWS: usize = 200;

/// One row: the runs that differ in their seeds alone.
#[derive(Default)]
struct Group {
    key: Vec<String>,
    runs: usize,
    diverged: usize,
    failed: usize,
    unfinished: usize,
    damaged: usize,
    done: Vec<Measured>,
}

/// The table, and what it leaves out.
#[derive(Debug)]
pub struct Closing {
    /// For stdout.
    pub text: String,
    /// Finished runs whose rows are not all there any more: named under the table, and in no figure.
    pub damaged: usize,
}

/// The figures of one finished run in the order of [`FIGURES`]; `None` where a file has none.
type Measured = [Option<f64>; 6];

/// Heading and digits of each figure, and whether it is of agents or of labelled examples.
const FIGURES: [(&str, usize, Option<bool>); 6] = [
    ("online accuracy", 4, Some(false)),
    ("last task", 4, Some(false)),
    ("evaluation return", 1, Some(true)),
    ("training return", 1, Some(true)),
    ("srank", 1, None),
    ("dormant", 3, None),
];

/// The probe beside the rank that the table shows.
const DORMANT: &str = "dormant_units_0.025";

/// The figures, or what is wrong with the rows.
fn measure(plan: &Plan, dir: &Path) -> anyhow::Result<Result<Measured, String>> {
    let tasks = tasks::read(dir, plan)?;
    if let Some(damage) = damage::of_tasks(plan.tasks(), &tasks) {
        return Ok(Err(damage));
    }
    let figure = |name| tasks.figures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let last = probes::read_last(dir, &[SRANK, DORMANT])?;
    Ok(Ok([
        figure("total_online_accuracy"),
        figure("last_task_accuracy"),
        tasks.evaluation_return,
        figure("online_return"),
        last.get(SRANK).and_then(LastTask::last_layer),
        last.get(DORMANT).and_then(LastTask::over_units),
    ]))
}

/// The results of `runs` (plan and folder) as they stand on disk, those of earlier processes included, and
/// where the rows are. Lines are at most `width` long if that is given, as far as that can be.
///
/// Diverged runs are counted and kept out of the means, and a mean that lacks runs has their number beside it.
///
/// # Errors
/// If a file of a finished run is missing or cannot be read.
pub fn closing_table(runs: &[(&Plan, &Path)], width: Option<u16>) -> anyhow::Result<Closing> {
    let keys = columns(runs);
    let mut groups: Vec<Group> = Vec::new();
    let mut positions: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut notes: Vec<String> = Vec::new();
    for (plan, dir) in runs {
        let key = values(plan, &keys);
        let position = *positions.entry(key.clone()).or_insert(groups.len());
        if position == groups.len() {
            groups.push(Group { key, ..Group::default() });
        }
        let group = &mut groups[position];
        group.runs += 1;
        match RunStatus::read(dir).map(|run| run.map(|run| run.status)) {
            Ok(Some(Status::Done)) => match measure(plan, dir)? {
                Ok(measured) => group.done.push(measured),
                Err(damage) => {
                    group.damaged += 1;
                    notes.push(format!(
                        "left out: {}: {damage}; remove the folder and run the same command again\n",
                        dir.display()
                    ));
                }
            },
            Ok(Some(Status::Diverged)) => group.diverged += 1,
            Ok(Some(Status::Failed)) | Err(_) => group.failed += 1,
            Ok(Some(Status::Running) | None) => group.unfinished += 1,
        }
    }
    let (keys, mut groups) =
        if keys.len() > ALWAYS.len() + MOST { condense(&keys, groups) } else { (keys, groups) };
    let damaged = notes.len();
    let left = groups.len().saturating_sub(ROWS);
    if left > 0 {
        groups.truncate(ROWS);
        notes.insert(0, format!("The first {ROWS} rows; `report` has the other {left}, the best first.\n"));
    }
    let agents = runs.iter().all(|(plan, _)| plan.control().is_some());
    let text = render(&keys, &groups, agents, width) + &footer(runs, &groups) + &notes.concat();
    Ok(Closing { text, damaged })
}

/// Puts all columns after the first two into one that leaves out each setting's commonest value.
fn condense(keys: &[String], mut groups: Vec<Group>) -> (Vec<String>, Vec<Group>) {
    let common: Vec<String> = (0..keys.len())
        .map(|column| {
            // How often, and where first: of equally common values the first counts.
            let mut counts: BTreeMap<&str, (usize, Reverse<usize>)> = BTreeMap::new();
            for (row, group) in groups.iter().enumerate() {
                counts.entry(&group.key[column]).or_insert((0, Reverse(row))).0 += 1;
            }
            counts.into_iter().max_by_key(|(_, count)| *count).map_or("", |(value, _)| value).to_owned()
        })
        .collect();
    for group in &mut groups {
        let rare: Vec<String> = (ALWAYS.len()..keys.len())
            .filter(|&column| group.key[column] != common[column] && !group.key[column].is_empty())
            .map(|column| format!("{}={}", keys[column], group.key[column]))
            .collect();
        group.key.truncate(ALWAYS.len());
        group.key.push(rare.join(" "));
    }
    (vec![keys[0].clone(), keys[1].clone(), "settings".to_owned()], groups)
}

fn columns(runs: &[(&Plan, &Path)]) -> Vec<String> {
    let plans: Vec<_> = runs.iter().map(|(plan, _)| *plan).collect();
    let varying = axes(&plans).into_iter().map(|axis| axis.key);
    let mut keys: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    keys.extend(varying.filter(|key| !ALWAYS.contains(&key.as_str())));
    keys
}

fn render(keys: &[String], groups: &[Group], agents: bool, width: Option<u16>) -> String {
    let unfinished = groups.iter().any(|group| group.unfinished > 0);
    let damaged = groups.iter().any(|group| group.damaged > 0);
    let mut header: Vec<&str> = keys.iter().map(|key| short(key)).collect();
    header.extend(["seeds", "diverged", "failed"]);
    header.extend(unfinished.then_some("unfinished"));
    header.extend(damaged.then_some("damaged"));
    let partial = groups.iter().any(|group| !group.done.is_empty() && group.done.len() < group.runs);
    header.extend(partial.then_some("n"));
    let shown: Vec<usize> = (0..FIGURES.len())
        .filter(|&which| FIGURES[which].2.is_none_or(|of_agents| of_agents == agents))
        .collect();
    header.extend(shown.iter().map(|&which| FIGURES[which].0));
    let mut widths = vec![0; header.len()];
    let mut table = text_table::empty(header, width);
    for group in groups {
        let mut cells = group.key.clone();
        cells.extend([group.runs, group.diverged, group.failed].map(|count| count.to_string()));
        cells.extend(unfinished.then(|| group.unfinished.to_string()));
        cells.extend(damaged.then(|| group.damaged.to_string()));
        cells.extend(partial.then(|| group.done.len().to_string()));
        cells.extend(shown.iter().map(|&which| group.mean(|run| run[which], FIGURES[which].1)));
        for (width, cell) in widths.iter_mut().zip(&cells) {
            *width = cell.chars().count().max(*width);
        }
        table.add_row(cells);
    }
    // A narrow terminal may break up the header, but not what was measured.
    for (column, width) in table.column_iter_mut().zip(&widths) {
        let padded = u16::try_from(width + 2).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(padded)));
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
    /// Mean over the runs that were trained to the end, with their number where some of them lack the figure.
    fn mean(&self, of: impl Fn(&Measured) -> Option<f64>, digits: usize) -> String {
        let values: Vec<f64> = self.done.iter().filter_map(of).collect();
        if values.is_empty() {
            return String::new();
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let n = if values.len() < self.done.len() { format!(" n={}", values.len()) } else { String::new() };
        format!("{mean:.digits$}{n}")
    }
}

fn footer(runs: &[(&Plan, &Path)], groups: &[Group]) -> String {
    let mut text = String::new();
    if groups.iter().any(|group| !group.done.is_empty() && group.done.len() < group.runs) {
        text.push_str("n: the finished runs, which the means are over\n");
    }
    let folders: BTreeSet<_> = runs.iter().filter_map(|(_, dir)| dir.parent()).collect();
    for folder in folders {
        let _ = writeln!(text, "Rows: {}", folder.join("*").join("{tasks,probes}.csv").display());
    }
    text
}

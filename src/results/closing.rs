//! The table at the end of `run`: a row for each cell of the grid, over its seeds, read from the rows on
//! disk.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use comfy_table::{CellAlignment, ColumnConstraint, Width};

use super::{LastTask, probes, tasks};
use crate::record::{Row, RunStatus, Status, TaskRow};
use crate::spec::{Plan, axes, value};
use crate::text_table;

/// Columns that are shown whether or not they vary.
const ALWAYS: [&str; 2] = ["activation", "activation.constraint"];
/// More varying settings than this share one column, which tells of each row what is rare about it.
const MOST: usize = 3;

/// One row: the runs that differ in their seeds alone.
struct Group {
    key: Vec<String>,
    runs: usize,
    diverged: usize,
    failed: usize,
    unfinished: usize,
    done: Vec<Measured>,
}

/// The figures of one finished run; `None` where a file has none.
struct Measured {
    online_accuracy: Option<f64>,
    last_online_accuracy: Option<f64>,
    srank: Option<f64>,
    dormant: Option<f64>,
}

/// Probes that the table shows.
const SRANK: &str = "srank";
const DORMANT: &str = "dormant_units_0.025";

fn measure(dir: &Path) -> anyhow::Result<Measured> {
    let tasks = tasks::read(dir)?;
    anyhow::ensure!(tasks.count > 0, "{} has no rows", dir.join(TaskRow::FILE).display());
    let figure = |name| tasks.figures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let last = probes::read_last(dir, &[SRANK, DORMANT])?;
    Ok(Measured {
        online_accuracy: figure("total_online_accuracy"),
        last_online_accuracy: figure("last_task_accuracy"),
        srank: last.get(SRANK).and_then(LastTask::last_layer),
        dormant: last.get(DORMANT).and_then(LastTask::over_units),
    })
}

/// The results of `runs` (plan and folder) as they stand on disk, those of earlier processes included, and
/// where the rows are. Lines are at most `width` long if that is given, as far as that can be.
///
/// Diverged runs are counted and kept out of the means, and a mean that lacks them is marked.
///
/// # Errors
/// If a file of a finished run is missing or cannot be read.
pub fn closing_table(runs: &[(&Plan, &Path)], width: Option<u16>) -> anyhow::Result<String> {
    let keys = columns(runs);
    let mut groups: Vec<Group> = Vec::new();
    for (plan, dir) in runs {
        let key: Vec<String> = keys.iter().map(|key| value(plan, key)).collect();
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
        match RunStatus::read(dir).map(|run| run.map(|run| run.status)) {
            Ok(Some(Status::Done)) => {
                group
                    .done
                    .push(measure(dir).with_context(|| format!("{} could not be read", dir.display()))?);
            }
            Ok(Some(Status::Diverged)) => group.diverged += 1,
            Ok(Some(Status::Failed)) | Err(_) => group.failed += 1,
            Ok(Some(Status::Running) | None) => group.unfinished += 1,
        }
    }
    let (keys, groups) =
        if keys.len() > ALWAYS.len() + MOST { condense(&keys, groups) } else { (keys, groups) };
    Ok(render(&keys, &groups, width) + &footer(runs, &groups))
}

/// Puts all columns after the first two into one that leaves out each setting's commonest value.
fn condense(keys: &[String], mut groups: Vec<Group>) -> (Vec<String>, Vec<Group>) {
    let common: Vec<String> = (0..keys.len())
        .map(|column| {
            let mut counts: Vec<(&str, usize)> = Vec::new();
            for value in groups.iter().map(|group| group.key[column].as_str()) {
                match counts.iter_mut().find(|(known, _)| *known == value) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((value, 1)),
                }
            }
            // The first of equals: `max_by_key` alone takes the last.
            counts.iter().rev().max_by_key(|(_, count)| *count).map_or("", |(value, _)| value).to_owned()
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

fn render(keys: &[String], groups: &[Group], width: Option<u16>) -> String {
    let unfinished = groups.iter().any(|group| group.unfinished > 0);
    let mut header: Vec<&str> = keys.iter().map(|key| short(key)).collect();
    header.extend(["seeds", "diverged", "failed"]);
    header.extend(unfinished.then_some("unfinished"));
    header.extend(["online accuracy", "last task", "srank", "dormant"]);
    let mut widths = vec![0; header.len()];
    let mut table = text_table::empty(header, width);
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

fn footer(runs: &[(&Plan, &Path)], groups: &[Group]) -> String {
    let mut text = String::new();
    if groups.iter().any(|group| group.diverged > 0) {
        text.push_str("* mean of the runs that did not diverge\n");
    }
    let folders: BTreeSet<_> = runs.iter().filter_map(|(_, dir)| dir.parent()).collect();
    for folder in folders {
        let _ = writeln!(text, "Rows: {}", folder.join("*").join("{tasks,probes}.csv").display());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Value;
    use crate::spec::test_plans::{plan, rational};
    use std::fs;
    use std::path::PathBuf;

    fn write(
        (plan, dir): (&Plan, &Path),
        status: Option<Status>,
        accuracies: &[f64],
        srank: f64,
        dormant: f64,
    ) {
        fs::create_dir_all(dir).unwrap();
        let mut tasks = csv::Writer::from_path(dir.join(TaskRow::FILE)).unwrap();
        let mut probes = "run,task,phase,layer,units,samples,probe,value\n".to_owned();
        for (task, accuracy) in accuracies.iter().enumerate() {
            let row = TaskRow { task, online_accuracy: Some(*accuracy), ..TaskRow::default() };
            tasks.serialize(row).unwrap();
            let _ = writeln!(probes, "r,{task},end,0,10,20,srank,{srank}");
            let _ = writeln!(probes, "r,{task},end,0,10,20,dormant_units_0.025,{dormant}");
        }
        fs::write(dir.join("probes.csv"), probes).unwrap();
        if let Some(status) = status {
            RunStatus::begin("", "cpu", 1, "none")
                .end(status, 0.0, None)
                .write(dir, &plan.to_toml())
                .unwrap();
        }
    }

    fn folders(plans: &[Plan], out: &Path) -> Vec<PathBuf> {
        plans.iter().map(|plan| out.join(&plan.name).join(plan.slug())).collect()
    }

    fn runs<'a>(plans: &'a [Plan], folders: &'a [PathBuf]) -> Vec<(&'a Plan, &'a Path)> {
        plans.iter().zip(folders.iter().map(PathBuf::as_path)).collect()
    }

    #[test]
    fn rows_are_cells_of_the_grid_and_diverged_runs_are_told() {
        let out = tempfile::tempdir().unwrap();
        let plans: Vec<Plan> = [0, 1, 2]
            .into_iter()
            .flat_map(|seed| {
                [plan("relu", seed), rational("none", None, seed), rational("tail-slope", Some(1.0), seed)]
            })
            .collect();
        let folders = folders(&plans, out.path());
        let runs = runs(&plans, &folders);
        for (index, &run) in runs.iter().enumerate() {
            let seed = (index / 3) as f64;
            match (index % 3, index / 3) {
                (0, _) => write(run, Some(Status::Done), &[0.9, 0.7 + seed / 10.0], 40.0 + seed, 0.5),
                (1, 0) => write(run, Some(Status::Diverged), &[0.1], 1.0, 1.0),
                (1, 1) => write(run, Some(Status::Done), &[0.5, 0.75], 7.5, 0.0),
                (1, _) => write(run, Some(Status::Failed), &[0.1], 1.0, 1.0),
                _ => {}
            }
        }
        let table = closing_table(&runs, None).unwrap().replace(&out.path().display().to_string(), "OUT");
        assert_eq!(table, "\
┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
│ activation   constraint   seeds   diverged   failed   unfinished   online accuracy   last task   srank   dormant │
╞══════════════════════════════════════════════════════════════════════════════════════════════════════════════════╡
│ relu                          3          0        0            0            0.8500      0.8000    41.0     0.500 │
│ rational     none             3          1        1            0           0.6250*     0.7500*    7.5*    0.000* │
│ rational     tail-slope       3          0        0            3                                                 │
└──────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
* mean of the runs that did not diverge
Rows: OUT/bench/*/{tasks,probes}.csv
");
        let narrow = closing_table(&runs, Some(80)).unwrap();
        let rows: Vec<&str> = narrow.lines().filter(|line| line.starts_with('│')).collect();
        assert!(rows.len() > 4 && rows.iter().all(|row| row.chars().count() <= 80), "{narrow}");
        assert!(["0.6250*", "tail-slope"].iter().all(|word| narrow.contains(word)), "{narrow}");
    }

    #[test]
    fn what_varies_beside_has_a_column() {
        let out = tempfile::tempdir().unwrap();
        let mut plans = [plan("relu", 0), plan("relu", 0)];
        plans[1].optimizer.parameters.insert("learning_rate".into(), Value::Number(1e-3));
        let folders = folders(&plans, out.path());
        let runs = runs(&plans, &folders);
        for (&run, accuracy) in runs.iter().zip([0.25, 0.5]) {
            write(run, Some(Status::Done), &[accuracy], 3.0, 0.0);
        }
        let table = closing_table(&runs, None).unwrap();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1][3], "optimizer.learning_rate");
        assert_eq!(rows[3], ["│", "relu", "1e-4", "1", "0", "0", "0.2500", "0.2500", "3.0", "0.000", "│"]);
        assert_eq!(rows[4], ["│", "relu", "1e-3", "1", "0", "0", "0.5000", "0.5000", "3.0", "0.000", "│"]);
        assert!(!table.contains("unfinished") && !table.contains("* mean"), "{table}");
    }

    #[test]
    fn a_finished_run_without_rows_is_an_error() {
        let out = tempfile::tempdir().unwrap();
        let plans = [plan("relu", 0)];
        let folders = folders(&plans, out.path());
        let runs = runs(&plans, &folders);
        write(runs[0], Some(Status::Done), &[0.5], 1.0, 0.0);
        fs::remove_file(folders[0].join("tasks.csv")).unwrap();
        let error = format!("{:#}", closing_table(&runs, None).unwrap_err());
        assert!(error.contains("tasks.csv has no rows"), "{error}");
    }
}

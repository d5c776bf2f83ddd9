//! Tables of grids written by hand.

use super::*;
use crate::record::{Row, TaskRow};
use crate::spec::Value;
use crate::spec::test_plans::{plan, rational};
use std::fs;
use std::path::PathBuf;

fn write((plan, dir): (&Plan, &Path), status: Option<Status>, accuracies: &[f64], srank: f64, dormant: f64) {
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
        RunStatus::begin("", "cpu", 1, "none").end(status, 0.0, None).write(dir, &plan.to_toml()).unwrap();
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
    let mut plans: Vec<Plan> = [0, 1, 2]
        .into_iter()
        .flat_map(|seed| {
            [plan("relu", seed), rational("none", None, seed), rational("tail-slope", Some(1.0), seed)]
        })
        .collect();
    for plan in &mut plans {
        plan.stream_mut().tasks = 2;
    }
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
    let table = closing_table(&runs, None).unwrap().text.replace(&out.path().display().to_string(), "OUT");
    assert_eq!(table, "\
┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
│ activation   constraint   seeds   diverged   failed   unfinished   n   online accuracy   last task   srank   dormant │
╞══════════════════════════════════════════════════════════════════════════════════════════════════════════════════════╡
│ relu                          3          0        0            0   3            0.8500      0.8000    41.0     0.500 │
│ rational     none             3          1        1            0   1            0.6250      0.7500     7.5     0.000 │
│ rational     tail-slope       3          0        0            3   0                                                 │
└──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
n: the finished runs, which the means are over
Rows: OUT/bench/*/{tasks,probes}.csv
");
    let narrow = closing_table(&runs, Some(80)).unwrap().text;
    let rows: Vec<&str> = narrow.lines().filter(|line| line.starts_with('│')).collect();
    assert!(rows.len() > 4 && rows.iter().all(|row| row.chars().count() <= 80), "{narrow}");
    assert!(["0.6250", "tail-slope"].iter().all(|word| narrow.contains(word)), "{narrow}");
}

#[test]
fn what_varies_beside_has_a_column() {
    let out = tempfile::tempdir().unwrap();
    let mut plans = [plan("relu", 0), plan("relu", 0)];
    for plan in &mut plans {
        plan.stream_mut().tasks = 1;
    }
    plans[1].optimizer.parameters.insert("learning_rate".into(), Value::Number(1e-3));
    let folders = folders(&plans, out.path());
    let runs = runs(&plans, &folders);
    for (&run, accuracy) in runs.iter().zip([0.25, 0.5]) {
        write(run, Some(Status::Done), &[accuracy], 3.0, 0.0);
    }
    let table = closing_table(&runs, None).unwrap().text;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1][3], "optimizer.learning_rate");
    assert_eq!(rows[3], ["│", "relu", "1e-4", "1", "0", "0", "0.2500", "0.2500", "3.0", "0.000", "│"]);
    assert_eq!(rows[4], ["│", "relu", "1e-3", "1", "0", "0", "0.5000", "0.5000", "3.0", "0.000", "│"]);
    assert!(!table.contains("unfinished") && !table.contains("the means are over"), "{table}");
}

#[test]
fn a_finished_run_without_its_rows_is_named_and_left_out() {
    let out = tempfile::tempdir().unwrap();
    let mut plans = [plan("relu", 0), plan("relu", 1), plan("relu", 2)];
    for plan in &mut plans {
        plan.stream_mut().tasks = 2;
    }
    let folders = folders(&plans, out.path());
    let runs = runs(&plans, &folders);
    write(runs[0], Some(Status::Done), &[0.5, 0.25], 1.0, 0.0);
    write(runs[1], Some(Status::Done), &[0.75], 1.0, 0.0);
    write(runs[2], Some(Status::Done), &[0.75, 0.75], 1.0, 0.0);
    fs::remove_file(folders[2].join("tasks.csv")).unwrap();
    let Closing { text, damaged } = closing_table(&runs, None).unwrap();
    assert_eq!(damaged, 2);
    assert!(text.contains(" 1            0.3750 ") && text.contains("damaged"), "{text}");
    let told = |seed: usize, rows: usize| {
        let folder = folders[seed].display();
        format!("left out: {folder}: tasks.csv has rows of {rows} of the 2 tasks; remove the folder")
    };
    assert!(text.contains(&told(1, 1)) && text.contains(&told(2, 0)), "{text}");
}

#[test]
fn a_sweep_of_thousands_is_cut_and_says_so() {
    let out = tempfile::tempdir().unwrap();
    let plans: Vec<Plan> = (0..3000)
        .map(|i| {
            let mut plan = plan("relu", 0);
            plan.optimizer.parameters.insert("learning_rate".into(), Value::Number(f64::from(i + 1)));
            plan
        })
        .collect();
    let folders = folders(&plans, out.path());
    let text = closing_table(&runs(&plans, &folders), None).unwrap().text;
    assert!(text.contains("The first 200 rows; `report` has the other 2800"), "{text}");
    assert!(text.lines().count() < 210);
}

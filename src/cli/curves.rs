//! How the variants below a folder do over their tasks, small enough for a terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use comfy_table::CellAlignment;

use super::output;
use crate::record::{TaskRow, each_row};

/// Most marks of a line over tasks.
const WIDTH: usize = 32;
const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The scores of runs over their tasks, by benchmark.
#[derive(Default)]
pub struct Curves {
    benchmarks: BTreeMap<String, Vec<RunCurve>>,
}

/// One run: the columns of its rows that can tell it from others, and its score of each task.
struct RunCurve {
    columns: Vec<String>,
    scores: BTreeMap<usize, f64>,
}

/// Runs that differ in their seeds alone.
#[derive(Default)]
struct Variant {
    runs: usize,
    /// Sum and number of the scores of each task.
    tasks: BTreeMap<usize, (f64, usize)>,
    /// The newest score of each run.
    last: Vec<f64>,
}

/// Online accuracy, or the online return of agents.
fn score(row: &TaskRow) -> Option<f64> {
    row.online_return.or(row.online_accuracy).filter(|score| score.is_finite())
}

fn columns(row: &TaskRow) -> Vec<String> {
    let optional = |cell: &Option<String>| cell.clone().unwrap_or_default();
    vec![
        row.activation.clone(),
        optional(&row.constraint),
        row.method.clone(),
        optional(&row.agent),
        row.network.clone(),
        row.dataset.clone(),
        row.family.clone(),
        optional(&row.environment),
        row.optimizer.clone(),
        row.learning_rate.to_string(),
    ]
}

impl Curves {
    /// Adds the run in `dir`. One whose rows cannot be read, or that has none yet, is left out.
    pub fn add(&mut self, benchmark: &str, dir: &Path) {
        let mut curve = RunCurve { columns: Vec::new(), scores: BTreeMap::new() };
        let read = each_row(dir, |row: TaskRow| {
            if let Some(score) = score(&row) {
                curve.scores.insert(row.task, score);
            }
            if curve.columns.is_empty() {
                curve.columns = columns(&row);
            }
        });
        if read.is_ok() && !curve.scores.is_empty() {
            self.benchmarks.entry(benchmark.to_owned()).or_default().push(curve);
        }
    }

    /// A table a benchmark: of each variant its newest score and its line over tasks, mean over runs. All
    /// lines of a benchmark are between the same lowest and highest mark. Those that are `first` come first.
    pub fn tables(&self, first: &BTreeSet<String>) -> String {
        let mut text = String::new();
        for now in [true, false] {
            for (name, curves) in self.benchmarks.iter().filter(|(name, _)| first.contains(*name) == now) {
                let _ = writeln!(text, "\n{name}\n{}", table(curves));
            }
        }
        text
    }
}

fn table(curves: &[RunCurve]) -> String {
    let mut variants: BTreeMap<String, Variant> = BTreeMap::new();
    let varying = varying(curves);
    for curve in curves {
        let label: Vec<&str> = (0..curve.columns.len())
            .filter(|column| *column == 0 || varying.contains(column))
            .map(|column| curve.columns[column].as_str())
            .filter(|cell| !cell.is_empty())
            .collect();
        let variant = variants.entry(label.join(", ")).or_default();
        variant.runs += 1;
        variant.last.extend(curve.scores.last_key_value().map(|(_, score)| *score));
        for (&task, &score) in &curve.scores {
            let (sum, count) = variant.tasks.entry(task).or_default();
            (*sum, *count) = (*sum + score, *count + 1);
        }
    }
    let means: Vec<Vec<f64>> = variants.values().map(Variant::line).collect();
    let all = || means.iter().flatten().copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let mut table = output::table(["variant", "runs", "tasks", "last", "over tasks"]);
    for ((label, variant), means) in variants.iter().zip(&means) {
        let tasks = variant.tasks.last_key_value().map_or(0, |(task, _)| task + 1);
        let last = variant.last.iter().sum::<f64>() / variant.last.len() as f64;
        let line: String = means.iter().map(|&mean| mark(mean, low, high)).collect();
        table.add_row([
            label.clone(),
            variant.runs.to_string(),
            tasks.to_string(),
            format!("{last:.3}"),
            line,
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Positions of the columns in which the runs differ.
fn varying(curves: &[RunCurve]) -> BTreeSet<usize> {
    let Some(first) = curves.first() else { return BTreeSet::new() };
    let differs =
        |column: &usize| curves.iter().any(|curve| curve.columns[*column] != first.columns[*column]);
    (0..first.columns.len()).filter(differs).collect()
}

impl Variant {
    /// Means over runs of at most [`WIDTH`] stretches of tasks.
    fn line(&self) -> Vec<f64> {
        let means: Vec<f64> = self.tasks.values().map(|(sum, count)| sum / *count as f64).collect();
        let marks = means.len().min(WIDTH);
        let stretch = |mark: usize| &means[mark * means.len() / marks..(mark + 1) * means.len() / marks];
        (0..marks).map(|mark| stretch(mark).iter().sum::<f64>() / stretch(mark).len() as f64).collect()
    }
}

/// The mark of a value between the lowest and the highest.
fn mark(value: f64, low: f64, high: f64) -> char {
    let share = if high > low { (value - low) / (high - low) } else { 0.5 };
    MARKS[(share * (MARKS.len() - 1) as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Recorder, Status};

    fn run(out: &Path, name: &str, activation: &str, seed: u64, scores: &[f64]) {
        let mut recorder = Recorder::create(&out.join(name)).unwrap();
        for (task, &score) in scores.iter().enumerate() {
            let row = TaskRow {
                activation: activation.to_owned(),
                method: "none".to_owned(),
                seed,
                task,
                status: Status::Done,
                online_accuracy: Some(score),
                ..TaskRow::default()
            };
            recorder.push(&row).unwrap();
        }
        recorder.commit().unwrap();
    }

    #[test]
    fn variants_are_drawn_over_tasks_between_one_low_and_one_high() {
        let out = tempfile::tempdir().unwrap();
        let mut curves = Curves::default();
        for (name, activation, seed, scores) in [
            ("a", "relu", 0, &[0.75, 0.5, 0.125][..]),
            ("b", "relu", 1, &[0.75, 0.25]),
            ("c", "rational", 0, &[1.0]),
            ("d", "rational", 0, &[]),
        ] {
            run(out.path(), name, activation, seed, scores);
            curves.add("bench", &out.path().join(name));
        }
        run(out.path(), "e", "relu", 0, &[0.5]);
        curves.add("at-work", &out.path().join("e"));
        let text = curves.tables(&BTreeSet::from(["bench".to_owned()]));
        assert!(text.find("\nat-work\n") > text.find("\nbench\n"), "{text}");
        let row = |variant: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.contains(variant)).unwrap();
            line.trim_matches(['│', ' ']).split_whitespace().map(str::to_owned).collect()
        };
        assert!(text.starts_with("\nbench\n"), "{text}");
        // Means of relu: 0.75, 0.375 and 0.125, of [0.125, 1].
        assert_eq!(row("relu"), ["relu", "2", "3", "0.188", "▆▃▁"]);
        assert_eq!(row("rational"), ["rational", "1", "1", "1.000", "█"]);
        assert!(!text.contains("none"), "what is the same in all is left out: {text}");
    }

    #[test]
    fn many_tasks_are_drawn_in_stretches() {
        let tasks = (0..500).map(|task| (task, (task as f64 * 2.0, 2))).collect();
        let line = Variant { runs: 2, tasks, last: Vec::new() }.line();
        assert_eq!(line.len(), WIDTH);
        assert!(line.is_sorted());
        // Each task in one stretch: the first 15 tasks have the mean 7.
        assert_eq!(line[0], 7.0);
        assert_eq!(mark(3.0, 3.0, 3.0), '▅');
    }
}

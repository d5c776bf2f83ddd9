//! From folders on disk to the files of a report.

use std::path::{Path, PathBuf};

use super::*;
use crate::catalogue::catalogue;
use crate::record::{CoefficientRow, RetentionRow, Row, RunStatus, Status, TaskRow};
use crate::results;
use crate::spec::{Plan, Spec};

const SPEC: &str = "\
name = \"bench\"
source = \"<b>&\\\"paper\\\"\"
[data]
dataset = \"generated-digits\"
[stream]
family = \"shuffled-labels\"
tasks = 2
examples = 100
steps = 10
batch_size = 10
[network]
kind = \"mlp\"
hidden = [4]
[optimizer]
name = \"adam\"
[grid]
seeds = \"0..4\"
activation = [\"relu\", { name = \"rational\", constraint = { name = \"output-bound\", bound = 2.0 } }]
";

pub(super) fn plans() -> Vec<Plan> {
    Spec::parse(SPEC, "test", &[], &catalogue()).unwrap().plans(None).unwrap()
}

pub(super) fn put<R: Row>(folder: &Path, rows: &[R]) {
    let mut writer = csv::Writer::from_path(folder.join(R::FILE)).unwrap();
    for row in rows {
        writer.serialize(row).unwrap();
    }
}

/// A run whose tasks have these online accuracies.
pub(super) fn run(root: &Path, plan: &Plan, status: Status, accuracies: &[f64]) -> PathBuf {
    let folder = root.join(&plan.name).join(plan.slug());
    let error = (status == Status::Diverged).then(|| "the loss is <NaN>".to_owned());
    RunStatus::begin("ab", "cpu", 1, "test").end(status, 1.0, error).write(&folder, &plan.to_toml()).unwrap();
    let row = |(task, &accuracy): (usize, &f64)| TaskRow {
        task,
        online_accuracy: Some(accuracy),
        ..TaskRow::default()
    };
    put(&folder, &accuracies.iter().enumerate().map(row).collect::<Vec<_>>());
    folder
}

/// relu: four seeds, of which one diverged; the rational: two seeds done, one unfinished.
pub(super) fn results(root: &Path) -> Results {
    for plan in plans() {
        let seed = plan.seed as f64;
        match (plan.activation.name.as_str(), plan.seed) {
            ("relu", 3) => drop(run(root, &plan, Status::Diverged, &[0.0])),
            ("relu", _) => drop(run(root, &plan, Status::Done, &[0.5, 0.25 + seed / 100.0])),
            (_, 0 | 1) => drop(run(root, &plan, Status::Done, &[0.75, 0.7 + seed / 100.0])),
            (_, 2) => drop(run(root, &plan, Status::Running, &[1.0])),
            _ => {}
        }
    }
    results::gather(&[root.to_owned()], &catalogue()).unwrap()
}

#[test]
fn runs_are_gathered_and_what_is_missing_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let results = results(root.path());
    assert_eq!(results.benchmarks, ["bench"]);
    let relu = results.variants.iter().position(|label| label == "relu").unwrap();
    let cell = results.cell(0, relu).unwrap();
    let tally = cell.tally();
    assert_eq!((tally.done, tally.diverged, tally.failed, tally.unfinished), (3, 1, 0, 0));
    let totals: Vec<f64> = cell.metric("total_online_accuracy").into_values().collect();
    assert_eq!(totals, [0.375, 0.38, 0.385], "the diverged run is in no figure");
    let csv = tables::csv(&results);
    assert!(csv.contains("bench,relu,total_online_accuracy,4,1,0,0,3,0.38"), "{csv}");
    let text = tables::terminal(&tables(&results, &[])[0], None);
    assert!(text.contains("0.3800* [0.375, 0.385]") && text.contains("unfinished"), "{text}");
    assert!(text.contains("▸0.7275*"), "{text}");
}

#[test]
fn a_label_tells_what_tells_variants_apart_within_a_benchmark() {
    let root = tempfile::tempdir().unwrap();
    let head = &SPEC[..SPEC.find("[optimizer]").unwrap()];
    let spec = |name: &str, rate: &str, grid: &str| {
        let head = head.replace("\"bench\"", &format!("\"{name}\""));
        let optimizer = format!("[optimizer]\nname = \"adam\"\nlearning_rate = {rate}\n");
        format!("{head}{optimizer}[grid]\nseeds = [0]\n{grid}")
    };
    let labels = |spec: String| {
        for plan in Spec::parse(&spec, "test", &[], &catalogue()).unwrap().plans(None).unwrap() {
            run(root.path(), &plan, Status::Done, &[0.5, 0.5]);
        }
        let mut labels = results::gather(&[root.path().to_owned()], &catalogue()).unwrap().variants;
        labels.sort_unstable();
        labels
    };
    let proper = "{ name = \"rational\", degrees = [4, 4], constraint = \"proper-degree\" }";
    labels(spec("one", "0.5", &format!("activation = [\"relu\", \"rational\", {proper}]")));
    let all = labels(spec("another", "0.25", "activation = [\"relu\"]"));
    let three = ["rational A (relu)", "rational A (relu) proper-degree", "relu"];
    assert_eq!(all, three, "proper-degree's own degrees and each benchmark's own rate are in the specs");
    let all = labels(spec(
        "rates",
        "1.0",
        "activation = [\"relu\"]\n\"optimizer.learning_rate\" = [0.125, 0.0625]",
    ));
    assert!(
        all.contains(&"relu lr=0.125".to_owned()) && all.contains(&"relu lr=0.0625".to_owned()),
        "{all:?}"
    );
}

#[test]
fn a_run_given_twice_counts_once_and_an_unreadable_one_is_told_of() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plan = &plans()[0];
    run(a.path(), plan, Status::Done, &[0.5]);
    run(b.path(), plan, Status::Done, &[0.5]);
    let broken = run(b.path(), &plans()[2], Status::Done, &[0.5]);
    std::fs::write(broken.join("tasks.csv"), "run,task\nr,x\n").unwrap();
    let roots = [a.path().to_owned(), b.path().to_owned(), a.path().join("bench")];
    let results = results::gather(&roots, &catalogue()).unwrap();
    assert_eq!(results.runs().count(), 1);
    let problems = results.problems.join("\n");
    assert_eq!(results.problems.len(), 2, "{problems}");
    assert!(problems.contains("counts once") && problems.contains("tasks.csv"), "{problems}");
    let empty = tempfile::tempdir().unwrap();
    let error = results::gather(&[empty.path().to_owned()], &catalogue()).unwrap_err().to_string();
    assert!(error.contains("holds no runs"), "{error}");
}

#[test]
fn curves_are_drawn_by_the_form_and_its_bound() {
    let root = tempfile::tempdir().unwrap();
    let plan = plans().into_iter().find(|plan| plan.activation.name == "rational").unwrap();
    let folder = run(root.path(), &plan, Status::Done, &[0.5, 0.5]);
    let names = ["a0", "a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3", "b4"];
    let row = |(index, name): (usize, &&str)| CoefficientRow {
        run: "r".into(),
        task: 0,
        phase: crate::record::Phase::End,
        layer: "activations.0".into(),
        set: 0,
        coefficient: (*name).to_owned(),
        // 3x / (1 + |-0.5·x|)
        value: [0.0, 3.0, 0.0, 0.0, 0.0, 0.0, -0.5, 0.0, 0.0, 0.0][index],
    };
    put(&folder, &names.iter().enumerate().map(row).collect::<Vec<_>>());
    let results = results::gather(&[folder], &catalogue()).unwrap();
    let shapes = &results.runs().next().unwrap().shapes["activations.0"];
    let curve = &shapes.snapshots[0];
    assert_eq!(curve.after, 1);
    let known = 2.0 * (6.0_f64 / 2.0 / 2.0).tanh();
    assert!((curve.value(2.0) - known).abs() < 1e-12, "{} and not {known}", curve.value(2.0));
    assert_eq!(shapes.tail_slope.last(), Some(0.0), "a bounded output has no slope left");
}

#[test]
fn published_figures_stand_beside_ours_with_a_verdict_and_reasons() {
    let root = tempfile::tempdir().unwrap();
    let results = results(root.path());
    let file = root.path().join("published.csv");
    let header =
        "source,benchmark,metric,activation,method,mean,plus_minus,seeds,tasks,steps,learning_rate,note\n";
    let rows = "paper,BENCH,total_online_accuracy,relu,none,0.39,0.01,10,50,10,0.5,tuned\n\
                paper,shuffled_labels_generated_digits,total_online_accuracy,relu,none,0.5,,2,,,,\n\
                paper,bench,total_online_accuracy,rational,none,0.7,,2,,,,\n\
                paper,other,total_online_accuracy,relu,l2-init,0.7,,2,,,,\n";
    std::fs::write(&file, format!("{header}{rows}")).unwrap();
    let table = published::table(&results, &published::read(&file).unwrap());
    let text = |row: usize, column: usize| match &table.rows[row][column] {
        tables::Cell::Text(text) => text.as_str(),
        other => panic!("{other:?}"),
    };
    assert_eq!(table.rows.len(), 2, "a constrained rational is not the published one");
    assert_eq!((text(0, 8), text(1, 8)), ("✓", "✗"));
    assert_eq!(
        text(0, 9),
        "ours has 2 tasks, theirs 50; ours at learning rate 1e-3, theirs at 0.5; 3 seeds against 10; tuned"
    );
    let tables::Cell::Figure { interval, .. } = table.rows[1][7] else { panic!("{:?}", table.rows[1]) };
    let known = [-0.12, -0.125, -0.115];
    let ours = [interval.value, interval.low, interval.high];
    assert!(ours.iter().zip(known).all(|(ours, known)| (ours - known).abs() < 1e-12), "{ours:?}");
    let missing = "Published and without runs here: bench (rational); other (relu + l2-init).";
    assert_eq!(table.notes.last().map(String::as_str), Some(missing));
    let none = published::table(&results, &published::read(&file).unwrap()[2..]);
    assert!(none.rows.is_empty() && none.notes[0].starts_with("None of"), "{:?}", none.notes);
}

#[test]
fn the_report_is_whole_and_lets_no_markup_through() {
    let root = tempfile::tempdir().unwrap();
    let first = results(root.path()).runs().next().unwrap().folder.clone();
    let entry = |i: usize, j: usize| RetentionRow {
        run: "r".into(),
        trained_through: i,
        evaluated: j,
        accuracy: 0.5,
        loss: 1.0,
        class_incremental_accuracy: None,
        task_incremental_accuracy: None,
    };
    put(&first, &[entry(0, 0), entry(1, 0), entry(1, 1)]);
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    let out = root.path().join("report");
    write(&results, &tables(&results, &[]), &out).unwrap();
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("&lt;b&gt;&amp;&quot;paper&quot;") && !page.contains("<b>&"), "the source");
    assert!(page.contains("the loss is &lt;NaN&gt;"), "why a run diverged");
    assert!(page.contains("seeds = [0, 1, 2, 3]"), "the resolved spec");
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http") && !outside.contains("src="), "no request leaves the page");
    for name in ["online-accuracy-bench", "profile-bench", "accuracy-matrix-bench", "trade-off-bench"] {
        let svg = std::fs::read_to_string(out.join(format!("plots/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
        let png = std::fs::read(out.join(format!("plots/{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2000, "{name}");
    }
    for name in ["tables.md", "tables.tex", "tables.csv"] {
        assert!(std::fs::read_to_string(out.join(name)).unwrap().contains("relu"), "{name}");
    }
}

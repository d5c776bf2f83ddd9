//! From folders on disk to the files of a report.

use std::path::{Path, PathBuf};

use super::*;
use crate::catalogue::catalogue;
use crate::record::{CoefficientRow, EvaluationRow, RetentionRow, Row, RunStatus, Status, TaskRow};
use crate::results;
use crate::spec::{Plan, Spec, Value};

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
    assert!(text.contains("0.3800 [0.375, 0.385] n=3") && text.contains("unfinished"), "{text}");
    assert!(text.contains("▸0.7275 [0.725, 0.730] n=2"), "{text}");
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
    run(a.path(), plan, Status::Done, &[0.5, 0.5]);
    run(b.path(), plan, Status::Done, &[0.5, 0.5]);
    let broken = run(b.path(), &plans()[2], Status::Done, &[0.5, 0.5]);
    std::fs::write(broken.join("tasks.csv"), "run,task\nr,x\n").unwrap();
    let roots = [a.path().to_owned(), b.path().to_owned(), a.path().join("bench")];
    let results = results::gather(&roots, &catalogue()).unwrap();
    assert_eq!(results.runs().count(), 1);
    let problems = results.problems.join("\n");
    assert_eq!(results.problems.len(), 2, "{problems}");
    assert!(problems.contains("is the same run as") && problems.contains("tasks.csv"), "{problems}");
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
        "ours has 2 tasks, theirs 50; 1 of our seeds diverged and are in no mean; ours at learning rate 1e-3, \
         theirs at 0.5; 3 seeds against 10; tuned"
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

/// The labels of a benchmark's table, in order, with the mark of their headline figure.
fn marks(table: &Table) -> Vec<(String, tables::Mark)> {
    let mark = |row: &Vec<tables::Cell>| {
        let tables::Cell::Text(label) = &row[0] else { panic!("{row:?}") };
        let figure = row.iter().find_map(|cell| match cell {
            tables::Cell::Figure { mark, .. } => Some(*mark),
            _ => None,
        });
        (label.clone(), figure.unwrap_or(tables::Mark::Plain))
    };
    table.rows.iter().map(mark).collect()
}

#[test]
fn a_variant_does_not_win_by_its_survivor() {
    let root = tempfile::tempdir().unwrap();
    for plan in plans() {
        match (plan.activation.name.as_str(), plan.seed) {
            ("relu", 0) => drop(run(root.path(), &plan, Status::Done, &[0.9, 0.9])),
            ("relu", _) => drop(run(root.path(), &plan, Status::Diverged, &[])),
            (_, seed) => {
                let accuracy = 0.8 + seed as f64 / 100.0;
                run(root.path(), &plan, Status::Done, &[accuracy; 2]);
            }
        }
    }
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    let all = tables(&results, &[]);
    let rational = "rational A (relu) output-bound";
    let known = [(rational, tables::Mark::Best), ("relu", tables::Mark::Plain)];
    assert_eq!(marks(&all[0]), known.map(|(label, mark)| (label.to_owned(), mark)));
    let text = tables::terminal(&all[0], None);
    assert!(text.contains("0.9000 n=1"), "what is shown stays the survivor's: {text}");
    assert!(text.contains("a run that diverged counts as the worst value"), "{text}");
    // One win of sixteen pairs: the survivor against each of the four.
    let tables::Cell::Figure { interval, n, .. } = all[1].rows[0][1] else { panic!("{:?}", all[1].rows) };
    assert_eq!((interval.value, n), (0.25, 4), "P(better) counts diverged runs as lost");
    assert!(all[1].title.ends_with(&format!("against {rational}")), "{}", all[1].title);
}

#[test]
fn damaged_runs_are_named_and_in_no_figure() {
    use std::fmt::Write as _;

    use crate::sha256::Growing;
    type Case<'a> = (&'a str, &'a dyn Fn(&Path));
    let cases: [Case<'_>; 6] = [
        ("has rows of 1 of the 2 tasks", &|run| cut(&run.join("tasks.csv"), 7)),
        ("lacks task 0 after task 1", &|run| {
            let path = run.join("retention.csv");
            let text = std::fs::read_to_string(&path).unwrap();
            let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("r,1,0")).collect();
            std::fs::write(&path, kept.join("\n") + "\n").unwrap();
        }),
        ("has rows twice", &|run| {
            let path = run.join("retention.csv");
            let text = std::fs::read_to_string(&path).unwrap();
            let last = text.lines().last().unwrap().to_owned();
            std::fs::write(&path, text + &last + "\n").unwrap();
        }),
        ("has no row of task 2 in its place", &|run| {
            let path = run.join("tasks.csv");
            let text = std::fs::read_to_string(&path).unwrap();
            let last = text.lines().last().unwrap().to_owned();
            std::fs::write(&path, text + &last + "\n").unwrap();
        }),
        ("was changed after it was written", &|run| {
            let path = run.join("tasks.csv");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("0.25", "0.75")).unwrap();
        }),
        ("is shorter than the newest checkpoint remembers", &|run| {
            std::fs::remove_file(run.join("retention.csv")).unwrap();
        }),
    ];
    for (sentence, spoil) in cases {
        let root = tempfile::tempdir().unwrap();
        for plan in &plans()[..2] {
            let folder = run(root.path(), plan, Status::Done, &[0.5, 0.25]);
            put(&folder, &[entry(0, 0), entry(1, 0), entry(1, 1)]);
            let mut manifest = "format = 3\ntask = 2\nstep = 0\n".to_owned();
            for file in ["tasks.csv", "retention.csv"] {
                let path = folder.join(file);
                let bytes = std::fs::metadata(&path).unwrap().len();
                let prefix = Growing::read(&path, bytes).unwrap().unwrap().prefix();
                let _ =
                    write!(manifest, "[files.\"{file}\"]\nbytes = {bytes}\nsha256 = \"{}\"\n", prefix.sha256);
            }
            std::fs::create_dir(folder.join("checkpoints")).unwrap();
            std::fs::write(folder.join("checkpoints/task-0002.toml"), manifest).unwrap();
        }
        let whole = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
        assert!(whole.problems.is_empty(), "{:?}", whole.problems);
        let spoilt = whole.runs().next().unwrap().folder.clone();
        spoil(&spoilt);
        let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
        assert_eq!(results.problems.len(), 1, "{:?}", results.problems);
        let problem = &results.problems[0];
        assert!(problem.contains(sentence) && problem.contains(&spoilt.display().to_string()), "{problem}");
        assert_eq!(results.cells.iter().map(|cell| cell.tally().damaged).sum::<usize>(), 1);
        assert!(results.cells.iter().all(|cell| {
            cell.metric("total_online_accuracy").len() == cell.tally().runs() - cell.tally().damaged
        }));
        assert!(tables::terminal(&tables(&results, &[])[0], None).contains("damaged"));
    }
}

/// Takes the last bytes off a file.
fn cut(path: &Path, bytes: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

fn entry(trained_through: usize, evaluated: usize) -> RetentionRow {
    RetentionRow {
        run: "r".into(),
        trained_through,
        evaluated,
        accuracy: 0.5,
        loss: 1.0,
        class_incremental_accuracy: Some(0.25),
        task_incremental_accuracy: Some(0.5),
    }
}

#[test]
fn of_runs_that_a_report_cannot_tell_apart_the_finished_and_the_richer_one_counts() {
    let root = tempfile::tempdir().unwrap();
    let plan = &plans()[0];
    // A copy that sorts first and is not finished.
    let copy = run(&root.path().join("a"), plan, Status::Running, &[0.5]);
    let finished = run(&root.path().join("b"), plan, Status::Done, &[0.5, 0.5]);
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert_eq!(results.runs().next().unwrap().folder, finished);
    let note = format!(
        "left out: {} is of the same plan as, and did not come as far as, {}, which counts",
        copy.display(),
        finished.display()
    );
    assert_eq!(results.problems, [note]);
    // The same with other probes and one figure more.
    let mut probed = plan.clone();
    probed.probes.plasticity_gap = true;
    let richer = run(&root.path().join("c"), &probed, Status::Done, &[0.5, 0.5]);
    let row = |task| TaskRow {
        task,
        online_accuracy: Some(0.5),
        plasticity_gap: Some(0.125),
        ..TaskRow::default()
    };
    put(&richer, &[row(0), row(1)]);
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert_eq!(results.runs().next().unwrap().folder, richer);
    let last = results.problems.last().unwrap();
    assert!(last.contains("differs from, in what it measures alone, and has fewer figures than,"), "{last}");
}

#[cfg(unix)]
#[test]
fn a_linked_benchmark_is_said_to_be_left_out() {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(root.path(), &plans()[0], Status::Done, &[0.5, 0.5]);
    run(elsewhere.path(), &plans()[1], Status::Done, &[0.5, 0.5]);
    std::os::unix::fs::symlink(elsewhere.path().join("bench"), root.path().join("linked")).unwrap();
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert_eq!((results.runs().count(), results.problems.len()), (1, 1));
    assert!(results.problems[0].contains("linked is a link to a folder"), "{:?}", results.problems);
}

#[test]
fn a_table_that_is_no_table_of_figures_is_refused_with_line_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("published.csv");
    let refused = |text: &str| {
        std::fs::write(&file, text).unwrap();
        format!("{:#}", published::read(&file).unwrap_err())
    };
    let header = "source,benchmark,metric,activation,method,mean,plus_minus,seeds,note\n";
    let good = "p,b,total_online_accuracy,relu,none,0.5,0.1,3,\n";
    let row = |row: &str| refused(&format!("{header}{good}{row}\n"));
    assert!(refused("").contains("has no figure"), "{}", refused(""));
    assert!(refused(header).contains("has no figure"));
    assert!(refused("once upon a time\nthere was\n").contains("published.csv"));
    let unknown = row("p,b,accuracy,relu,none,0.5,,,");
    assert!(unknown.contains("line 3") && unknown.contains("no metric \"accuracy\""), "{unknown}");
    assert!(row("p,b,total_online_accuracy,relu,none,nan,,,").contains("line 3"));
    assert!(row("p,b,total_online_accuracy,relu,none,0.5,-0.1,,").contains("plus_minus is -0.1"));
    assert!(row("p,b,total_online_accuracy,relu,none,0.5,,0,").contains("seeds is 0"));
    assert!(row("p,b,total_online_accuracy,relu,none,half,,,").contains("published.csv"));
    let error = format!("{:#}", published::read(folder.path()).unwrap_err());
    assert!(error.contains("is a folder"), "{error}");
}

#[test]
fn a_second_report_removes_the_plots_of_the_first_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let all = results(root.path());
    let out = tempfile::tempdir().unwrap();
    write(&all, &tables(&all, &[]), out.path()).unwrap();
    std::fs::write(out.path().join("plots/mine.png"), "mine").unwrap();
    assert!(out.path().join("plots/online-accuracy-bench.svg").exists());
    let mut other = plans()[0].clone();
    other.name = "other".into();
    let elsewhere = tempfile::tempdir().unwrap();
    run(elsewhere.path(), &other, Status::Done, &[0.5, 0.5]);
    let second = results::gather(&[elsewhere.path().to_owned()], &catalogue()).unwrap();
    write(&second, &tables(&second, &[]), out.path()).unwrap();
    let there = |name: &str| out.path().join("plots").join(name).exists();
    assert!(!there("online-accuracy-bench.svg") && !there("profile-bench.png"));
    assert!(there("online-accuracy-other.svg") && there("mine.png"));
}

#[test]
fn class_and_task_incremental_figures_have_columns_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    let folder = run(root.path(), &plans()[0], Status::Done, &[0.5, 0.5]);
    let entry = |i: usize, j: usize, accuracies: [f64; 3]| RetentionRow {
        accuracy: accuracies[0],
        class_incremental_accuracy: Some(accuracies[1]),
        task_incremental_accuracy: Some(accuracies[2]),
        ..entry(i, j)
    };
    put(&folder, &[entry(0, 0, [0.5, 0.75, 0.75]), entry(1, 0, [0.25, 0.5, 0.75]), entry(1, 1, [0.5; 3])]);
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    let metrics = &results.runs().next().unwrap().metrics;
    let figures = [
        ("average_accuracy", 0.375),
        ("forgetting", 0.25),
        ("backward_transfer", -0.25),
        ("one_step_backward_transfer", -0.25),
        ("class_incremental_accuracy", 0.5),
        ("class_incremental_forgetting", 0.25),
        ("task_incremental_accuracy", 0.625),
        ("task_incremental_forgetting", 0.0),
        ("task_incremental_one_step_backward_transfer", 0.0),
    ];
    for (name, value) in figures {
        assert_eq!(metrics[name], value, "{name}");
        assert!(tables::csv(&results).contains(&format!(",{name},")), "{name}");
    }
    let table = &tables(&results, &[])[0];
    for head in ["forgetting", "class-incremental accuracy", "task-incremental forgetting"] {
        assert!(table.header.iter().any(|title| title == head), "{head}: {:?}", table.header);
    }
    // Of one seed the mean is the median: it stands there once.
    assert!(!table.header.iter().any(|title| title == "median"), "{:?}", table.header);
    let same = "shown once: interquartile mean = online accuracy; median = online accuracy; ";
    assert!(table.notes.iter().any(|note| note.contains(same)), "{:?}", table.notes);
}

#[test]
fn a_benchmark_opens_with_what_is_best_what_it_beats_and_by_how_much() {
    let root = tempfile::tempdir().unwrap();
    let text = lead::lead(&results(root.path()), 0);
    let best = "rational A (relu) output-bound has the best online accuracy of 2 variants: 0.728 [0.725, \
                0.730] over 2 seeds. It beats relu by 0.350";
    assert!(text.starts_with(best), "{text}");
    let end = "over 2 shared seeds. 1 of 7 runs diverged and count as online accuracy 0 here.";
    assert!(text.ends_with(end), "{text}");
    let alone = tempfile::tempdir().unwrap();
    for plan in plans().iter().filter(|plan| plan.seed == 0) {
        let accuracy = if plan.activation.name == "relu" { 0.5 } else { 0.25 };
        run(alone.path(), plan, Status::Done, &[accuracy; 2]);
    }
    let results = results::gather(&[alone.path().to_owned()], &catalogue()).unwrap();
    let text = lead::lead(&results, 0);
    let known = "relu has the best online accuracy of 2 variants: 0.500 over one seed. Its difference to \
                 rational A (relu) output-bound is 0.250 over one shared seed, which says nothing of chance.";
    assert_eq!(text, known);
}

/// Runs of an agent: a return and a bias at each of three evaluations of one task after another.
fn agents(root: &Path, name: &str) {
    for mut plan in plans() {
        plan.name = name.to_owned();
        let rational = plan.activation.name != "relu";
        if rational && plan.seed == 3 {
            run(root, &plan, Status::Diverged, &[]);
            continue;
        }
        let folder = run(root, &plan, Status::Done, &[0.5, 0.5]);
        let rows: Vec<TaskRow> = (0..2).map(|task| TaskRow { task, ..TaskRow::default() }).collect();
        put(&folder, &rows);
        let base = if rational { 500.0 } else { 700.0 } + plan.seed as f64;
        let row = |index: usize| EvaluationRow {
            task: index / 2,
            environment_step: 1000 * (index + 1),
            episodes: 10,
            return_mean: base + 100.0 * index as f64,
            normalized_return: Some((base + 100.0 * index as f64) / 1000.0),
            q_bias_normalized: Some(if rational { 0.5 } else { -0.125 } * index as f64),
            ..EvaluationRow::default()
        };
        put(&folder, &(0..4).map(row).collect::<Vec<_>>());
    }
}

#[test]
fn agents_are_headed_by_their_return() {
    let root = tempfile::tempdir().unwrap();
    agents(root.path(), "swingup");
    agents(root.path(), "walk");
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert!(results.problems.is_empty(), "{:?}", results.problems);
    let all = tables(&results, &[]);
    assert_eq!(all[0].title, "All benchmarks: normalised return");
    assert_eq!(all[0].header.last().map(String::as_str), Some("diverged"));
    let table = &all[1];
    for head in ["normalised return", "evaluation return", "return over training", "Q bias"] {
        assert!(table.header.iter().any(|title| title == head), "{head}: {:?}", table.header);
    }
    assert!(!table.header.iter().any(|title| title == "online accuracy"), "{:?}", table.header);
    let relu = results.cell(0, results.variants.iter().position(|label| label == "relu").unwrap()).unwrap();
    // The last of each task: 800 and 1000, and the seed.
    let returns: Vec<f64> = relu.metric("evaluation_return").into_values().collect();
    assert_eq!(returns, [900.0, 901.0, 902.0, 903.0]);
    assert_eq!(relu.metric("q_bias")[&0], -0.25);
    let text = tables::terminal(table, None);
    assert!(text.contains("▸0.9015 [0.901, 0.903]") && text.contains("▸901.5 [900.5, 902.5]"), "{text}");
    assert!(lead::lead(&results, 0).starts_with("relu has the best normalised return"));
    let charts = plots::charts(&results);
    let files: Vec<&str> = charts.iter().map(|chart| chart.file.as_str()).collect();
    for file in ["profile-all-normalized_return", "returns-walk", "q-bias-walk", "q-bias-return-walk"] {
        assert!(files.contains(&file), "{file}: {files:?}");
    }
    let curve = &charts.iter().find(|chart| chart.file == "returns-walk").unwrap().panels[0];
    assert_eq!((curve.y.as_str(), curve.series()[0].points.len()), ("normalised return", 4));
    assert_eq!(curve.series()[0].n, [4; 4]);
}

#[test]
fn many_lines_are_named_at_their_ends_and_in_groups_on_the_page() {
    let root = tempfile::tempdir().unwrap();
    for seed in 0..2 {
        for rate in 1..=13 {
            let mut plan = plans()[0].clone();
            plan.seed = seed;
            plan.optimizer.parameters.insert("learning_rate".into(), Value::Number(f64::from(rate)));
            run(root.path(), &plan, Status::Done, &[0.5, 0.5 + f64::from(rate) / 100.0]);
        }
    }
    let results = results::gather(&[root.path().to_owned()], &catalogue()).unwrap();
    let chart = plots::charts(&results).remove(0);
    assert!(chart.names_ends());
    let file = plots::svg(&chart).unwrap();
    assert!((1..=13).all(|rate| file.contains(&format!("relu lr={rate}\n"))), "{file}");
    assert!(!file.contains("<g ") && !file.contains('\u{E000}'), "files have no groups");
    let page = plots::grouped_svg(&chart).unwrap();
    assert_eq!(page.matches("<g class=\"series\"").count(), 13);
    assert_eq!(page.matches("<g class=\"key\"").count(), 13);
    assert_eq!(page.matches("<g ").count(), page.matches("</g>").count());
    assert!(page.contains("data-x=\"task\" data-y=\"online accuracy\""));
}

#[test]
fn the_report_is_whole_and_lets_no_markup_through() {
    let root = tempfile::tempdir().unwrap();
    let first = results(root.path()).runs().next().unwrap().folder.clone();
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

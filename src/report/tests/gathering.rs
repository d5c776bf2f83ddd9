//! Which runs a report is made of.

use std::path::Path;

use super::{SPEC, entry, plans, put, results, run};
use crate::catalogue::catalogue;
use crate::record::{CoefficientRow, Status, TaskRow};
use crate::report::tables;
use crate::results::gather;
use crate::spec::Spec;

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
        let mut labels = gather(&[root.path().to_owned()], &catalogue()).unwrap().variants;
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

/// Layer normalisation, a setting without a default, once stood in one mean with its absence.
#[test]
fn what_a_variant_leaves_out_tells_it_apart() {
    let root = tempfile::tempdir().unwrap();
    let normed =
        "[[variants]]\nactivation = 'relu'\n[[variants]]\nactivation = 'relu'\n'network.norm' = 'layer'\n";
    let spec = format!("{}{normed}", &SPEC[..SPEC.find("[grid]").unwrap()]);
    let spec = format!("{spec}[grid]\nseeds = [0, 1]\n");
    for plan in Spec::parse(&spec, "test", &[], &catalogue()).unwrap().plans(None).unwrap() {
        let figure = if plan.network.get("norm").is_some() { 0.75 } else { 0.25 };
        run(root.path(), &plan, Status::Done, &[figure, figure]);
    }
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert!(results.problems.is_empty(), "{:?}", results.problems);
    assert_eq!(results.benchmarks, ["bench"]);
    let means = |variant: &str| -> Vec<f64> {
        let number = results.variants.iter().position(|known| known == variant).unwrap();
        let cell = results.cells.iter().find(|cell| cell.variant == number).unwrap();
        cell.metric("total_online_accuracy").into_values().collect()
    };
    assert_eq!((means("relu"), means("relu norm=layer")), (vec![0.25, 0.25], vec![0.75, 0.75]));
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
    let results = gather(&roots, &catalogue()).unwrap();
    assert_eq!(results.runs().count(), 1);
    let problems = results.problems.join("\n");
    assert_eq!(results.problems.len(), 2, "{problems}");
    assert!(problems.contains("is the same run as") && problems.contains("tasks.csv"), "{problems}");
    let empty = tempfile::tempdir().unwrap();
    let error = gather(&[empty.path().to_owned()], &catalogue()).unwrap_err().to_string();
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
    let results = gather(&[folder], &catalogue()).unwrap();
    let shapes = &results.runs().next().unwrap().shapes["activations.0"];
    let curve = &shapes.snapshots[0];
    assert_eq!(curve.after, 1);
    let known = 2.0 * (6.0_f64 / 2.0 / 2.0).tanh();
    assert!((curve.value(2.0) - known).abs() < 1e-12, "{} and not {known}", curve.value(2.0));
    assert_eq!(shapes.tail_slope.last(), Some(0.0), "a bounded output has no slope left");
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
        let whole = gather(&[root.path().to_owned()], &catalogue()).unwrap();
        assert!(whole.problems.is_empty(), "{:?}", whole.problems);
        let spoilt = whole.runs().next().unwrap().folder.clone();
        spoil(&spoilt);
        let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
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

#[test]
fn of_runs_that_a_report_cannot_tell_apart_the_finished_and_the_richer_one_counts() {
    let root = tempfile::tempdir().unwrap();
    let plan = &plans()[0];
    // A copy that sorts first and is not finished.
    let copy = run(&root.path().join("a"), plan, Status::Running, &[0.5]);
    let finished = run(&root.path().join("b"), plan, Status::Done, &[0.5, 0.5]);
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
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
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
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
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert_eq!((results.runs().count(), results.problems.len()), (1, 1));
    assert!(results.problems[0].contains("linked is a link to a folder"), "{:?}", results.problems);
}

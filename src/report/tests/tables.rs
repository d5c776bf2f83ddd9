//! What tables and the sentence before them say.

use super::{entry, plans, put, results, run};
use crate::catalogue::catalogue;
use crate::record::{RetentionRow, Status};
use crate::report::tables::Table;
use crate::report::{lead, tables};
use crate::results::gather;

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
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
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
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
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
    let end = "over 2 shared seeds. 2 seeds are few: differences of one sign throughout come about once in 2 times by \
               chance. 1 of 7 runs diverged and counts as online accuracy 0 here.";
    assert!(text.ends_with(end), "{text}");
    let alone = tempfile::tempdir().unwrap();
    for plan in plans().iter().filter(|plan| plan.seed == 0) {
        let accuracy = if plan.activation.name == "relu" { 0.5 } else { 0.25 };
        run(alone.path(), plan, Status::Done, &[accuracy; 2]);
    }
    let results = gather(&[alone.path().to_owned()], &catalogue()).unwrap();
    let text = lead::lead(&results, 0);
    let known = "relu has the best online accuracy of 2 variants: 0.500 over one seed. Its difference to \
                 rational A (relu) output-bound is 0.250 over one shared seed, which says nothing of chance.";
    assert_eq!(text, known);
}

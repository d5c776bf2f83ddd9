//! Ours beside published figures.

use super::results;
use crate::catalogue::catalogue;
use crate::report::{published, tables};

/// Of a table without the columns that may be absent.
const HEADER: &str = "source,benchmark,metric,activation,method,mean,plus_minus,seeds,note\n";

#[test]
fn published_figures_stand_beside_ours_with_a_verdict_and_reasons() {
    let root = tempfile::tempdir().unwrap();
    let results = results(root.path());
    let file = root.path().join("published.csv");
    let header = "source,benchmark,metric,activation,method,mean,plus_minus,seeds,tasks,steps,learning_rate,note,optimizer\n";
    let rows = "paper,BENCH,total_online_accuracy,relu,none,0.39,0.01,10,50,10,0.5,tuned,\n\
                paper,shuffled_labels_generated_digits,total_online_accuracy,relu,none,0.5,,2,,,,,\n\
                paper,bench,total_online_accuracy,rational,none,0.7,,2,,,,,\n\
                paper,other,total_online_accuracy,relu,l2-init,0.7,,2,,,,,\n\
                paper,bench,total_online_accuracy,relu,layer-norm,0.7,,2,,,,,\n\
                paper,bench,total_online_accuracy,relu,none,0.7,,2,,,,,muon\n";
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
        "ours has 2 tasks, theirs 50; 1 of our seeds diverged and is in no mean; ours at learning rate 1e-3, \
         theirs at 0.5; 3 seeds against 10; tuned"
    );
    let tables::Cell::Figure { interval, .. } = table.rows[1][7] else { panic!("{:?}", table.rows[1]) };
    let known = [-0.12, -0.125, -0.115];
    let ours = [interval.value, interval.low, interval.high];
    assert!(ours.iter().zip(known).all(|(ours, known)| (ours - known).abs() < 1e-12), "{ours:?}");
    let missing =
        "Published and without runs here: bench (rational, relu + layer-norm, relu); other (relu + l2-init).";
    assert_eq!(table.notes.last().map(String::as_str), Some(missing));
    let none = published::table(&results, &published::read(&file).unwrap()[2..]);
    assert!(none.rows.is_empty() && none.notes[0].starts_with("None of"), "{:?}", none.notes);
}

#[test]
fn a_figure_without_a_spread_may_be_off_by_half_a_unit_of_its_last_digit() {
    let root = tempfile::tempdir().unwrap();
    let results = results(root.path());
    let file = root.path().join("published.csv");
    // Ours is 0.38 [0.375, 0.385]: no figure here lies in it by itself.
    let verdict = |mean: &str, spread: &str| {
        let row = format!("p,bench,total_online_accuracy,relu,none,{mean},{spread},3,\n");
        std::fs::write(&file, format!("{HEADER}{row}")).unwrap();
        let table = published::table(&results, &published::read(&file).unwrap());
        let column = table.rows[0].len() - 2;
        let tables::Cell::Text(text) = &table.rows[0][column] else { panic!("{:?}", table.rows) };
        text.clone()
    };
    assert_eq!((verdict("0.4", "").as_str(), verdict("4e-1", "").as_str()), ("✓", "✓"));
    assert_eq!((verdict("0.40", "").as_str(), verdict("40.0e-2", "").as_str()), ("✗", "✗"));
    assert_eq!((verdict("0.40", "0.02").as_str(), verdict("0.4", "0.01").as_str()), ("✓", "✗"));
}

#[test]
fn a_table_that_is_no_table_of_figures_is_refused_with_line_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("published.csv");
    let refused = |text: &str| {
        std::fs::write(&file, text).unwrap();
        format!("{:#}", published::read(&file).unwrap_err())
    };
    let good = "p,b,total_online_accuracy,relu,none,0.5,0.1,3,\n";
    let row = |row: &str| refused(&format!("{HEADER}{good}{row}\n"));
    assert!(refused("").contains("has no figure"), "{}", refused(""));
    assert!(refused(HEADER).contains("has no figure"));
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

/// A figure under a name that the suite does not know would never stand beside anything. Those published here name
/// activations and methods as the catalogue does.
#[test]
fn the_figures_that_come_with_the_suite_name_activations_and_methods_of_the_catalogue() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benchmarks/published.csv");
    let catalogue = catalogue();
    let known = |section: &str, name: &str| catalogue.section(section).iter().any(|entry| entry.name == name);
    assert!(known("activations", "fourier") && !known("activations", "deep-fourier"));
    for figure in published::read(&file).unwrap() {
        let (activation, methods) = (&figure.activation, &figure.method);
        assert!(known("activations", activation), "{}: no activation is named {activation}", figure.source);
        for method in methods.split(" + ").filter(|method| !["none", "layer-norm"].contains(method)) {
            assert!(known("methods", method), "{}: no method is named {method}", figure.source);
        }
    }
}

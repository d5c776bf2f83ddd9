//! Ours beside published figures.

use super::results;
use crate::report::{published, tables};

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

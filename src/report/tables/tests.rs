use super::*;
use crate::report::metric::named;

fn table() -> Table {
    let interval = |value: f64| Interval { value, low: value - 0.01, high: value + 0.01 };
    let figure = |value, mark, n| Cell::Figure { interval: interval(value), mark, n, seeds: 3 };
    Table {
        title: "a_b & <c>".into(),
        benchmark: None,
        rank: Rank::Headline,
        metrics: vec![named("forgetting").unwrap()],
        brief: vec![0, 1],
        notes: vec!["Bold is best.".into()],
        header: vec!["variant".into(), "seeds".into(), "acc".into()],
        rows: vec![
            vec![Cell::Text("x|y_<z>".into()), Cell::Count(3), figure(0.5, Mark::Best, 2)],
            vec![Cell::Text("w".into()), Cell::Count(2), figure(0.495, Mark::Tie, 3)],
            vec![Cell::Text("v".into()), Cell::Count(0), Cell::Empty],
        ],
    }
}

#[test]
fn markdown_escapes_and_marks() {
    let text = markdown(&table());
    assert!(text.contains("| x\\|y\\_\\<z> | 3 | **0.5000** [0.490, 0.510] n=2 |"), "{text}");
    assert!(text.contains("| w | 2 | \\~0.4950 [0.485, 0.505] |\n| v | 0 |  |"), "{text}");
}

#[test]
fn latex_escapes_and_marks() {
    let text = latex(&table());
    assert!(text.contains("\\caption{a\\_b \\& \\textless{}c\\textgreater{}. Bold is best.}"), "{text}");
    assert!(text.contains("\\textbf{0.5000} {\\small [0.490, 0.510] n=2} \\\\"), "{text}");
    assert!(text.contains("\\begin{tabular}{lrr}") && text.contains("$\\sim$0.4950"), "{text}");
}

#[test]
fn html_lets_no_markup_through_and_sorts_by_value() {
    let text = html(&table());
    assert!(text.contains("x|y_&lt;z&gt;") && !text.contains("<z>"), "{text}");
    assert!(
        text.contains("<td data-v=\"0.5\"><b>0.5000</b> <small>[0.490, 0.510] n=2</small></td>"),
        "{text}"
    );
}

#[test]
fn the_terminal_has_no_bold() {
    let text = terminal(&table(), None);
    assert!(text.contains("▸0.5000 [0.490, 0.510] n=2") && text.contains("▸ is best."), "{text}");
}

#[test]
fn a_narrow_terminal_gets_the_columns_below_one_another() {
    let mut table = table();
    for column in 0..6 {
        table.header.push(format!("metric {column}"));
        for (index, row) in table.rows.iter_mut().enumerate() {
            let value = f64::from(column) + 0.125 * index as f64;
            let interval = Interval { value, low: value - 0.01, high: value + 0.01 };
            row.push(Cell::Figure { interval, mark: Mark::Plain, n: 3, seeds: 3 });
        }
    }
    table.header.push("why".into());
    table.rows.iter_mut().for_each(|row| row.push(Cell::Text("many words ".repeat(12))));
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest(&terminal(&table, None)) > 200);
    for width in [60, 80, 100, 160] {
        let text = terminal(&table, Some(width));
        assert!(widest(&text) <= usize::from(width), "{width}: {text}");
        for column in 0..6 {
            assert!(text.contains(&format!("metric {column}")), "{width}: {text}");
            assert!(text.contains(&format!("{column}.2500 [{column}.240, {column}.260]")), "{width}: {text}");
        }
    }
    assert_eq!(terminal(&table, Some(400)).matches('╞').count(), 1, "one table where there is room");
    assert!(terminal(&table, Some(100)).contains("In every row: why many words many"));
}

#[test]
fn a_narrow_terminal_gets_long_words_below_and_can_tell_the_rows_apart() {
    let mut table = table();
    table.header = ["benchmark", "variant", "published", "why"].map(str::to_owned).to_vec();
    let reason = "fewer steps of each task and fewer seeds than theirs, and read off a figure by eye";
    let row = |cells: [&str; 4]| cells.map(|cell| Cell::Text(cell.to_owned())).to_vec();
    table.rows = vec![
        row(["a", "relu", "0.5", reason]),
        row(["a", "rational", "0.25", reason]),
        row(["b", "relu", "0.125", &format!("{reason}, twice")]),
        row(["b", "rational", "0.75", ""]),
    ];
    assert!(terminal(&table, None).contains(reason), "with room it stays in the table");
    let text = terminal(&table, Some(80));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("│ a           relu       0.5         (1) │"), "{text}");
    assert!(text.contains("│ a           rational   0.25        (1) │"), "{text}");
    assert!(text.contains("(2)") && text.contains("\nwhy:\n(1) fewer steps"), "{text}");
    // Where the columns come below one another, both words that tell a row go with them.
    let narrow = terminal(&table, Some(36));
    assert_eq!(narrow.matches("│ b           rational").count(), 2, "{narrow}");
}

#[test]
fn a_table_without_rows_is_its_notes() {
    let empty = Table { rows: Vec::new(), ..table() };
    assert_eq!(terminal(&empty, None), "a_b & <c>\n▸ is best.\n");
    assert_eq!(html(&empty), "<p class=\"note\">Bold is best.</p>\n");
}

#[test]
fn a_look_shows_the_headline_columns_and_definitions_stand_once() {
    let brief = table().brief().unwrap();
    assert_eq!((brief.header.len(), brief.rows[2].len()), (2, 2));
    assert_eq!(Table { rank: Rank::Comparison, ..table() }.brief(), None);
    let text = definitions(&[table(), table()]);
    assert_eq!(text.matches("- forgetting: mean over the tasks").count(), 1, "{text}");
    assert_eq!(definitions(&[Table { metrics: Vec::new(), ..table() }]), "");
}

#[test]
fn returns_of_hundreds_have_fewer_decimals() {
    let interval = |value: f64| Interval { value, low: value - 1.0, high: value + 1.0 };
    assert_eq!(figure(interval(812.345), 3, 3), ("812.3".into(), "[811.3, 813.3]".into()));
    assert_eq!(figure(interval(-50.0), 1, 3), ("-50.0".into(), "[-51.0, -49.0] n=1".into()));
    assert_eq!(figure(Interval { value: 0.5, low: 0.5, high: 0.5 }, 1, 1), ("0.5000".into(), String::new()));
}

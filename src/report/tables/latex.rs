//! For papers: needs `\usepackage{booktabs}`.

use std::fmt::Write as _;

use super::{Cell, Mark, Table, figure};

/// The table as a `table` float.
#[must_use]
pub fn latex(table: &Table) -> String {
    let mut out = String::from("% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n");
    let _ = writeln!(out, "\\caption{{{}. {}}}", escape(&table.title), escape(&table.notes.join(" ")));
    let _ = writeln!(out, "\\begin{{tabular}}{{l{}}}\n\\toprule", "r".repeat(table.header.len() - 1));
    let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
    out += &line(table.header.iter().map(|head| escape(head)).collect());
    out += "\\midrule\n";
    for row in &table.rows {
        out += &line(row.iter().map(text).collect());
    }
    out + "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Count(count) => count.to_string(),
        Cell::Empty => String::new(),
        Cell::Figure { interval, mark, n, seeds } => {
            let (value, beside) = figure(*interval, *n, *seeds);
            let marked = match mark {
                Mark::Best => format!("\\textbf{{{value}}}"),
                Mark::Tie => format!("$\\sim${value}"),
                Mark::Plain => value,
            };
            let beside = if beside.is_empty() { beside } else { format!(" {{\\small {beside}}}") };
            format!("{marked}{beside}")
        }
    }
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '\\' => out += "\\textbackslash{}",
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            _ => out.push(c),
        }
    }
    out
}

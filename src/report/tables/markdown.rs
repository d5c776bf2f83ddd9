//! For READMEs.

use std::fmt::Write as _;

use super::{Cell, Mark, Table, figure};

/// The table as GitHub Markdown.
#[must_use]
pub fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = format!("### {}\n\n", escape(&table.title));
    out += &line(table.header.iter().map(|head| escape(head)).collect());
    out += &line((0..table.header.len()).map(|i| if i == 0 { "---" } else { "---:" }.into()).collect());
    for row in &table.rows {
        out += &line(row.iter().map(text).collect());
    }
    for note in &table.notes {
        let _ = write!(out, "\n{}\n", escape(note));
    }
    out
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Count(count) => count.to_string(),
        Cell::Empty => String::new(),
        Cell::Figure { interval, mark, partial } => {
            let (value, bounds) = figure(*interval);
            let star = if *partial { "\\*" } else { "" };
            let marked = match mark {
                Mark::Best => format!("**{value}**{star}"),
                Mark::Tie => format!("\\~{value}{star}"),
                Mark::Plain => format!("{value}{star}"),
            };
            format!("{marked} {bounds}").trim_end().to_owned()
        }
    }
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '*' | '_' | '`' | '\\' | '<' | '~' | '[' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

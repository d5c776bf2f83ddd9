//! For READMEs.

use std::fmt::Write as _;

use super::{Cell, Mark, Table, figure};
use crate::report::metric::Metric;

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

/// What the metrics of `tables` are, each once; nothing where there are none.
#[must_use]
pub fn definitions(tables: &[Table]) -> String {
    let mut metrics: Vec<&Metric> = Vec::new();
    for metric in tables.iter().flat_map(|table| &table.metrics) {
        if !metrics.contains(metric) {
            metrics.push(metric);
        }
    }
    if metrics.is_empty() {
        return String::new();
    }
    let mut out = String::from("### Definitions\n\n");
    for metric in metrics {
        let _ = writeln!(out, "- {}: {}.", escape(metric.title), escape(metric.definition));
    }
    out
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => escape(text),
        Cell::Count(count) => count.to_string(),
        Cell::Empty => String::new(),
        Cell::Figure { interval, mark, n, seeds } => {
            let (value, beside) = figure(*interval, *n, *seeds);
            let marked = match mark {
                Mark::Best => format!("**{value}**"),
                Mark::Tie => format!("\\~{value}"),
                Mark::Plain => value,
            };
            format!("{marked} {beside}").trim_end().to_owned()
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

//! For the page.

use std::fmt::Write as _;

use super::{Cell, Mark, Table, figure};

/// Words of more letters are broken into lines.
const LONG: usize = 60;

/// `&<>"'` as entities: nothing that a spec or a folder is called can become markup.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            _ => out.push(c),
        }
    }
    out
}

/// The table, whose columns the page's script sorts by the number in `data-v`.
#[must_use]
pub fn html(table: &Table) -> String {
    let notes = format!("<p class=\"note\">{}</p>\n", escape(&table.notes.join(" ")));
    if table.rows.is_empty() {
        return notes;
    }
    let mut out = String::from("<div class=\"scroll\"><table class=\"sortable\"><thead><tr>");
    for (column, head) in table.header.iter().enumerate() {
        let words = table.rows.iter().any(|row| matches!(row[column], Cell::Text(_)));
        let known = table.metrics.iter().find(|metric| metric.title == head);
        let title = known.map(|metric| format!(" title=\"{}\"", escape(metric.definition)));
        let _ = write!(
            out,
            "<th scope=\"col\"{}{}><button type=\"button\">{}</button></th>",
            if words { " class=\"label\"" } else { "" },
            title.unwrap_or_default(),
            escape(head)
        );
    }
    out += "</tr></thead><tbody>\n";
    for row in &table.rows {
        out += "<tr>";
        for cell in row {
            out += &text(cell);
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n" + &notes
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => {
            let long = if text.chars().count() > LONG { " long" } else { "" };
            format!("<td class=\"label{long}\">{}</td>", escape(text))
        }
        Cell::Count(count) => format!("<td data-v=\"{count}\">{count}</td>"),
        Cell::Empty => "<td></td>".into(),
        Cell::Figure { interval, mark, n, seeds } => {
            let (value, beside) = figure(*interval, *n, *seeds);
            let marked = match mark {
                Mark::Best => format!("<b>{value}</b>"),
                Mark::Tie => format!("~{value}"),
                Mark::Plain => value,
            };
            format!("<td data-v=\"{}\">{marked} <small>{beside}</small></td>", interval.value)
        }
    }
}

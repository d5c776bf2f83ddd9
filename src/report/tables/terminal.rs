//! For stdout.

use comfy_table::{CellAlignment, presets};

use super::{Cell, Mark, Table, figure};

/// The table with its title and notes. There is no bold in a pipe: the best is marked with an arrow.
#[must_use]
pub fn terminal(table: &Table) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(presets::UTF8_BORDERS_ONLY).set_header(&table.header);
    for row in &table.rows {
        drawn.add_row(row.iter().map(text));
    }
    for column in drawn.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let notes = table.notes.join("\n").replace("Bold is best", "▸ is best");
    format!("{}\n{drawn}\n{notes}\n", table.title)
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Count(count) => count.to_string(),
        Cell::Empty => String::new(),
        Cell::Figure { interval, mark, partial } => {
            let (value, bounds) = figure(*interval);
            let mark = match mark {
                Mark::Best => "▸",
                Mark::Tie => "~",
                Mark::Plain => "",
            };
            let star = if *partial { "*" } else { "" };
            format!("{mark}{value}{star} {bounds}").trim_end().to_owned()
        }
    }
}

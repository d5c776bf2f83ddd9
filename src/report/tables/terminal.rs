//! For stdout.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, presets};

use super::{Cell, Mark, Table, figure};

/// Wider than this a column of words is broken into lines, where the terminal is narrow.
const WORDS: usize = 36;
/// What a border and the space around a cell take: of each cell, and of the table.
const FRAME: (usize, usize) = (3, 1);

/// The table with its title and notes. There is no bold in a pipe: the best is marked with an arrow.
/// A table that is wider than `width` comes in several, one below the other, each of which begins with the
/// first column.
#[must_use]
pub fn terminal(table: &Table, width: Option<u16>) -> String {
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(text).collect()).collect();
    let mut out = format!("{}\n", table.title);
    for columns in blocks(&table.header, &rows, width) {
        let pick = |row: &[String]| columns.iter().map(|&column| row[column].clone()).collect::<Vec<_>>();
        let mut drawn = comfy_table::Table::new();
        drawn.load_style(presets::UTF8_BORDERS_ONLY).set_header(pick(&table.header));
        if let Some(width) = width {
            drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for row in &rows {
            drawn.add_row(pick(row));
        }
        for (drawn, &column) in drawn.column_iter_mut().zip(&columns) {
            let words = table.rows.iter().any(|row| matches!(row[column], Cell::Text(_)));
            drawn.set_cell_alignment(if words { CellAlignment::Left } else { CellAlignment::Right });
        }
        let _ = writeln!(out, "{drawn}");
    }
    let notes = table.notes.join("\n").replace("Bold is best", "▸ is best");
    out + &notes + "\n"
}

/// Which columns stand side by side.
fn blocks(header: &[String], rows: &[Vec<String>], width: Option<u16>) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..header.len()).collect();
    let Some(width) = width.map(usize::from) else { return vec![all] };
    let natural = |column: usize| {
        let cells = rows.iter().map(|row| &row[column]).chain([&header[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let wide = |column: usize| natural(column).min(WORDS) + FRAME.0;
    if all.iter().map(|&column| natural(column) + FRAME.0).sum::<usize>() + FRAME.1 <= width {
        return vec![all];
    }
    let (mut blocks, mut block) = (Vec::new(), vec![0]);
    let mut used = wide(0) + FRAME.1;
    for column in 1..header.len() {
        if block.len() > 1 && used + wide(column) > width {
            blocks.push(std::mem::replace(&mut block, vec![0]));
            used = wide(0) + FRAME.1;
        }
        block.push(column);
        used += wide(column);
    }
    blocks.push(block);
    blocks
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Count(count) => count.to_string(),
        Cell::Empty => String::new(),
        Cell::Figure { interval, mark, n, seeds } => {
            let (value, beside) = figure(*interval, *n, *seeds);
            let mark = match mark {
                Mark::Best => "▸",
                Mark::Tie => "~",
                Mark::Plain => "",
            };
            format!("{mark}{value} {beside}").trim_end().to_owned()
        }
    }
}

//! For stdout.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::CellAlignment;

use super::{Cell, Mark, Table, figure};
use crate::text_table;

/// Wider than this a column of words is broken into lines, where the terminal is narrow.
const WORDS: usize = 36;
/// Words of more letters stand below the table instead, where the terminal is narrow.
const ASIDE: usize = 60;
/// What a border and the space around a cell take: of each cell, and of the table.
const FRAME: (usize, usize) = (3, 1);

/// The table with its title and notes. There is no bold in a pipe: the best is marked with an arrow.
/// Of a table that is wider than `width`, long words and what is the same in every row come below it. If it still is
/// wider, it comes in several, one below the other, each of which begins with the columns that tell the rows apart.
#[must_use]
pub fn terminal(table: &Table, width: Option<u16>) -> String {
    let broken = |text: &str| match width {
        Some(width) => text_table::wrap(text, width.into()),
        None => text.to_owned(),
    };
    let mut out = broken(&table.title) + "\n";
    let mut notes = Vec::new();
    if !table.rows.is_empty() {
        let mut grid = Grid::of(table);
        if width.is_some_and(|width| grid.width() > width.into()) {
            notes.extend(grid.set_aside());
        }
        out += &grid.draw(width);
    }
    notes.extend(table.notes.iter().map(|note| note.replace("Bold is best", "▸ is best")));
    for note in &notes {
        out += &(broken(note) + "\n");
    }
    out
}

/// Columns of written cells.
struct Grid(Vec<Column>);

struct Column {
    head: String,
    cells: Vec<String>,
    words: bool,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.head]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    }

    fn is_same_throughout(&self) -> bool {
        self.words && self.cells.len() > 1 && self.cells.iter().all(|cell| *cell == self.cells[0])
    }
}

impl Grid {
    fn of(table: &Table) -> Self {
        let column = |(index, head): (usize, &String)| Column {
            head: head.clone(),
            cells: table.rows.iter().map(|row| text(&row[index])).collect(),
            words: table.rows.iter().any(|row| matches!(row[index], Cell::Text(_))),
        };
        Self(table.header.iter().enumerate().map(column).collect())
    }

    fn width(&self) -> usize {
        self.0.iter().map(|column| column.width() + FRAME.0).sum::<usize>() + FRAME.1
    }

    /// Takes what is said as well below the table, and says it.
    fn set_aside(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        let (same, mut rest): (Vec<Column>, Vec<Column>) =
            std::mem::take(&mut self.0).into_iter().partition(Column::is_same_throughout);
        if !same.is_empty() {
            let said: Vec<String> =
                same.iter().map(|column| format!("{} {}", column.head, column.cells[0])).collect();
            notes.push(format!("In every row: {}.", said.join("; ")));
        }
        for column in rest.iter_mut().skip(1).filter(|column| column.words && column.width() > ASIDE) {
            let mut known: Vec<String> = Vec::new();
            for cell in column.cells.iter_mut().filter(|cell| !cell.is_empty()) {
                let number = known.iter().position(|text| text == cell).unwrap_or_else(|| {
                    known.push(cell.clone());
                    known.len() - 1
                });
                *cell = format!("({})", number + 1);
            }
            notes.push(format!("{}:", column.head));
            notes.extend(known.iter().enumerate().map(|(index, text)| format!("({}) {text}", index + 1)));
        }
        self.0 = rest;
        notes
    }

    fn draw(&self, width: Option<u16>) -> String {
        let mut out = String::new();
        for block in self.blocks(width) {
            let columns: Vec<&Column> = block.into_iter().map(|index| &self.0[index]).collect();
            let mut drawn = text_table::empty(columns.iter().map(|column| column.head.as_str()), width);
            for row in 0..columns.first().map_or(0, |column| column.cells.len()) {
                drawn.add_row(columns.iter().map(|column| &column.cells[row]));
            }
            for (drawn, column) in drawn.column_iter_mut().zip(&columns) {
                drawn.set_cell_alignment(if column.words {
                    CellAlignment::Left
                } else {
                    CellAlignment::Right
                });
            }
            let _ = writeln!(out, "{drawn}");
        }
        out
    }

    /// How many of the first columns tell the rows apart; one where nothing does.
    fn keys(&self) -> usize {
        let rows = self.0.first().map_or(0, |column| column.cells.len());
        let apart = |count: &usize| {
            let row =
                |row: usize| self.0[..*count].iter().map(|column| &column.cells[row]).collect::<Vec<_>>();
            (0..rows).map(row).collect::<BTreeSet<_>>().len() == rows
        };
        let words = self.0.iter().take_while(|column| column.words).count();
        (1..=words).find(apart).unwrap_or(1)
    }

    /// Which columns stand side by side.
    fn blocks(&self, width: Option<u16>) -> Vec<Vec<usize>> {
        let all: Vec<usize> = (0..self.0.len()).collect();
        let Some(width) = width.map(usize::from) else { return vec![all] };
        if self.width() <= width {
            return vec![all];
        }
        let wide = |column: usize| self.0[column].width().min(WORDS) + FRAME.0;
        let keys: Vec<usize> = (0..self.keys()).collect();
        let begun = keys.iter().map(|&column| wide(column)).sum::<usize>() + FRAME.1;
        let (mut blocks, mut block, mut used) = (Vec::new(), keys.clone(), begun);
        for column in keys.len()..self.0.len() {
            if block.len() > keys.len() && used + wide(column) > width {
                blocks.push(std::mem::replace(&mut block, keys.clone()));
                used = begun;
            }
            block.push(column);
            used += wide(column);
        }
        blocks.push(block);
        blocks
    }
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

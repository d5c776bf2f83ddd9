//! Tables on the terminal (Markdown) and, where asked for, as CSV files.

use std::fs;
use std::path::Path;

/// A table of text cells.
pub struct Table {
    title: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(title: &str, header: &[&str]) -> Self {
        let header = header.iter().map(ToString::to_string).collect();
        Self { title: title.into(), header, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// As Markdown, the first column to the left and the others to the right.
    pub fn print(&self) {
        let mut widths: Vec<usize> = self.header.iter().map(|c| c.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: &[String]| {
            let pad = |(i, cell): (usize, &String)| {
                if i == 0 { format!("{cell:<0$}", widths[0]) } else { format!("{cell:>0$}", widths[i]) }
            };
            format!("| {} |", cells.iter().enumerate().map(pad).collect::<Vec<_>>().join(" | "))
        };
        let rule = |(i, width): (usize, &usize)| {
            if i == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
        };
        println!("\n{}\n\n{}", self.title, line(&self.header));
        println!("|{}|", widths.iter().enumerate().map(rule).collect::<Vec<_>>().join("|"));
        self.rows.iter().for_each(|row| println!("{}", line(row)));
    }

    /// As CSV in `folder`/`name`.csv, if a folder is given.
    pub fn write(&self, folder: Option<&Path>, name: &str) {
        let Some(folder) = folder else { return };
        let cells = std::iter::once(&self.header).chain(&self.rows);
        let text: String = cells.map(|row| row.join(",") + "\n").collect();
        let path = folder.join(format!("{name}.csv"));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|why| panic!("{} could not be written: {why}", path.display()));
    }
}

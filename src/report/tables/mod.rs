//! Tables, written five ways: terminal, Markdown, LaTeX, HTML, and CSV with every figure.

mod build;
mod csv;
mod html;
mod latex;
mod markdown;
mod terminal;

#[cfg(test)]
mod tests;

pub use build::{improvements, overview, tables};
pub use csv::csv;
pub use html::{escape, html};
pub use latex::latex;
pub use markdown::markdown;
pub use terminal::terminal;

use super::statistics::Interval;

/// How a figure stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The best of the column.
    Best,
    /// Its interval overlaps that of the best.
    Tie,
    /// Neither, or there is nothing to compare with.
    Plain,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number of runs.
    Count(usize),
    /// A figure.
    Figure {
        /// With its interval.
        interval: Interval,
        /// Beside the others.
        mark: Mark,
        /// Whether runs are missing from it.
        partial: bool,
    },
    /// Does not apply.
    Empty,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Heading.
    pub title: String,
    /// What the reader has to know to read it, in sentences.
    pub notes: Vec<String>,
    /// Heads of the columns.
    pub header: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<Cell>>,
}

/// `0.4908 [0.471, 0.523]` in parts: value, interval. A plain run is no interval.
fn figure(interval: Interval) -> (String, String) {
    let Interval { value, low, high } = interval;
    let bounds = if low == high { String::new() } else { format!("[{low:.3}, {high:.3}]") };
    (format!("{value:.4}"), bounds)
}

//! Tables, written five ways: terminal, Markdown, LaTeX, HTML, and CSV with every figure.

mod benchmark;
mod csv;
mod html;
mod improvement;
mod latex;
mod markdown;
mod marks;
mod overview;
mod search;
mod terminal;

#[cfg(test)]
mod tests;

pub use benchmark::table as benchmark;
pub use csv::csv;
pub use html::{escape, html};
pub use improvement::table as improvement;
pub use latex::latex;
pub use markdown::{definitions, markdown};
pub use overview::tables as overview;
pub use search::{table as search, unsigned};
pub use terminal::terminal;

use super::metric::Metric;
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
        /// Seeds that it is of.
        n: usize,
        /// Seeds that the variant has.
        seeds: usize,
    },
    /// Does not apply.
    Empty,
}

/// How soon a table is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// First: the terminal shows its headline columns unasked.
    Headline,
    /// One variant against the others.
    Comparison,
    /// Asked for by an option, and shown whole.
    Asked,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Heading.
    pub title: String,
    /// The benchmark that it is of, if it is of one.
    pub benchmark: Option<usize>,
    /// How soon it is looked at.
    pub rank: Rank,
    /// What the reader has to know to read it, in sentences.
    pub notes: Vec<String>,
    /// The metrics that it shows: their definitions belong to it.
    pub metrics: Vec<&'static Metric>,
    /// Columns that the terminal shows unasked.
    pub brief: Vec<usize>,
    /// Heads of the columns.
    pub header: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// The same with its headline columns alone, for a look; `None` of a table that is not looked at first.
    #[must_use]
    pub fn brief(&self) -> Option<Self> {
        let pick = |row: &Vec<Cell>| self.brief.iter().map(|&column| row[column].clone()).collect();
        match self.rank {
            Rank::Headline => Some(Self {
                header: self.brief.iter().map(|&column| self.header[column].clone()).collect(),
                rows: self.rows.iter().map(pick).collect(),
                brief: (0..self.brief.len()).collect(),
                ..self.clone()
            }),
            Rank::Comparison => None,
            Rank::Asked => Some(self.clone()),
        }
    }
}

/// `0.4908 [0.471, 0.523] n=3` in parts: value, interval, and the number of seeds where some are missing. A
/// single seed has no interval.
fn figure(interval: Interval, n: usize, seeds: usize) -> (String, String) {
    let Interval { value, low, high } = interval;
    // Returns reach hundreds, and nobody reads their fourth decimal.
    let digits = if value.abs().max(high.abs()) < 10.0 { 4 } else { 1 };
    let mut beside = Vec::new();
    if low != high {
        let less = digits - usize::from(digits > 1);
        beside.push(format!("[{low:.less$}, {high:.less$}]"));
    }
    if n < seeds {
        beside.push(format!("n={n}"));
    }
    (format!("{value:.digits$}"), beside.join(" "))
}

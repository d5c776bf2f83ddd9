//! Text for stdout, and the tables on it.

use std::io::{self, Write};

use anyhow::Context;
use comfy_table::Table;

use super::Failure;
use crate::text_table;

/// Width of tables where stdout is no terminal and `COLUMNS` gives no other.
const WIDTH: u16 = 120;
/// Narrower than this, tables only become harder to read.
const LEAST: u16 = 40;

/// Width of the terminal that stdout is, if it is one.
pub fn terminal() -> Option<u16> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.max(LEAST))
}

/// Width that text is broken to: the terminal's, `COLUMNS`, or that of a page.
pub fn width() -> u16 {
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| *width >= LEAST);
    terminal().or_else(columns).unwrap_or(WIDTH)
}

/// Lines of the terminal that stdout is, if it is one.
pub fn terminal_height() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(_, terminal_size::Height(height))| height)
}

/// Prints `text` and a line end. A reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("stdout cannot be written to").map_err(Failure::usage)
        }
        _ => Ok(()),
    }
}

/// A table of prose with this header, in the house's style.
pub fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    text_table::empty(header, Some(width()))
}

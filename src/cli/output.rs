//! Text for stdout, and the tables on it.

use std::io::{self, Write};

use anyhow::Context;
use comfy_table::{ContentArrangement, Table};

use super::Failure;

/// Width of tables where `COLUMNS` does not give another: as wide as most terminals are opened, and the
/// same in a pipe, so that the output does not depend on where it goes.
const WIDTH: u16 = 120;

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

/// A table with this header, in the house's style.
pub fn table<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns.filter(|width| *width >= 40).unwrap_or(WIDTH))
        .set_header(header);
    table
}

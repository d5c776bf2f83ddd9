//! Tables for the terminal, in one style.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with this header, at most `width` characters wide if there is a limit.
pub fn empty<'a>(header: impl IntoIterator<Item = &'a str>, width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(header);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table
}

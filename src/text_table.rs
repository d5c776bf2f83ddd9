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

/// `text` in lines of at most `width` characters, broken between words; a longer word has its own.
#[must_use]
pub fn wrap(text: &str, width: usize) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let letters = word.chars().count();
        if used > 0 && used + 1 + letters > width {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out += word;
        used += letters;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("one two three", 13), "one two three");
        assert_eq!(wrap("a-word-of-many-letters and", 5), "a-word-of-many-letters\nand");
        assert_eq!(wrap("", 5), "");
    }
}

//! Which elements of a drawing belong to which line. The drawing library has no groups, so the pen leaves
//! marks among the text, which become groups on the page and nothing in files.

use std::fmt::Write as _;

use super::{Panel, Series};

/// Begins and ends a group: characters for private use, which no font draws and no label holds.
const BEGIN: char = '\u{E000}';
const END: char = '\u{E001}';
const FIELD: char = '\u{E002}';

/// Text that begins the group of a line, with what a page needs to tell its points: `place` gives their
/// pixels.
pub fn series(panel: &Panel, series: &Series, place: impl Fn(f64, f64) -> (f64, f64)) -> String {
    let mut points = String::new();
    for (index, &(x, y)) in series.points.iter().enumerate() {
        let (px, py) = place(x, y);
        if index > 0 {
            points.push(';');
        }
        let _ = write!(points, "{px:.0},{py:.0},{},{}", short(x), short(y));
        if let Some((_, low, high)) = series.band.get(index) {
            let _ = write!(points, ",{},{}", short(*low), short(*high));
        }
        if let Some(n) = series.n.get(index) {
            let _ = write!(points, ",{n}");
        }
    }
    let fields = ["series", &plain(&series.label), &plain(&panel.x), &plain(&panel.y), &points];
    format!("{BEGIN}{}{BEGIN}", fields.join(&FIELD.to_string()))
}

/// Text that begins the group of a key: a line's place in the legend, or its label.
pub fn key(label: &str) -> String {
    format!("{BEGIN}key{FIELD}{}{BEGIN}", plain(label))
}

/// Text that begins the group of a line's band.
pub fn band(label: &str) -> String {
    format!("{BEGIN}band{FIELD}{}{BEGIN}", plain(label))
}

/// Text that ends a group.
pub fn end() -> String {
    END.to_string()
}

fn plain(text: &str) -> String {
    text.replace([BEGIN, END, FIELD], "")
}

/// Four digits, which is more than a plot shows.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap_or(x);
    if rounded == 0.0 || (1e-4..1e7).contains(&rounded.abs()) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

/// The drawing with groups in the place of its marks.
pub fn grouped(svg: &str) -> String {
    replaced(svg, |mark| {
        if mark.starts_with(END) {
            return "</g>\n".into();
        }
        let mut fields = mark.trim_matches(BEGIN).split(FIELD);
        let mut next = || fields.next().unwrap_or_default();
        match next() {
            kind @ ("key" | "band") => format!("<g class=\"{kind}\" data-name=\"{}\">\n", next()),
            _ => format!(
                "<g class=\"series\" data-name=\"{}\" data-x=\"{}\" data-y=\"{}\" data-p=\"{}\">\n",
                next(),
                next(),
                next(),
                next()
            ),
        }
    })
}

/// The drawing without marks.
pub fn ungrouped(svg: &str) -> String {
    replaced(svg, |_| String::new())
}

/// Puts something in the place of every text element that is a mark. What is in it is escaped already.
fn replaced(svg: &str, by: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(svg.len());
    let mut rest = svg;
    while let Some(at) = rest.find([BEGIN, END]) {
        let begin = rest[..at].rfind("<text").unwrap_or(at);
        let after = rest[at..].find("</text>").map_or(rest.len(), |end| at + end + "</text>".len());
        let mark = rest[at..after].trim_end_matches("</text>").trim();
        out += &rest[..begin];
        out += &by(mark);
        rest = rest[after..].strip_prefix('\n').unwrap_or(&rest[after..]);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plots::Style;

    #[test]
    fn marks_become_groups_and_leave_no_trace_in_files() {
        let line = Series { n: vec![3, 3], ..Series::line("a", Style::of(0), vec![(0.0, 0.5), (1.0, 1e-9)]) };
        let panel = Panel::new("", "task", "accuracy", Vec::new());
        let begin = series(&panel, &line, |x, y| (10.0 * x, 100.0 * y));
        let text = |mark: &str| format!("<text x=\"0\" y=\"0\">\n{mark}\n</text>\n");
        let (shape, rest) = ("<path d=\"M0\"/>\n", "<text>\na label\n</text>\n");
        let svg = format!("<svg>\n{}{shape}{}{rest}</svg>\n", text(&begin), text(&end()));
        assert_eq!(ungrouped(&svg), format!("<svg>\n{shape}{rest}</svg>\n"));
        let known = "<g class=\"series\" data-name=\"a\" data-x=\"task\" data-y=\"accuracy\" \
                     data-p=\"0,50,0,0.5,3;10,0,1,1e-9,3\">\n";
        assert_eq!(grouped(&svg), format!("<svg>\n{known}{shape}</g>\n{rest}</svg>\n"));
    }
}

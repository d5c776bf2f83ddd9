//! A matrix of shares as coloured cells.

use plotters::prelude::*;
use plotters::style::FontTransform;

use super::pen::{INK, Outcome, Pen};
use super::{Panel, Style};

/// Cells at least this wide have their figure written in.
const LEGIBLE: f64 = 22.0;
/// Figures on light cells: dark on the page's dark ground too, where [`INK`] turns light.
const FIGURE: RGBColor = RGBColor(33, 33, 33);
/// Most task numbers along an edge.
const TICKS: usize = 10;

/// Draws it: the darker the more.
pub fn matrix<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    panel: &Panel,
    rows: &[Vec<Option<f64>>],
    corner: (u32, u32),
    size: (u32, u32),
) -> Outcome<B> {
    let count = rows.len().max(1);
    let (left, top) = (f64::from(corner.0) + 52.0, f64::from(corner.1) + 30.0);
    let side = f64::from(size.0 - 62).min(f64::from(size.1 - 76)) / count as f64;
    let bottom = top + side * count as f64;
    pen.text(&panel.title, (left as i32, corner.1 as i32 + 8), 12, false)?;
    for (i, row) in rows.iter().enumerate() {
        for (j, value) in row.iter().enumerate().filter_map(|(j, v)| Some((j, (*v)?))) {
            let (x, y) = (left + j as f64 * side, top + i as f64 * side);
            let (r, g, b) = Style::ramp(value);
            let ends = [pen.at((x, y)), pen.at((x + side, y + side))];
            pen.root.draw(&Rectangle::new(ends, RGBColor(r, g, b).filled()))?;
            if side >= LEGIBLE {
                let ink = if value > 0.45 { WHITE } else { FIGURE };
                let font = ("sans-serif", f64::from(9 * pen.scale)).into_font().color(&ink);
                let text = format!("{:.0}", 100.0 * value);
                // Digits of this font are 5.7 wide at size 9.
                let inset = (side - 5.7 * text.len() as f64) / 2.0;
                let place = pen.at((x + inset, y + side / 2.0 - 5.0));
                pen.root.draw(&Text::new(text, place, font))?;
            }
        }
    }
    for task in (0..rows.len()).step_by(count.div_ceil(TICKS)) {
        let middle = (task as f64 + 0.5) * side;
        let text = task.to_string();
        let wide = 6 * text.len() as i32;
        pen.text(&text, (left as i32 - 5 - wide, (top + middle) as i32 - 6), 10, false)?;
        pen.text(&text, ((left + middle) as i32 - wide / 2, bottom as i32 + 4), 10, false)?;
    }
    pen.text(&panel.x, (left as i32, bottom as i32 + 19), 11, false)?;
    let turned = ("sans-serif", f64::from(11 * pen.scale)).into_font().transform(FontTransform::Rotate270);
    pen.root.draw(&Text::new(panel.y.clone(), pen.at((left - 38.0, bottom)), turned.color(&INK)))
}

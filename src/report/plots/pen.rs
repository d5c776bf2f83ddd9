//! Lines, markers and text in a chart's own pixels.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::style::{MARKERS, Style};

/// What a drawing can fail with.
pub type Outcome<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Draws in the chart's own pixels, each of which is `scale` of the picture's.
pub struct Pen<'a, B: DrawingBackend> {
    /// The whole picture.
    pub root: &'a DrawingArea<B, Shift>,
    /// Pixels to one.
    pub scale: u32,
    /// Whether what belongs to one line is marked.
    pub marks: bool,
}

/// What hollow markers are filled with: paper, and a shade that the page knows from the white of figures.
const HOLLOW: RGBColor = RGBColor(254, 254, 254);
/// Of text and axes.
pub const INK: RGBColor = RGBColor(34, 34, 34);

impl<B: DrawingBackend> Pen<'_, B> {
    /// A point of the chart in the picture's pixels.
    pub fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let scale = f64::from(self.scale);
        ((x * scale).round() as i32, (y * scale).round() as i32)
    }

    /// A mark of [`super::groups`], in drawings that have them.
    pub fn mark(&self, mark: &str) -> Outcome<B> {
        if self.marks { self.text(mark, (0, 0), 1, false) } else { Ok(()) }
    }

    /// Text with its upper left corner at a point.
    pub fn text(&self, text: &str, corner: (i32, i32), size: u32, bold: bool) -> Outcome<B> {
        let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = ("sans-serif", f64::from(size * self.scale), style).into_font().color(&INK);
        let corner = self.at((f64::from(corner.0), f64::from(corner.1)));
        self.root.draw(&Text::new(text.to_owned(), corner, font))
    }

    /// A line in the style's colour and dashes.
    pub fn path(&self, points: &[(f64, f64)], style: Style, width: u32) -> Outcome<B> {
        let (r, g, b) = style.colour;
        let ink = RGBColor(r, g, b).stroke_width(width * self.scale);
        for piece in dashed(points, style.dash) {
            let piece: Vec<_> = piece.into_iter().map(|point| self.at(point)).collect();
            self.root.draw(&PathElement::new(piece, ink))?;
        }
        Ok(())
    }

    /// The style's marker around a point.
    pub fn marker(&self, at: (f64, f64), style: Style) -> Outcome<B> {
        let (r, g, b) = style.colour;
        let shape = style.marker % (MARKERS / 2);
        self.shape(at, shape, 1.0, RGBColor(r, g, b))?;
        if style.marker >= MARKERS / 2 { self.shape(at, shape, 0.5, HOLLOW) } else { Ok(()) }
    }

    fn shape(&self, (x, y): (f64, f64), shape: usize, size: f64, ink: RGBColor) -> Outcome<B> {
        let corners: &[(f64, f64)] = match shape {
            0 => {
                let radius = (4.0 * size * f64::from(self.scale)) as u32;
                return self.root.draw(&Circle::new(self.at((x, y)), radius, ink.filled()));
            }
            1 => &[(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)],
            2 => &[(0.0, -4.5), (4.5, 3.5), (-4.5, 3.5)],
            3 => &[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)],
            _ => &[(0.0, 4.5), (4.5, -3.5), (-4.5, -3.5)],
        };
        let corners: Vec<_> =
            corners.iter().map(|(dx, dy)| self.at((x + size * dx, y + size * dy))).collect();
        self.root.draw(&Polygon::new(corners, ink.filled()))
    }
}

/// Cuts a line into its dashes.
fn dashed(points: &[(f64, f64)], dash: &[f64]) -> Vec<Vec<(f64, f64)>> {
    if dash.is_empty() || points.len() < 2 {
        return vec![points.to_vec()];
    }
    let (mut pieces, mut piece) = (Vec::new(), vec![points[0]]);
    let (mut phase, mut left) = (0, dash[0]);
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let cut = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length);
            piece.push(cut);
            if phase % 2 == 0 {
                pieces.push(std::mem::take(&mut piece));
            }
            piece = vec![cut];
            phase = (phase + 1) % dash.len();
            left = dash[phase];
        }
        left -= length - done;
        piece.push((x1, y1));
    }
    if phase % 2 == 0 && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_a_line_by_their_pattern() {
        let pieces = dashed(&[(0.0, 0.0), (5.0, 0.0), (20.0, 0.0)], &[6.0, 4.0]);
        assert_eq!(pieces, [vec![(0.0, 0.0), (5.0, 0.0), (6.0, 0.0)], vec![(10.0, 0.0), (16.0, 0.0)]]);
        assert_eq!(dashed(&[(0.0, 0.0), (5.0, 0.0)], &[]).len(), 1);
    }
}

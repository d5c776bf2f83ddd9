//! One pair of axes and what stands between them.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::pen::{INK, Outcome, Pen};
use super::style::MARKERS;
use super::{Panel, Series, ends, groups};

/// Markers on a line.
const MARKS: usize = 6;
const GRID: RGBColor = RGBColor(225, 225, 225);

/// Least and greatest with a margin; something around a single value.
fn range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let finite = values.filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    let margin = if high > low { 0.04 * (high - low) } else { 0.05 * low.abs().max(0.1) };
    low - margin..high + margin
}

fn label(log: bool, value: f64) -> String {
    // Ticks of a logarithmic axis stand at whole and half decades: two digits tell them apart.
    let two_digits = |x: f64| format!("{x:.1e}").parse().unwrap_or(x);
    let value = if log { two_digits(10_f64.powf(value)) } else { value };
    let size = value.abs();
    // What rounding leaves of a tick at 0.
    if size < 1e-12 && !log {
        "0".into()
    } else if (1e-3..1e6).contains(&size) {
        format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.0e}")
    }
}

type Axes = Cartesian2d<RangedCoordf64, RangedCoordf64>;

/// Lines, bands and points.
pub fn series<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    panel: &Panel,
    all: &[Series],
    corner: (u32, u32),
    size: (u32, u32),
    ends: u32,
) -> Outcome<B> {
    let scaled = |log: bool, v: f64| if log { v.max(f64::MIN_POSITIVE).log10() } else { v };
    let xs = all.iter().flat_map(|s| s.points.iter().map(|p| scaled(panel.log_x, p.0)));
    let ys = all.iter().flat_map(|s| {
        let bands = s.band.iter().flat_map(|b| [b.1, b.2]).filter(|v| !panel.log_y || *v > 0.0);
        s.points.iter().map(|p| p.1).chain(bands).map(|y| scaled(panel.log_y, y))
    });
    let (x, y) = (range(xs), range(ys));
    let k = pen.scale;
    let area = pen.root.clone().shrink((corner.0 * k, corner.1 * k), (size.0 * k, size.1 * k));
    let font = |size: u32| ("sans-serif", f64::from(size * k)).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .margin(6 * k)
        .margin_right((12 + ends) * k)
        .caption(&panel.title, font(12))
        .x_label_area_size(34 * k)
        .y_label_area_size(56 * k)
        .build_cartesian_2d(x, y.clone())?;
    chart
        .configure_mesh()
        .x_labels(5)
        .y_labels(5)
        .max_light_lines(0)
        .bold_line_style(GRID.stroke_width(k))
        .axis_style(INK.stroke_width(k))
        .label_style(font(10))
        .axis_desc_style(font(11))
        .x_desc(&panel.x)
        .y_desc(&panel.y)
        .x_label_formatter(&|x| label(panel.log_x, *x))
        .y_label_formatter(&|y| label(panel.log_y, *y))
        .draw()?;
    let plane: &DrawingArea<B, Axes> = chart.plotting_area();
    let place = |x: f64, v: f64| {
        let v = scaled(panel.log_y, v).clamp(y.start, y.end);
        let (px, py) = plane.map_coordinate(&(scaled(panel.log_x, x), v));
        (f64::from(px) / f64::from(k), f64::from(py) / f64::from(k))
    };
    // All bands lie under all lines.
    for one in all.iter().filter(|one| one.band.len() > 1) {
        pen.mark(&groups::band(&one.label))?;
        let (r, g, b) = one.style.colour;
        let there = one.band.iter().map(|&(x, low, _)| place(x, low));
        let back = one.band.iter().rev().map(|&(x, _, high)| place(x, high));
        let outline: Vec<_> = there.chain(back).map(|point| pen.at(point)).collect();
        pen.root.draw(&Polygon::new(outline, RGBColor(r, g, b).mix(0.16).filled()))?;
        pen.mark(&groups::end())?;
    }
    for one in all {
        pen.mark(&groups::series(panel, one, place))?;
        let points: Vec<_> = one.points.iter().map(|&(x, y)| place(x, y)).collect();
        if one.joined && points.len() > 1 {
            pen.path(&points, one.style, 2)?;
        }
        // On a line a few, and not where the others have theirs: enough to tell it without its colour.
        let marked = &points[one.marked.clone().unwrap_or(0..points.len())];
        let every = if one.joined { marked.len().div_ceil(MARKS).max(1) } else { 1 };
        let first = (every * one.style.marker / MARKERS).min(marked.len().saturating_sub(1));
        marked.iter().skip(first).step_by(every).try_for_each(|&point| pen.marker(point, one.style))?;
        pen.mark(&groups::end())?;
    }
    if ends > 0 {
        let last = |one: &Series| one.points.last().map(|&(x, y)| place(x, y));
        let lines: Vec<_> = all.iter().filter_map(|one| Some((one, last(one)?))).collect();
        let right = f64::from(corner.0 + size.0 - ends);
        let (top, bottom) = (f64::from(corner.1) + 12.0, f64::from(corner.1 + size.1) - 40.0);
        ends::draw(pen, &lines, right, (top, bottom))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            [-3e-17, 0.25, -2.0, 12_345.0, 2e-4].map(|v| label(false, v)),
            ["0", "0.25", "-2", "12345", "2e-4"]
        );
        assert_eq!([-2.0, 1.5, 6.0].map(|v| label(true, v)), ["0.01", "32", "1e6"]);
    }
}

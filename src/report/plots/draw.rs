//! The page of a chart: title, panels in a grid, legend.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Once;

use anyhow::{Context, anyhow};
use plotters::prelude::*;
use plotters::style::register_font;

use super::panel;
use super::pen::Pen;
use super::{Chart, Content, ends, grid, groups};

/// Pixels of a PNG for each of the drawing's own: 2 prints sharp at the width of a column.
const PNG_SCALE: u32 = 2;
const PANEL: (u32, u32) = (330, 250);
const MATRIX: (u32, u32) = (330, 346);
const TITLE: u32 = 26;
const LEGEND_LINE: u32 = 18;

fn fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let known = register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font("sans-serif", FontStyle::Bold, dejavu::sans::bold()).is_ok();
        assert!(known, "the fonts are part of the program");
    });
}

/// Where everything goes.
struct Layout {
    columns: usize,
    panel: (u32, u32),
    size: (u32, u32),
    legend: Vec<(u32, u32)>,
    legend_top: u32,
    /// Width beside the panel for the names of its lines; 0 where they are in the legend.
    ends: u32,
}

impl Layout {
    fn of(chart: &Chart) -> Self {
        let labels = chart.legend();
        let longest = labels.iter().map(|(label, ..)| label.chars().count()).max().unwrap_or_default();
        let text = (longest as f64 * 6.7) as u32;
        let wide = 46 + text;
        let ends = if chart.names_ends() { ends::ROOM + text } else { 0 };
        let columns = chart.panels.len().clamp(1, 3);
        let rows = chart.panels.len().div_ceil(columns) as u32;
        let matrix = chart.panels.iter().any(|panel| matches!(panel.content, Content::Matrix(_)));
        let panel = match columns {
            _ if matrix => MATRIX,
            1 => (640 + ends, ends::height(if ends > 0 { labels.len() } else { 0 }).max(340)),
            _ => PANEL,
        };
        let width = panel.0 * columns as u32;
        let legend_top = TITLE + rows * panel.1 + 4;
        let across = ((width - 10) / wide).clamp(1, labels.len().max(1) as u32);
        let place = |index: u32| (10 + index % across * wide, legend_top + index / across * LEGEND_LINE);
        let legend: Vec<_> =
            (0..if ends > 0 { 0 } else { labels.len() }).map(|index| place(index as u32)).collect();
        let y = legend.last().map_or(legend_top, |last| last.1);
        let size = (width, y + if legend.is_empty() { 4 } else { LEGEND_LINE + 4 });
        Self { columns, panel, size, legend, legend_top, ends }
    }
}

/// The chart as SVG with a white ground.
pub fn svg(chart: &Chart) -> anyhow::Result<String> {
    Ok(groups::ungrouped(&marked_svg(chart)?))
}

/// The same with the elements of each line and of each key in a group, for the page's script.
pub fn grouped_svg(chart: &Chart) -> anyhow::Result<String> {
    Ok(groups::grouped(&marked_svg(chart)?))
}

fn marked_svg(chart: &Chart) -> anyhow::Result<String> {
    let mut text = String::new();
    let layout = Layout::of(chart);
    let root = SVGBackend::with_string(&mut text, layout.size).into_drawing_area();
    draw(chart, &layout, &Pen { root: &root, scale: 1, marks: true })?;
    drop(root);
    Ok(text)
}

/// The chart as a PNG file.
pub fn png(chart: &Chart, path: &Path) -> anyhow::Result<()> {
    let layout = Layout::of(chart);
    let size = (layout.size.0 * PNG_SCALE, layout.size.1 * PNG_SCALE);
    let mut pixels = vec![0; 3 * (size.0 * size.1) as usize];
    let canvas = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
    draw(chart, &layout, &Pen { root: &canvas, scale: PNG_SCALE, marks: false })?;
    drop(canvas);
    let file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
    let mut encoder = png::Encoder::new(file, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    Ok(writer.finish()?)
}

fn draw<B: DrawingBackend>(chart: &Chart, layout: &Layout, pen: &Pen<'_, B>) -> anyhow::Result<()> {
    fonts();
    let root = pen.root;
    let wrong =
        |error: DrawingAreaErrorKind<B::ErrorType>| anyhow!("{} cannot be drawn: {error}", chart.file);
    root.fill(&WHITE).map_err(wrong)?;
    pen.text(&chart.title, (10, 5), 14, true).map_err(wrong)?;
    for (index, one) in chart.panels.iter().enumerate() {
        let (column, row) = ((index % layout.columns) as u32, (index / layout.columns) as u32);
        let corner = (column * layout.panel.0, TITLE + row * layout.panel.1);
        match &one.content {
            Content::Series(series) => panel::series(pen, one, series, corner, layout.panel, layout.ends),
            Content::Matrix(rows) => grid::matrix(pen, one, rows, corner, layout.panel),
        }
        .map_err(wrong)?;
    }
    debug_assert!(layout.legend_top < layout.size.1);
    for (&(x, y), (label, style, joined)) in layout.legend.iter().zip(chart.legend()) {
        pen.mark(&groups::key(label)).map_err(wrong)?;
        let middle = f64::from(y) + 8.0;
        let x = f64::from(x);
        if joined {
            pen.path(&[(x, middle), (x + 26.0, middle)], style, 2).map_err(wrong)?;
        }
        pen.marker((x + 13.0, middle), style).map_err(wrong)?;
        pen.text(label, (x as i32 + 31, y as i32 + 3), 11, false).map_err(wrong)?;
        pen.mark(&groups::end()).map_err(wrong)?;
    }
    root.present().map_err(wrong)
}

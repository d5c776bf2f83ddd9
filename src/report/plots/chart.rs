//! What is drawn, free of how.

use super::Style;

/// A figure of one or several panels under one legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Name of its files, without an ending.
    pub file: String,
    /// Heading.
    pub title: String,
    /// What is seen and how it was made.
    pub caption: String,
    /// Benchmark that it is of; `None` for one of all benchmarks.
    pub benchmark: Option<usize>,
    /// Whether the page shows it only when asked to.
    pub minor: bool,
    /// Whether lines have their names at their ends rather than in a legend, where there are many of them.
    pub ends: bool,
    /// Side by side, wrapped.
    pub panels: Vec<Panel>,
}

/// One pair of axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Heading.
    pub title: String,
    /// Label of the horizontal axis.
    pub x: String,
    /// Label of the vertical axis.
    pub y: String,
    /// Whether the horizontal axis is logarithmic.
    pub log_x: bool,
    /// Whether the vertical axis is logarithmic.
    pub log_y: bool,
    /// The data.
    pub content: Content,
}

/// What a panel holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Lines and points.
    Series(Vec<Series>),
    /// A matrix, row by row from the top, of values in [0, 1].
    Matrix(Vec<Vec<Option<f64>>>),
}

/// A line with its band, or points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// In the legend.
    pub label: String,
    /// Colour, dash, marker.
    pub style: Style,
    /// (x, y)
    pub points: Vec<(f64, f64)>,
    /// (x, low, high)
    pub band: Vec<(f64, f64, f64)>,
    /// Runs behind each point, where it is a mean.
    pub n: Vec<usize>,
    /// Whether the points are joined.
    pub joined: bool,
    /// Which points of a line may have markers; all of them where it is not said.
    pub marked: Option<std::ops::Range<usize>>,
}

impl Series {
    /// A line without a band.
    #[must_use]
    pub fn line(label: &str, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self {
            label: label.to_owned(),
            style,
            points,
            band: Vec::new(),
            n: Vec::new(),
            joined: true,
            marked: None,
        }
    }

    /// Points alone.
    #[must_use]
    pub fn dots(label: &str, style: Style, points: Vec<(f64, f64)>) -> Self {
        Self { joined: false, ..Self::line(label, style, points) }
    }
}

impl Panel {
    /// Linear axes.
    #[must_use]
    pub fn new(title: &str, x: &str, y: &str, series: Vec<Series>) -> Self {
        let [title, x, y] = [title, x, y].map(str::to_owned);
        Self { title, x, y, log_x: false, log_y: false, content: Content::Series(series) }
    }

    /// A logarithmic vertical axis, where the values are positive and span more than two decades.
    #[must_use]
    pub fn log_y_if_wide(mut self) -> Self {
        self.log_y = is_wide(self.series().iter().flat_map(|s| s.points.iter().map(|p| p.1)));
        self
    }

    /// The same of the horizontal axis.
    #[must_use]
    pub fn log_x_if_wide(mut self) -> Self {
        self.log_x = is_wide(self.series().iter().flat_map(|s| s.points.iter().map(|p| p.0)));
        self
    }

    /// Its series; none in a matrix.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        match &self.content {
            Content::Series(series) => series,
            Content::Matrix(_) => &[],
        }
    }
}

fn is_wide(values: impl Iterator<Item = f64>) -> bool {
    let (low, high) = values.fold((f64::INFINITY, 0.0), |(l, h): (f64, f64), v| (l.min(v), h.max(v)));
    low > 0.0 && low.is_finite() && high / low > 100.0
}

/// More lines than these are named at their ends.
pub(super) const FEW: usize = 6;

impl Chart {
    /// Whether its lines are named at their ends.
    #[must_use]
    pub fn names_ends(&self) -> bool {
        self.ends && self.panels.len() == 1 && self.legend().len() > FEW
    }

    /// Label and style of every series, each label once.
    #[must_use]
    pub fn legend(&self) -> Vec<(&str, Style, bool)> {
        let mut legend: Vec<(&str, Style, bool)> = Vec::new();
        for series in self.panels.iter().flat_map(Panel::series) {
            if !legend.iter().any(|(label, ..)| *label == series.label) {
                legend.push((&series.label, series.style, series.joined));
            }
        }
        legend
    }
}

//! The sizes of one convolution.

use candle_core::{Result, bail};

/// Sizes of a convolution on images by rows: (batch, height, width, channels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels in.
    pub channels: usize,
    /// Channels out.
    pub outputs: usize,
    /// Rows and columns of a filter.
    pub filter: (usize, usize),
    /// Step between neighbouring positions, in both directions.
    pub stride: usize,
    /// Zeros around the image, on each side.
    pub padding: usize,
    /// Rows and columns of an output image.
    pub to: (usize, usize),
}

impl Geometry {
    /// For inputs (batch, height, width, channels) and filters (outputs, channels, rows, columns).
    pub fn new(
        x: (usize, usize, usize, usize),
        w: (usize, usize, usize, usize),
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let (batch, height, width, channels) = x;
        let (outputs, inner, rows, columns) = w;
        if inner != channels {
            bail!("conv: {channels} channels for filters of {inner}");
        }
        let (Some(to_rows), Some(to_columns)) =
            (positions(height, rows, stride, padding), positions(width, columns, stride, padding))
        else {
            bail!("conv: a filter of {rows} × {columns} does not fit {height} × {width} padded by {padding}");
        };
        let (filter, to) = ((rows, columns), (to_rows, to_columns));
        Ok(Self { batch, height, width, channels, outputs, filter, stride, padding, to })
    }

    /// Positions in an output image.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.to.0 * self.to.1
    }

    /// Values of an input image.
    #[must_use]
    pub fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Values that one output is made of.
    #[must_use]
    pub fn patch(&self) -> usize {
        self.filter.0 * self.filter.1 * self.channels
    }

    /// Whether each output position sees one input position, in the same order.
    #[must_use]
    pub fn pointwise(&self) -> bool {
        self.filter == (1, 1) && self.stride == 1 && self.padding == 0
    }
}

/// Places for a window of `size` along `extent` values with `padding` more on each side; `None` if it
/// does not fit once.
#[must_use]
pub fn positions(extent: usize, size: usize, stride: usize, padding: usize) -> Option<usize> {
    let room = (extent + 2 * padding).checked_sub(size)?;
    (size > 0 && stride > 0).then(|| room / stride + 1)
}

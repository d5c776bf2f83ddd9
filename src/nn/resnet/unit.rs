//! One convolution with what follows it, and a residual block of two: forward, kept, and back.

use candle_core::Result;

use super::capture::Capture;
use crate::kernels::conv::filters::{FilterGradient, Filters};
use crate::kernels::conv::geometry::Geometry;
use crate::kernels::element::Mode;
use crate::kernels::norm::{Norm, Saved};
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::{Slices, with_slice};
use crate::nn::builder::Place;

pub(super) type Shape4 = (usize, usize, usize, usize);

/// A convolution and what follows it: norm, residual, activation.
pub(super) struct Unit {
    /// Its number among the network's layers.
    pub layer: usize,
    /// Step between neighbouring positions.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// (outputs, channels, rows, columns)
    pub weight: Place,
    /// Norm (or bias) and activation.
    pub norm: Norm,
}

/// y = φ(n₂(c₂(φ(n₁(c₁(x))))) + s(x)), s the identity or a convolution of its own.
pub(super) struct Block {
    pub first: Unit,
    pub second: Unit,
    pub shortcut: Option<Unit>,
}

/// What one unit's forward pass leaves.
pub(super) struct SavedUnit<T> {
    pub(super) g: Geometry,
    filters: Filters<T>,
    pub(super) convolved: Vec<T>,
    pub(super) saved: Saved<T>,
    pub(super) y: Vec<T>,
}

pub(super) struct SavedBlock<T> {
    pub(super) first: SavedUnit<T>,
    pub(super) second: SavedUnit<T>,
    pub(super) shortcut: Option<SavedUnit<T>>,
}

impl Unit {
    pub(super) fn forward<T: Slices + Scratch>(
        &self,
        x: &[T],
        dims: Shape4,
        residual: Option<&[T]>,
        mode: &mut Mode<'_>,
    ) -> Result<SavedUnit<T>> {
        let g = Geometry::new(dims, self.weight.0.dims4()?, self.stride, self.padding)?;
        let mut convolved = T::take(g.batch * g.positions() * g.outputs);
        let filters = with_slice(&self.weight.0, |w| {
            let filters = Filters::new(w, &g);
            filters.forward(x, w, &g, &mut convolved, false);
            filters
        })?;
        let mut y = T::take(convolved.len());
        let saved = self.norm.forward(&convolved, (g.batch, g.outputs), residual, mode, &mut y)?;
        Ok(SavedUnit { g, filters, convolved, saved, y })
    }

    /// Shows `capture` what a forward pass has made.
    pub(super) fn look<T: Slices>(&self, made: &SavedUnit<T>, residual: Option<&[T]>, capture: &mut Capture) {
        let sizes = (made.g.batch, made.g.positions());
        capture.see(&self.norm, &made.convolved, residual, &made.saved, sizes);
    }

    /// Writes ∂x to `dx` or, with `true`, adds it there, if it is wanted; gives the residual's gradient, if there was one.
    pub(super) fn backward<T: Slices + Scratch>(
        &self,
        made: SavedUnit<T>,
        x: &[T],
        residual: Option<&[T]>,
        dy: Vec<T>,
        dx: Option<(&mut [T], bool)>,
        trains: bool,
    ) -> Result<Option<Vec<T>>> {
        let SavedUnit { g, filters, convolved, saved, y } = made;
        let back = self.norm.backward(&convolved, residual, &y, dy, saved, trains)?;
        T::put(convolved);
        T::put(y);
        if trains {
            let mut gradient = self.weight.1.lock();
            let (dw, add) = gradient.write::<T>()?;
            let mut d_filters = FilterGradient::new(dw, add, &g);
            d_filters.add(x, &back.dx, &g);
            d_filters.finish(&g);
        }
        if let Some((dx, add)) = dx {
            with_slice(&self.weight.0, |w| filters.inputs(&back.dx, w, &g, dx, add))?;
        }
        filters.put();
        T::put(back.dx);
        Ok(back.residual)
    }
}

impl<T: Slices + Scratch> SavedUnit<T> {
    /// Shape of y.
    pub(super) fn dims(&self) -> Shape4 {
        (self.g.batch, self.g.to.0, self.g.to.1, self.g.outputs)
    }

    /// Hands back what only a backward pass needs.
    pub(super) fn features(self) -> Vec<T> {
        self.filters.put();
        T::put(self.convolved);
        self.saved.put();
        self.y
    }
}

impl Block {
    pub(super) fn forward<T: Slices + Scratch>(
        &self,
        x: &[T],
        dims: Shape4,
        mode: &mut Mode<'_>,
        mut capture: Option<&mut Capture>,
    ) -> Result<SavedBlock<T>> {
        let first = self.first.forward(x, dims, None, mode)?;
        if let Some(capture) = &mut capture {
            self.first.look(&first, None, capture);
        }
        let shortcut = self.shortcut.as_ref().map(|unit| unit.forward(x, dims, None, mode)).transpose()?;
        let residual = shortcut.as_ref().map_or(x, |made| &made.y);
        let second = self.second.forward(&first.y, first.dims(), Some(residual), mode)?;
        if let Some(capture) = &mut capture {
            self.second.look(&second, Some(residual), capture);
        }
        Ok(SavedBlock { first, second, shortcut })
    }

    /// ∂x
    pub(super) fn backward<T: Slices + Scratch>(
        &self,
        made: SavedBlock<T>,
        x: &[T],
        dy: Vec<T>,
        trains: bool,
    ) -> Result<Vec<T>> {
        let SavedBlock { first, second, shortcut } = made;
        let mut d_first = T::take(first.y.len());
        let residual = shortcut.as_ref().map_or(x, |made| &made.y);
        let d_residual = self.second.backward(
            second,
            &first.y,
            Some(residual),
            dy,
            Some((&mut d_first, false)),
            trains,
        )?;
        let d_residual = d_residual.expect("there was a residual");
        let Some((unit, made)) = self.shortcut.as_ref().zip(shortcut) else {
            let mut dx = d_residual;
            self.first.backward(first, x, None, d_first, Some((&mut dx, true)), trains)?;
            return Ok(dx);
        };
        let mut dx = T::take(x.len());
        self.first.backward(first, x, None, d_first, Some((&mut dx, false)), trains)?;
        unit.backward(made, x, None, d_residual, Some((&mut dx, true)), trains)?;
        Ok(dx)
    }
}

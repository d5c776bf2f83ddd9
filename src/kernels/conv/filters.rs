//! One layer's filters and their gradient, for either way that a convolution goes: by patches ([`products`]) or by
//! Winograd's transforms ([`winograd`]).

use super::geometry::Geometry;
use super::{products, winograd};
use crate::kernels::lanes::Lane;
use crate::kernels::matmul::Element;
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;

/// Images (batch, height, width, channels) by as many as patches are made of at a time.
fn images<'a, T>(x: &'a [T], g: &Geometry) -> impl Iterator<Item = &'a [T]> {
    x.chunks(g.images_at_a_time() * g.image())
}

/// The same of their outputs.
fn outputs<'a, T>(z: &'a [T], g: &Geometry) -> impl Iterator<Item = &'a [T]> {
    z.chunks(g.images_at_a_time() * g.positions() * g.outputs)
}

/// Filters w (outputs, channels, rows, columns) with what a pass by patches needs of them beside, a [`Scratch`] buffer.
pub(crate) struct Filters<T> {
    /// (outputs, patch), channels innermost; empty where nothing goes by patches.
    rows: Vec<T>,
}

impl<T: Element + Lane + Scratch> Filters<T> {
    /// Of a layer's weight.
    pub fn new(w: &[T], g: &Geometry) -> Self {
        if g.winograd() {
            return Self::none();
        }
        let mut rows = T::take(w.len());
        products::channels_last(w, g, &mut rows);
        Self { rows }
    }

    /// Nothing.
    pub fn none() -> Self {
        Self { rows: Vec::new() }
    }

    /// z (images × positions, outputs) = x ∗ w, or z += where `add`.
    pub fn forward(&self, x: &[T], w: &[T], g: &Geometry, z: &mut [T], add: bool) {
        if g.winograd() {
            return winograd::forward(x, w, g, z, add);
        }
        for (x, z) in images(x, g).zip(z.chunks_mut(g.images_at_a_time() * g.positions() * g.outputs)) {
            products::forward(x, &self.rows, g, z, add);
        }
    }

    /// ∂x, or ∂x += where `add`.
    pub fn inputs(&self, dz: &[T], w: &[T], g: &Geometry, dx: &mut [T], add: bool) {
        if g.winograd() {
            return winograd::inputs(dz, w, g, dx, add);
        }
        if !add {
            dx.fill(<T as Real>::ZERO);
        }
        for (dz, dx) in outputs(dz, g).zip(dx.chunks_mut(g.images_at_a_time() * g.image())) {
            products::inputs(dz, &self.rows, g, dx);
        }
    }

    /// Hands back the buffer.
    pub fn put(self) {
        T::put(self.rows);
    }
}

/// The gradient of a layer's filters in the making, block of images by block.
pub(crate) struct FilterGradient<'a, T> {
    /// (outputs, channels, rows, columns)
    dw: &'a mut [T],
    add: bool,
    /// As in [`Filters`].
    rows: Vec<T>,
}

impl<'a, T: Element + Lane + Scratch> FilterGradient<'a, T> {
    /// To replace `dw` or to be added to it.
    pub fn new(dw: &'a mut [T], add: bool, g: &Geometry) -> Self {
        let mut rows = Vec::new();
        if !g.winograd() {
            rows = T::take(dw.len());
            rows.fill(<T as Real>::ZERO);
        }
        Self { dw, add, rows }
    }

    /// Adds what comes of some images.
    pub fn add(&mut self, x: &[T], dz: &[T], g: &Geometry) {
        if g.winograd() {
            winograd::filters(x, dz, g, self.dw, self.add);
            self.add = true;
            return;
        }
        for (x, dz) in images(x, g).zip(outputs(dz, g)) {
            products::filters(x, dz, g, &mut self.rows);
        }
    }

    /// The gradient is in its place after this.
    pub fn finish(self, g: &Geometry) {
        if !g.winograd() {
            products::channels_first(&self.rows, g, self.dw, self.add);
        }
        T::put(self.rows);
    }
}

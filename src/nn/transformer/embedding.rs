//! What a transformer makes of its inputs: a row of features for every token, with the learned one of its place.

use candle_core::{Result, bail};

use super::linear::{Linear, add};
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::{Slices, with_slice};
use crate::nn::builder::Place;

/// How inputs become tokens.
pub(super) enum Embedding {
    /// Square patches of images by planes, row by row, each through one linear layer; a class token in front of them
    /// where there is one (Dosovitskiy et al. 2021, arXiv 2010.11929).
    Patches { layer: Linear, cut: Cut, class: Option<Place> },
    /// Characters by number, each with a row of a table (characters, width).
    Characters { table: Place },
}

/// Images and the patches that they are cut into.
#[derive(Clone, Copy)]
pub struct Cut {
    /// Channels, height and width, multiples of `side`.
    pub dims: (usize, usize, usize),
    /// Rows, and columns, of a patch.
    pub side: usize,
}

impl Cut {
    pub fn patches(self) -> usize {
        (self.dims.1 / self.side) * (self.dims.2 / self.side)
    }

    /// Numbers of an image, which are those of all its patches.
    fn image(self) -> usize {
        self.dims.0 * self.dims.1 * self.dims.2
    }

    /// The places in an image of each run of `side` numbers of its patches, in the patches' order: patch by patch,
    /// channel by channel, row by row.
    fn runs(self) -> impl Iterator<Item = usize> {
        let Self { dims: (channels, height, width), side } = self;
        let corners = (0..height / side).flat_map(move |y| (0..width / side).map(move |x| (y, x)));
        corners.flat_map(move |(y, x)| {
            let lines = (0..channels).flat_map(move |c| (0..side).map(move |line| (c, line)));
            lines.map(move |(c, line)| (c * height + y * side + line) * width + x * side)
        })
    }

    /// (images × patches, channels · side · side) of images.
    fn cut<T: Slices + Scratch>(self, images: &[T]) -> Vec<T> {
        let (side, each) = (self.side, self.image());
        let mut patches = T::take(images.len());
        for (image, patches) in images.chunks_exact(each).zip(patches.chunks_exact_mut(each)) {
            for (from, to) in self.runs().zip(patches.chunks_exact_mut(side)) {
                to.copy_from_slice(&image[from..from + side]);
            }
        }
        patches
    }

    /// The way back.
    fn join<T: Slices>(self, patches: &[T], images: &mut [T]) {
        let (side, each) = (self.side, self.image());
        for (image, patches) in images.chunks_exact_mut(each).zip(patches.chunks_exact(each)) {
            for (to, from) in self.runs().zip(patches.chunks_exact(side)) {
                image[to..to + side].copy_from_slice(from);
            }
        }
    }
}

/// What the forward pass leaves: the patches, or the characters.
pub(super) enum SavedEmbedding<T> {
    Patches(Vec<T>),
    Characters(Vec<usize>),
}

impl<T: Scratch> SavedEmbedding<T> {
    /// Hands its buffer back.
    pub fn put(self) {
        if let Self::Patches(patches) = self {
            T::put(patches);
        }
    }
}

impl Embedding {
    /// Tokens (sequences × tokens, width) of inputs, with the rows of `positions` (tokens, width) added.
    pub fn forward<T: Slices + Scratch>(
        &self,
        x: &[T],
        positions: &Place,
        (tokens, width): (usize, usize),
    ) -> Result<(Vec<T>, SavedEmbedding<T>)> {
        let (mut y, saved) = match self {
            Self::Patches { layer, cut, class } => {
                let patches = cut.cut(x);
                let rows = layer.forward(&patches, None)?;
                let mut y = T::take(x.len() / cut.image() * tokens * width);
                let each = cut.patches() * width;
                let sequences = y.chunks_exact_mut(tokens * width).zip(rows.chunks_exact(each));
                let first = tokens * width - each;
                for (y, rows) in sequences {
                    y[first..].copy_from_slice(rows);
                    if let Some((class, _)) = class {
                        with_slice(class, |class| y[..width].copy_from_slice(class))?;
                    }
                }
                T::put(rows);
                (y, SavedEmbedding::Patches(patches))
            }
            Self::Characters { table } => {
                let characters = table.0.dim(0)?;
                let numbers: Vec<usize> = x.iter().map(|x| x.wide() as usize).collect();
                if let Some(x) = x.iter().zip(&numbers).find(|(_, number)| **number >= characters) {
                    bail!("character {} of an alphabet of {characters}", x.0);
                }
                let mut y = T::take(x.len() * width);
                with_slice(&table.0, |table: &[T]| {
                    for (y, number) in y.chunks_exact_mut(width).zip(&numbers) {
                        y.copy_from_slice(&table[number * width..][..width]);
                    }
                })?;
                (y, SavedEmbedding::Characters(numbers))
            }
        };
        with_slice(&positions.0, |positions: &[T]| {
            y.chunks_exact_mut(positions.len()).for_each(|y| add(y, positions));
        })?;
        Ok((y, saved))
    }

    /// From ∂y: the gradients of all that is trained to their places where the pass `trains`, and ∂x into `dx` where
    /// it is wanted. Characters have none: it is 0.
    pub fn backward<T: Slices + Scratch>(
        &self,
        saved: SavedEmbedding<T>,
        dy: &[T],
        positions: &Place,
        dx: Option<&mut [T]>,
        trains: bool,
    ) -> Result<()> {
        let all = positions.0.elem_count();
        if trains {
            let mut gradient = positions.1.lock();
            let to = gradient.accumulate::<T>()?;
            dy.chunks_exact(all).for_each(|d| add(to, d));
        }
        match (self, saved) {
            (Self::Patches { layer, cut, class }, SavedEmbedding::Patches(patches)) => {
                let width = layer.outputs;
                let each = cut.patches() * width;
                let mut d_rows = T::take(dy.len() / all * each);
                for (to, d) in d_rows.chunks_exact_mut(each).zip(dy.chunks_exact(all)) {
                    to.copy_from_slice(&d[all - each..]);
                }
                if let (Some((_, gradient)), true) = (class, trains) {
                    let mut gradient = gradient.lock();
                    let to = gradient.accumulate::<T>()?;
                    dy.chunks_exact(all).for_each(|d| add(to, &d[..width]));
                }
                match dx {
                    None => layer.backward(&patches, &d_rows, None, trains)?,
                    Some(dx) => {
                        let mut d_patches = T::take(patches.len());
                        layer.backward(&patches, &d_rows, Some((&mut d_patches, false)), trains)?;
                        cut.join(&d_patches, dx);
                        T::put(d_patches);
                    }
                }
                T::put(d_rows);
                T::put(patches);
            }
            (Self::Characters { table }, SavedEmbedding::Characters(numbers)) => {
                let width = dy.len() / numbers.len();
                if trains {
                    let mut gradient = table.1.lock();
                    let to = gradient.accumulate::<T>()?;
                    for (number, d) in numbers.iter().zip(dy.chunks_exact(width)) {
                        add(&mut to[number * width..][..width], d);
                    }
                }
                if let Some(dx) = dx {
                    dx.fill(<T as Real>::ZERO);
                }
            }
            _ => bail!("a backward pass of another embedding"),
        }
        Ok(())
    }
}

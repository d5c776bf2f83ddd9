//! Inputs and labels of one task: views of the run's examples, gathered into rows batch by batch.

use std::ops::Range;
use std::sync::Arc;

use super::augmentation::Crop;
use super::pool::Pool;

/// Inputs with their labels, position by position.
#[derive(Clone, Debug)]
pub struct Examples {
    /// What the network sees.
    pub inputs: Inputs,
    /// What it should answer, below the stream's `classes()`.
    pub labels: Arc<[u32]>,
    /// Which answers count.
    pub answers: Answers,
}

/// The classes over which softmax and arg max run, per example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// All of the stream's classes.
    #[default]
    All,
    /// The same ones for every example, ascending.
    Among(Arc<[u32]>),
    /// Each example's own, by position: for sets that mix tasks.
    Each(Arc<[Arc<[u32]>]>),
}

impl Answers {
    /// The classes that count for the example at `position`; `None` for all.
    #[must_use]
    pub fn at(&self, position: u32) -> Option<&Arc<[u32]>> {
        match self {
            Self::All => None,
            Self::Among(classes) => Some(classes),
            Self::Each(each) => Some(&each[position as usize]),
        }
    }
}

impl Examples {
    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All examples of several views of the same images, one view after the other.
    ///
    /// # Panics
    /// If there is no view, or one of them moves pixels.
    #[must_use]
    pub fn joined(views: &[Self]) -> Self {
        let same = |view: &Self| view.inputs.source.is_none() && view.inputs.alphabet.is_none();
        assert!(views.iter().all(same), "views of the same images");
        let each = || views.iter().flat_map(|view| (0..view.len() as u32).map(move |at| (view, at)));
        let rows = each().map(|(view, at)| view.inputs.row(at)).collect();
        let answers: Option<Arc<[_]>> = each().map(|(view, at)| view.answers.at(at).cloned()).collect();
        Self {
            inputs: Inputs { rows: Some(rows), ..views[0].inputs.clone() },
            labels: each().map(|(view, at)| view.labels[at as usize]).collect(),
            answers: answers.map_or(Answers::All, Answers::Each),
        }
    }
}

/// Scaled images as a task presents them. Cloning shares everything.
///
/// A *position* counts the examples of this view from 0; the *row* behind it counts the examples of
/// the whole run. They differ only where a task uses some of the run's examples.
#[derive(Clone, Debug)]
pub struct Inputs {
    pool: Arc<Pool>,
    /// Row of each position; `None` where positions are rows.
    rows: Option<Arc<[u32]>>,
    /// Pixel p is taken from pixel `source[p]`, in every channel.
    source: Option<Arc<[u32]>>,
    /// The number that each character of a text is shown as.
    alphabet: Option<Arc<[u32]>>,
    /// All rows of the pool as they are presented, where they fit in memory.
    copy: Option<Arc<[f32]>>,
}

impl Inputs {
    /// The whole pool as it is.
    pub(super) fn of(pool: Arc<Pool>) -> Self {
        let copy = pool.scaled().cloned();
        Self { pool, rows: None, source: None, alphabet: None, copy }
    }

    /// The whole pool with character a shown as `alphabet[a]`.
    pub(super) fn written(pool: Arc<Pool>, alphabet: Arc<[u32]>) -> Self {
        Self { pool, rows: None, source: None, alphabet: Some(alphabet), copy: None }
    }

    /// The whole pool with pixel p taken from pixel `source[p]`. `materialise` makes a copy (where it
    /// fits) that pays off when rows are gathered more than once.
    pub(super) fn permuted(pool: Arc<Pool>, source: Vec<u32>, materialise: bool) -> Self {
        let copy = if materialise { pool.copy(Some(&source)) } else { None };
        Self { pool, rows: None, source: Some(source.into()), alphabet: None, copy }
    }

    /// The examples at `positions` of this view.
    #[must_use]
    pub fn subset(&self, positions: &[u32]) -> Self {
        let rows = positions.iter().map(|&position| self.row(position)).collect();
        Self { rows: Some(rows), ..self.clone() }
    }

    /// All of the run's examples of the same split, no pixel moved: what any task is a view of.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self::of(Arc::clone(&self.pool))
    }

    /// The same view without its scaled copy, for callers that keep it beyond its task.
    #[must_use]
    pub fn slim(&self) -> Self {
        let copy = if self.source.is_none() { self.copy.clone() } else { None };
        Self { copy, ..self.clone() }
    }

    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.pool.len(), |rows| rows.len())
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Channels, height, width.
    #[must_use]
    pub fn dims(&self) -> (usize, usize, usize) {
        self.pool.dims()
    }

    /// Numbers per example: channels × height × width.
    #[must_use]
    pub fn features(&self) -> usize {
        self.pool.images().size()
    }

    /// The row of [`Inputs::whole`] behind a position.
    #[must_use]
    #[inline]
    pub fn row(&self, position: u32) -> u32 {
        self.rows.as_ref().map_or(position, |rows| rows[position as usize])
    }

    /// Where the task moves pixels: pixel p (row-major, in every channel) shows what pixel `source[p]`
    /// of the original image shows.
    #[must_use]
    pub fn pixel_source(&self) -> Option<&[u32]> {
        self.source.as_deref()
    }

    /// Where the task renumbers the characters of a text: the number that each is shown as.
    #[must_use]
    pub fn alphabet(&self) -> Option<&Arc<[u32]>> {
        self.alphabet.as_ref()
    }

    /// Overwrites `out` with the examples at `positions`, (positions, features) row-major, features in
    /// (channel, height, width) order. `out` is only allocated where it is too small.
    ///
    /// # Panics
    /// If a position is not below `len()`.
    pub fn gather(&self, positions: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.reserve(positions.len() * self.features());
        for &position in positions {
            self.append(position, out);
        }
    }

    /// [`Inputs::gather`] for neighbouring positions: how a set is evaluated piece by piece.
    ///
    /// # Panics
    /// If `positions` reaches past `len()`.
    pub fn gather_range(&self, positions: Range<usize>, out: &mut Vec<f32>) {
        out.clear();
        out.reserve(positions.len() * self.features());
        for position in positions {
            self.append(position as u32, out);
        }
    }

    #[cfg(test)]
    pub(super) fn is_copied(&self) -> bool {
        self.copy.is_some()
    }

    /// Appends a crop of the example at `position` to `out`. Only where the task moves no pixels: crops
    /// are of the image itself.
    ///
    /// # Panics
    /// If `position` is not below `len()`.
    pub fn append_cropped(&self, position: u32, crop: Crop, out: &mut Vec<f32>) {
        debug_assert!(self.source.is_none(), "a checked plan augments no permuted pixels");
        self.pool.append_cropped(self.row(position) as usize, crop, out);
    }

    /// Appends the example at `position` to `out`.
    ///
    /// # Panics
    /// If `position` is not below `len()`.
    #[inline]
    pub fn append(&self, position: u32, out: &mut Vec<f32>) {
        let row = self.row(position) as usize;
        match &self.copy {
            Some(copy) => {
                let features = self.features();
                out.extend_from_slice(&copy[row * features..][..features]);
            }
            None => match &self.alphabet {
                Some(alphabet) => {
                    out.extend(self.pool.bytes(row).iter().map(|&a| alphabet[usize::from(a)] as f32));
                }
                None => self.pool.append(row, self.source.as_deref(), out),
            },
        }
    }
}

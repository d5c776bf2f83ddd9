//! Step counts that start anew for a part of a parameter: what Adam's bias corrections need where a unit was reset.
//!
//! A unit's incoming weights are a row of a matrix and its outgoing ones a column of the next, so an element's count
//! runs from the later one of its row's and its column's restart. A vector is one row.

use std::ops::Range;

use crate::kernels::optimizer_step::Corrections;
use crate::state::{StateDict, StateError, Values};

/// Step counts of a parameter at which rows and columns of it started anew; both empty while none has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restarts {
    /// By row.
    rows: Vec<u64>,
    /// By column; by element where every row is a parameter of its own, with its own count.
    columns: Vec<u64>,
}

/// The shape that restarts need to know, and the counts: one for all rows, or one each.
#[derive(Clone, Copy)]
pub(super) struct Counts<'a> {
    pub width: usize,
    pub steps: &'a [u64],
}

impl Counts<'_> {
    pub fn of(self, row: usize) -> u64 {
        if self.steps.len() == 1 { self.steps[0] } else { self.steps[row] }
    }
}

/// What columns have by themselves: the count at the last restart, and their corrections.
#[derive(Default)]
struct Columns {
    newest: u64,
    sizes: Vec<f32>,
    roots: Vec<f32>,
}

impl Columns {
    fn read(&mut self, restarts: &[u64], count: u64, known: &mut Corrections) {
        self.newest = restarts.iter().copied().max().unwrap_or(0);
        self.sizes.clear();
        self.roots.clear();
        for &restart in restarts {
            let step = known.at(count - restart);
            self.sizes.push(step.step_size());
            self.roots.push(step.inverse_root());
        }
    }
}

/// A step of Adam on a parameter whose rows and columns have counts of their own.
pub(super) struct Stepping<'a> {
    restarts: &'a Restarts,
    counts: Counts<'a>,
    known: &'a mut Corrections,
    columns: Columns,
    /// Whether all rows have the same columns.
    shares: bool,
}

impl Stepping<'_> {
    /// Takes it on a row, of which `g` is the gradient.
    pub fn row(&mut self, row: usize, g: &[f32], (p, m, v): (&mut [f32], &mut [f32], &mut [f32])) {
        let range = row * self.counts.width..(row + 1) * self.counts.width;
        let count = self.counts.of(row);
        if !self.shares {
            self.columns.read(&self.restarts.columns[range.clone()], count, self.known);
        }
        let since = self.restarts.rows.get(row).copied().unwrap_or(0);
        let step = self.known.at(count - since);
        let (p, m, v) = (&mut p[range.clone()], &mut m[range.clone()], &mut v[range]);
        if self.columns.newest <= since {
            step.apply(p, g, m, v);
        } else {
            step.apply_each((&self.columns.sizes, &self.columns.roots), p, g, m, v);
        }
    }
}

impl Restarts {
    /// Whether every element has the whole parameter's count.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.columns.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A row starts anew, of so many.
    pub(super) fn row(&mut self, row: usize, rows: usize, counts: Counts<'_>) {
        self.rows.resize(rows, 0);
        self.rows[row] = counts.of(row);
    }

    /// Columns start anew in every row.
    pub(super) fn columns(&mut self, range: Range<usize>, counts: Counts<'_>) {
        self.columns.resize(counts.width * counts.steps.len(), 0);
        for (columns, &count) in self.columns.chunks_exact_mut(counts.width).zip(counts.steps) {
            columns[range.clone()].fill(count);
        }
    }

    /// One step of Adam, row by row, after counting it; `known` are the corrections of its rule.
    pub(super) fn stepping<'a>(&'a self, counts: Counts<'a>, known: &'a mut Corrections) -> Stepping<'a> {
        let mut columns = Columns::default();
        let shares = self.columns.len() <= counts.width;
        if shares {
            columns.read(&self.columns, counts.steps[0], known);
        }
        Stepping { restarts: self, counts, known, columns, shares }
    }

    pub(super) fn save(&self, name: &str, state: &mut StateDict) {
        for (what, counts) in [("rows", &self.rows), ("columns", &self.columns)] {
            if !counts.is_empty() {
                state.insert(format!("{name}.{what}"), Values::U64(counts.clone()));
            }
        }
    }

    /// Takes back what [`Restarts::save`] added, of a parameter of so many rows.
    pub(super) fn load(
        &mut self,
        name: &str,
        state: &StateDict,
        (rows, counts): (usize, Counts<'_>),
    ) -> Result<(), StateError> {
        let sizes = [rows, counts.width * counts.steps.len()];
        for ((what, into), size) in
            [("rows", &mut self.rows), ("columns", &mut self.columns)].into_iter().zip(sizes)
        {
            let name = format!("{name}.{what}");
            into.clear();
            if state.get(&name).is_some() {
                into.resize(size, 0);
                state.copy_u64s(&name, into)?;
            }
        }
        Ok(())
    }
}

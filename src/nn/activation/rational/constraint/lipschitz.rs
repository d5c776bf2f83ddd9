//! y = R·min(1, L/sup|R'|), with the supremum over a grid on [-r, r], points beyond it, and the tails.
//!
//! **Bound.** |y'| ≤ L at every grid point and in both limits, by construction: y' = g·R' with
//! g ≤ L/max|R'| over them. Between grid points it holds up to the grid's resolution: [`STEPS`] = 1024
//! equal steps (r/512 each, about 0.02 for r = 10), 32 points a side that halve towards 0, where version
//! A has its corner and R' two values, and 64 points a side that grow by an eighth beyond r, out to
//! about 1,900·r. A corner or spike narrower than a step can exceed L between two points; starts are
//! fitted on a grid sixteen times finer, so that they have none.
//!
//! The gradient goes through g, by the point where |R'| is largest. The tail limit needs m ≤ n+1. It
//! leaves bₙ free, so R's own tail can become arbitrarily steep and g arbitrarily small; at bₙ = 0 with
//! aₙ₊₁ ≠ 0 the supremum is infinite and y = 0. The bound holds even so.
//! It does not bound |y| on all of ℝ, nor the coefficients.
//!
//! Version N is refused: R' is unbounded at a pole. After the rescaling of layers by their norm in
//! Gouk et al. 2021, arXiv 1804.04368; named by form, that of arXiv 2507.14736 is unverified.

use std::fmt;

use super::super::RationalError;
use super::super::form::{Form, MAX_A, MAX_C, sign};
use super::super::pass;
use super::super::ratio::Ratio;
use super::{Constraint, RANGE, TailSlope, positive, without_poles};
use crate::kernels::lanes::LANES;
use crate::spec::{Choice, Entry, Kind, Parameter};

pub(super) const ENTRY: Entry = Entry {
    name: "lipschitz",
    summary: "R * min(1, bound / sup|R'|): |y'| <= bound, up to a grid of 1024 steps on [-range, range]",
    source: "after Gouk et al. 2021, arXiv 1804.04368; that of arXiv 2507.14736 is unverified",
    parameters: &[
        Parameter {
            name: "bound",
            summary: "largest slope",
            kind: Kind::Number { default: Some(1.0), min: 0.0, max: f64::MAX },
        },
        Parameter {
            name: "range",
            summary: "the grid covers [-range, range]",
            kind: Kind::Number { default: Some(RANGE), min: 1e-3, max: 1e4 },
        },
    ],
};

/// Equal steps of the grid on [-r, r].
pub const STEPS: usize = 1024;
/// Points beyond r on each side.
const BEYOND: usize = 64;
/// Points next to 0 on each side.
const NEAR: usize = 32;

/// Times as many steps while a start is fitted, so that no spike hides between two of them.
const FINER: usize = 16;

/// See the module.
#[derive(Clone)]
pub struct Lipschitz {
    /// L
    pub bound: f64,
    /// r
    pub range: f64,
    grid: Vec<[f64; LANES]>,
    furthest: f64,
}

impl fmt::Debug for Lipschitz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bound, range, grid, .. } = self;
        write!(f, "Lipschitz {{ bound: {bound:?}, range: {range:?}, chunks: {} }}", grid.len())
    }
}

impl Lipschitz {
    /// L = `bound` with a grid on [-`range`, `range`].
    #[must_use]
    pub fn new(bound: f64, range: f64) -> Self {
        Self::with_steps(bound, range, STEPS)
    }

    fn with_steps(bound: f64, range: f64, steps: usize) -> Self {
        let middle = (0..=steps).map(|i| range * (2.0 * i as f64 / steps as f64 - 1.0));
        let mut grid: Vec<f64> = middle.collect();
        let mut x = range / steps as f64;
        for _ in 0..NEAR {
            grid.extend([x, -x]);
            x *= 0.5;
        }
        x = range;
        for _ in 0..BEYOND {
            x *= 1.125;
            grid.extend([x, -x]);
        }
        // Full chunks, with the last point repeated.
        grid.resize(grid.len().next_multiple_of(LANES), -x);
        let grid = grid.as_chunks().0.to_vec();
        Self { bound, range, grid, furthest: x }
    }

    pub(super) fn chosen(choice: &Choice) -> Self {
        Self::with_steps(choice.number("bound"), choice.number("range"), FINER * STEPS)
    }

    /// The points at which the bound is kept, beside the two limits.
    #[must_use]
    pub fn grid(&self) -> &[f64] {
        self.grid.as_flattened()
    }
}

impl Constraint for Lipschitz {
    fn check(&self, form: Form) -> Result<(), RationalError> {
        positive(ENTRY.name, "bound", self.bound)?;
        positive(ENTRY.name, "range", self.range)?;
        without_poles(ENTRY.name, form)?;
        if form.m > form.n + 1 {
            return Err(RationalError::SteepTail { m: form.m, n: form.n });
        }
        Ok(())
    }

    fn gain(&self, form: Form, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let ratio = Ratio::new(form, theta);
        let (steepest, x) = pass::steepest(&ratio, &self.grid, self.furthest);
        let tail = ratio.tail_slope();
        let most = steepest.max(tail);
        if most <= self.bound {
            return 1.0;
        }
        if !most.is_finite() {
            return if most.is_nan() { f64::NAN } else { 0.0 };
        }
        let gain = self.bound / most;
        // ∂(L/σ) = -(L/σ²)·∂σ
        let outer = -gain / most;
        let (mut by_a, mut by_c) = ([0.0; MAX_A], [0.0; MAX_C]);
        if tail > steepest {
            ratio.add_tail_gradient(outer, &mut by_a, &mut by_c);
        } else {
            let outer = outer * sign(ratio.slope(x));
            ratio.add_slope_gradient(x, outer, &mut by_a, &mut by_c);
        }
        form.flatten(theta, &by_a, &by_c, gradient);
        gain
    }

    fn gentler(&self) -> Option<Box<dyn Constraint>> {
        Some(Box::new(TailSlope { bound: self.bound, epsilon: 1e-3 }))
    }

    fn remember_start(&mut self, _: Form, _: &[f64]) {
        *self = Self::new(self.bound, self.range);
    }

    fn range(&self) -> f64 {
        self.range
    }
}

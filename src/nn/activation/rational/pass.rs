//! The two passes over elements, in blocks of up to [`BLOCK`] chunks of sixteen lanes.
//!
//! The lanes are a fixed number whatever the processor's vectors hold: narrower vectors take them in
//! turn. Every sum is kept by lane and added up in one order, so a run gives the same bytes with AVX2
//! as with AVX-512. Lanes add in `T` within a block and in f64 across blocks, which keeps f32 sums
//! over large batches exact enough. Chunks that are not full, or stand apart row by row, are gathered
//! into a block first.
//!
//! Powers of a large |x| overflow f32 long before R does. A lane beyond [`limit`], or NaN, is taken
//! out of its block and evaluated by [`Ratio`] in f64; the others go on.

use std::ops::Range;
use std::sync::OnceLock;

use super::form::{MAX_A, MAX_C};
use super::ratio::Ratio;
use super::vector::{Backward, BlockSums, Forward, LaneCoefficients, Steepest, Within, dispatch, small};
use crate::kernels::lanes::{LANES, Lane};

/// Chunks in a block: 1,024 elements, so that a block and its gradients stay in the nearest cache.
const BLOCK: usize = 64;

/// Which elements: `rows` runs of `len`, `stride` apart, the first at `start`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Runs.
    pub rows: usize,
    /// Elements from a run's start to the next one's.
    pub stride: usize,
    /// First element of the first run.
    pub start: usize,
    /// Elements in a run.
    pub len: usize,
}

impl Span {
    /// `len` elements side by side.
    #[must_use]
    pub fn whole(len: usize) -> Self {
        Self { rows: 1, stride: 0, start: 0, len }
    }

    fn run(&self, row: usize) -> Range<usize> {
        let from = row * self.stride + self.start;
        from..from + self.len
    }
}

/// Sums of ∂/∂aᵢ and ∂/∂cₖ, by lane.
#[derive(Clone, Copy, Debug)]
pub struct Sums {
    /// By aᵢ.
    pub a: [[f64; LANES]; MAX_A],
    /// By cₖ.
    pub c: [[f64; LANES]; MAX_C],
}

impl Sums {
    /// All 0.
    #[must_use]
    pub fn zero() -> Self {
        Self { a: [[0.0; LANES]; MAX_A], c: [[0.0; LANES]; MAX_C] }
    }

    /// The sums over lanes, in lane order.
    #[must_use]
    pub fn over_lanes(&self) -> ([f64; MAX_A], [f64; MAX_C]) {
        (self.a.map(|lanes| lanes.iter().sum()), self.c.map(|lanes| lanes.iter().sum()))
    }
}

/// The curves that the lanes of a chunk draw.
#[derive(Clone, Copy, Debug)]
pub struct Curves<'a, T> {
    lowest: LaneCoefficients<T>,
    exact: [&'a Ratio; LANES],
}

impl<'a, T: Lane> Curves<'a, T> {
    /// One curve, whose coefficients are values of `T`, for every lane.
    #[must_use]
    pub fn shared(curve: &'a Ratio) -> Self {
        let lowest = LaneCoefficients {
            a: curve.a.map(|a| [T::of(a); LANES]),
            c: curve.c.map(|c| [T::of(c); LANES]),
            floor: T::of(curve.form.version.floor()),
            limit: limit(curve),
        };
        Self { lowest, exact: [curve; LANES] }
    }

    /// A curve for each lane.
    #[must_use]
    pub fn each(exact: [&'a Ratio; LANES]) -> Self {
        let lowest = LaneCoefficients {
            a: std::array::from_fn(|i| exact.map(|curve| T::of(curve.a[i]))),
            c: std::array::from_fn(|k| exact.map(|curve| T::of(curve.c[k]))),
            floor: T::of(exact[0].form.version.floor()),
            limit: exact.iter().map(|curve| limit(curve)).fold(T::MAX, T::min),
        };
        Self { lowest, exact }
    }

    /// Whether the direct evaluation may see x. False for NaN.
    fn direct(&self, x: T) -> bool {
        x.abs() < self.lowest.limit
    }
}

/// |x| below which P, Q, their derivatives and P/Q² stay far inside `T`: each is at most
/// 90·max|coefficient|·|x|^degree, and that is kept under 10^16 (f32) or 10^120 (f64).
fn limit<T: Lane>(ratio: &Ratio) -> T {
    let largest = ratio
        .a
        .iter()
        .chain(&ratio.c)
        .fold(1.0, |most: f64, c| if c.is_nan() { f64::INFINITY } else { most.max(c.abs()) });
    let budget = if size_of::<T>() == 8 { 1e120 } else { 1e16 } / (90.0 * largest);
    if budget < 1.0 {
        return T::ZERO;
    }
    let exponent = (budget.to_bits() >> 52) as usize - 1023;
    T::of(roots()[usize::from(!small(ratio))][exponent])
}

/// 2^(e/5) and 2^(e/9) for e from 0: the roots of a budget rounded down to a power of two, whose
/// exponent its bits show. The passes are too short for a logarithm each.
fn roots() -> &'static [[f64; 401]; 2] {
    static ROOTS: OnceLock<[[f64; 401]; 2]> = OnceLock::new();
    ROOTS.get_or_init(|| {
        [5.0, 9.0].map(|degree| std::array::from_fn(|exponent| libm::exp2(exponent as f64 / degree)))
    })
}

/// Runs of at least this many chunks are taken row by row, shorter ones column by column.
const LONG: usize = 16;

/// Calls `act` with the start, the stride and the number of chunks of every block of full chunks.
fn blocks(span: Span, mut act: impl FnMut(usize, usize, usize)) {
    let chunks = span.len / LANES;
    if span.rows == 1 || chunks >= LONG {
        for row in 0..span.rows {
            for first in (0..chunks).step_by(BLOCK) {
                act(span.run(row).start + first * LANES, LANES, BLOCK.min(chunks - first));
            }
        }
    } else {
        for column in 0..chunks {
            for row in (0..span.rows).step_by(BLOCK) {
                act(span.run(row).start + column * LANES, span.stride, BLOCK.min(span.rows - row));
            }
        }
    }
}

/// The start and the length of what each run has after its full chunks.
fn rests(span: Span) -> impl Iterator<Item = (usize, usize)> {
    let rest = span.len % LANES;
    (0..span.rows).filter(move |_| rest > 0).map(move |row| (span.run(row).end - rest, rest))
}

/// The elements from the first of a block's chunks to the last one's end.
fn extent(start: usize, stride: usize, chunks: usize) -> Range<usize> {
    start..start + (chunks - 1) * stride + LANES
}

/// `values` with zeros after them: x = 0 with dy = 0 adds exactly 0 to every sum.
fn padded<T: Lane>(values: &[T]) -> [T; LANES] {
    let mut chunk = [T::ZERO; LANES];
    chunk[..values.len()].copy_from_slice(values);
    chunk
}

/// y = R(z) over a span.
pub fn forward<T: Lane>(curves: &Curves<'_, T>, span: Span, z: &[T], y: &mut [T]) {
    blocks(span, |start, stride, chunks| {
        let extent = extent(start, stride, chunks);
        forward_block(curves, stride, &z[extent.clone()], &mut y[extent]);
    });
    for (start, len) in rests(span) {
        let mut out = [T::ZERO; LANES];
        forward_block(curves, LANES, &padded(&z[start..start + len]), &mut out);
        y[start..start + len].copy_from_slice(&out[..len]);
    }
}

fn forward_block<T: Lane>(curves: &Curves<'_, T>, stride: usize, z: &[T], y: &mut [T]) {
    if dispatch(curves.exact[0], Forward { curves: &curves.lowest, stride, z, y: &mut *y }) {
        return;
    }
    for (z, y) in z.chunks(stride).zip(y.chunks_mut(stride)) {
        for lane in (0..LANES).filter(|&lane| !curves.direct(z[lane])) {
            y[lane] = T::of(curves.exact[lane].value(z[lane].wide()));
        }
    }
}

/// What the backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a, T> {
    /// Pre-activations.
    pub z: &'a [T],
    /// dL/dR
    pub dy: &'a [T],
}

/// dz = dy·R'(z) over a span, and the sums of dy·∂R/∂a, dy·∂R/∂c added to `sums`.
pub fn backward<T: Lane>(
    curves: &Curves<'_, T>,
    span: Span,
    upstream: Upstream<'_, T>,
    dz: &mut [T],
    sums: &mut Sums,
) {
    let Upstream { z, dy } = upstream;
    blocks(span, |start, stride, chunks| {
        let extent = extent(start, stride, chunks);
        let upstream = Upstream { z: &z[extent.clone()], dy: &dy[extent.clone()] };
        backward_block(curves, stride, upstream, &mut dz[extent], sums);
    });
    // Pieces of chunks, side by side in a block of their own.
    let pieces: Vec<_> = rests(span).collect();
    for pieces in pieces.chunks(BLOCK) {
        let gather = |from: &[T]| -> Vec<[T; LANES]> {
            pieces.iter().map(|&(start, len)| padded(&from[start..start + len])).collect()
        };
        let (z, dy) = (gather(z), gather(dy));
        let mut out = vec![[T::ZERO; LANES]; pieces.len()];
        let upstream = Upstream { z: z.as_flattened(), dy: dy.as_flattened() };
        backward_block(curves, LANES, upstream, out.as_flattened_mut(), sums);
        for (&(start, len), out) in pieces.iter().zip(&out) {
            dz[start..start + len].copy_from_slice(&out[..len]);
        }
    }
}

fn backward_block<T: Lane>(
    curves: &Curves<'_, T>,
    stride: usize,
    upstream: Upstream<'_, T>,
    dz: &mut [T],
    sums: &mut Sums,
) {
    let ratio = curves.exact[0];
    let Upstream { z, dy } = upstream;
    let lowest = &curves.lowest;
    let mut block = BlockSums { a: [[T::ZERO; LANES]; MAX_A], c: [[T::ZERO; LANES]; MAX_C] };
    if dispatch(ratio, Within { curves: lowest, stride, z }) {
        dispatch(ratio, Backward { curves: lowest, stride, z, dy, dz, sums: &mut block });
    } else {
        let (mut direct_z, mut direct_dy) = (z.to_vec(), dy.to_vec());
        for (x, d) in direct_z.chunks_mut(stride).zip(direct_dy.chunks_mut(stride)) {
            for lane in (0..LANES).filter(|&lane| !curves.direct(x[lane])).collect::<Vec<_>>() {
                (x[lane], d[lane]) = (T::ZERO, T::ZERO);
            }
        }
        let (z, dy) = (&direct_z[..], &direct_dy[..]);
        dispatch(ratio, Backward { curves: lowest, stride, z, dy, dz: &mut *dz, sums: &mut block });
        backward_outside(curves, stride, upstream, dz, sums);
    }
    let (m, n) = (ratio.form.m, ratio.form.n);
    let pairs = sums.a[..=m].iter_mut().zip(&block.a).chain(sums.c[..=n].iter_mut().zip(&block.c));
    for (to, from) in pairs {
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from.wide());
    }
}

#[cold]
fn backward_outside<T: Lane>(
    curves: &Curves<'_, T>,
    stride: usize,
    upstream: Upstream<'_, T>,
    dz: &mut [T],
    sums: &mut Sums,
) {
    let inputs = upstream.z.chunks(stride).zip(upstream.dy.chunks(stride));
    for ((z, dy), dz) in inputs.zip(dz.chunks_mut(stride)) {
        for lane in (0..LANES).filter(|&lane| !curves.direct(z[lane])) {
            let (x, weight) = (z[lane].wide(), dy[lane].wide());
            if weight == 0.0 && x.is_finite() {
                // A saturated or unused output sends nothing back, however steep R is there.
                dz[lane] = T::ZERO;
                continue;
            }
            let curve = curves.exact[lane];
            dz[lane] = T::of(weight * curve.slope(x));
            let (mut by_a, mut by_c) = ([0.0; MAX_A], [0.0; MAX_C]);
            curve.add_gradient(x, weight, &mut by_a, &mut by_c);
            (0..MAX_A).for_each(|i| sums.a[i][lane] += by_a[i]);
            (0..MAX_C).for_each(|k| sums.c[k][lane] += by_c[k]);
        }
    }
}

/// The largest |R'| over a grid and where it is; NaN for coefficients that are not numbers.
#[must_use]
pub fn steepest(ratio: &Ratio, grid: &[[f64; LANES]], furthest: f64) -> (f64, f64) {
    let curves = Curves::<f64>::shared(ratio);
    if curves.direct(furthest) {
        return dispatch(ratio, Steepest { curves: &curves.lowest, grid });
    }
    let slopes = grid.as_flattened().iter().map(|&x| (ratio.slope(x).abs(), x));
    // Not `f64::max`: NaN must win.
    slopes.fold((0.0, 0.0), |most, here| if here.0 <= most.0 { most } else { here })
}

//! The two passes over elements: sixteen lanes at a time in one straight line, all signs by select.
//!
//! The lanes are a fixed number whatever the processor's vectors hold, and every sum is kept by lane
//! and added up in one order, so a run gives the same bytes with AVX2 as with AVX-512. Lanes add in
//! `T` for [`FLUSH`] chunks and then move to f64, which keeps f32 sums over large batches exact enough.
//!
//! Powers of a large |x| overflow f32 long before R does. A lane beyond [`limit`], or NaN, is taken
//! out of its chunk and evaluated by [`Ratio`] in f64; the others go on.

use super::form::{MAX_A, MAX_C, Ratio};
use crate::kernels::element::vectorized;
use crate::kernels::real::Real;

/// Elements that go through together.
pub const LANES: usize = 16;
/// Chunks between moves of the sums from `T` to f64.
const FLUSH: usize = 64;

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
}

/// Sums of ∂/∂aᵢ and ∂/∂cₖ, by lane.
#[derive(Clone, Copy)]
pub struct Sums<T> {
    /// By aᵢ.
    pub a: [[T; LANES]; MAX_A],
    /// By cₖ.
    pub c: [[T; LANES]; MAX_C],
}

impl<T: Real> Sums<T> {
    /// All 0.
    #[must_use]
    #[inline(always)]
    pub fn zero() -> Self {
        Self { a: [[T::ZERO; LANES]; MAX_A], c: [[T::ZERO; LANES]; MAX_C] }
    }
}

impl Sums<f64> {
    /// The sums over lanes, in lane order.
    #[must_use]
    pub fn over_lanes(&self) -> ([f64; MAX_A], [f64; MAX_C]) {
        (self.a.map(|lanes| lanes.iter().sum()), self.c.map(|lanes| lanes.iter().sum()))
    }
}

/// Coefficients for the lanes of a chunk.
pub trait Source<T>: Copy {
    /// aᵢ of a lane.
    fn a(&self, i: usize, lane: usize) -> T;
    /// cₖ of a lane.
    fn c(&self, k: usize, lane: usize) -> T;
    /// Largest |x| that the direct evaluation may see.
    fn limit(&self) -> T;
    /// A lane's curve in f64.
    fn exact(&self, lane: usize) -> &Ratio;
}

/// One curve for every lane.
#[derive(Clone, Copy)]
pub struct Shared<'a, T> {
    a: [T; MAX_A],
    c: [T; MAX_C],
    limit: T,
    exact: &'a Ratio,
}

impl<'a, T: Real> Shared<'a, T> {
    /// The curve `exact`, whose coefficients are values of `T`.
    #[must_use]
    pub fn new(exact: &'a Ratio) -> Self {
        Self { a: exact.a.map(T::of), c: exact.c.map(T::of), limit: limit(exact), exact }
    }
}

impl<T: Real> Source<T> for Shared<'_, T> {
    #[inline(always)]
    fn a(&self, i: usize, _: usize) -> T {
        self.a[i]
    }
    #[inline(always)]
    fn c(&self, k: usize, _: usize) -> T {
        self.c[k]
    }
    #[inline(always)]
    fn limit(&self) -> T {
        self.limit
    }
    #[inline(always)]
    fn exact(&self, _: usize) -> &Ratio {
        self.exact
    }
}

/// A curve for each lane, coefficient by coefficient.
#[derive(Clone, Copy)]
pub struct PerLane<'a, T> {
    a: [[T; LANES]; MAX_A],
    c: [[T; LANES]; MAX_C],
    limit: T,
    exact: [&'a Ratio; LANES],
}

impl<'a, T: Real> PerLane<'a, T> {
    /// The curves of up to [`LANES`] lanes; the last one stands in for lanes that are not there.
    #[must_use]
    pub fn new(curves: &[&'a Ratio]) -> Self {
        let exact: [&Ratio; LANES] = std::array::from_fn(|lane| curves[lane.min(curves.len() - 1)]);
        Self {
            a: std::array::from_fn(|i| exact.map(|curve| T::of(curve.a[i]))),
            c: std::array::from_fn(|k| exact.map(|curve| T::of(curve.c[k]))),
            limit: exact.iter().map(|curve| limit(curve)).fold(T::MAX, T::min),
            exact,
        }
    }
}

impl<T: Real> Source<T> for PerLane<'_, T> {
    #[inline(always)]
    fn a(&self, i: usize, lane: usize) -> T {
        self.a[i][lane]
    }
    #[inline(always)]
    fn c(&self, k: usize, lane: usize) -> T {
        self.c[k][lane]
    }
    #[inline(always)]
    fn limit(&self) -> T {
        self.limit
    }
    #[inline(always)]
    fn exact(&self, lane: usize) -> &Ratio {
        self.exact[lane]
    }
}

/// Largest |x| for which P, Q, their derivatives and P/Q² stay far inside `T`: each is at most
/// 90·max|coefficient|·|x|^degree, and that is kept under 10^16 (f32) or 10^120 (f64).
fn limit<T: Real>(ratio: &Ratio) -> T {
    let largest = ratio
        .a
        .iter()
        .chain(&ratio.c)
        .fold(1.0, |most: f64, c| if c.is_nan() { f64::INFINITY } else { most.max(c.abs()) });
    let budget = if size_of::<T>() == 8 { 1e120 } else { 1e16 } / (90.0 * largest);
    if budget < 1.0 {
        return T::ZERO;
    }
    T::of(libm::exp(libm::log(budget) / if small(ratio) { 5.0 } else { 9.0 }))
}

/// Whether the passes compiled for degrees (5, 4) can take the curve (with zeros on top if need be);
/// the others go through those for (9, 8).
fn small(ratio: &Ratio) -> bool {
    ratio.form.m <= 5 && ratio.form.n <= 4
}

/// Runs `$pass` compiled for the form's degrees and denominator.
macro_rules! dispatch {
    ($ratio:expr, $pass:ident, $t:ty, $s:ty, ($($argument:expr),*)) => {{
        let version = $ratio.form.version;
        match (small($ratio), version.even(), version.absolute()) {
            (true, true, _) => vectorized(#[inline(always)] || $pass::<$t, $s, 5, 4, true, false>($($argument),*)),
            (true, _, true) => vectorized(#[inline(always)] || $pass::<$t, $s, 5, 4, false, true>($($argument),*)),
            (true, ..) => vectorized(#[inline(always)] || $pass::<$t, $s, 5, 4, false, false>($($argument),*)),
            (_, true, _) => vectorized(#[inline(always)] || $pass::<$t, $s, 9, 8, true, false>($($argument),*)),
            (_, _, true) => vectorized(#[inline(always)] || $pass::<$t, $s, 9, 8, false, true>($($argument),*)),
            _ => vectorized(#[inline(always)] || $pass::<$t, $s, 9, 8, false, false>($($argument),*)),
        }
    }};
}

/// y = R(z) over a span.
pub fn forward<T: Real, S: Source<T>>(source: &S, span: Span, z: &[T], y: &mut [T]) {
    dispatch!(source.exact(0), forward_span, T, S, (source, span, z, y));
}

/// What the backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a, T> {
    /// Pre-activations.
    pub z: &'a [T],
    /// dL/dy
    pub dy: &'a [T],
    /// With y = c·tanh(R/c): y and c, for dy/dR = 1 - (y/c)².
    pub squashed: Option<(&'a [T], T)>,
}

/// dz = dy·R'(z) over a span, and the sums of dy·∂R/∂a, dy·∂R/∂c added to `sums`.
pub fn backward<T: Real, S: Source<T>>(
    source: &S,
    span: Span,
    upstream: Upstream<'_, T>,
    dz: &mut [T],
    sums: &mut Sums<f64>,
) {
    dispatch!(source.exact(0), backward_span, T, S, (source, span, upstream, dz, sums));
}

/// The largest |R'| over `grid` and where it is; NaN for coefficients that are not numbers.
#[must_use]
pub fn steepest(ratio: &Ratio, grid: &[f64]) -> (f64, f64) {
    let source = Shared::<f64>::new(ratio);
    let furthest = grid.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    if furthest > source.limit {
        let slopes = grid.iter().map(|&x| (ratio.slope(x).abs(), x));
        // Not `f64::max`: NaN must win.
        return slopes.fold((0.0, 0.0), |most, here| if here.0 <= most.0 { most } else { here });
    }
    dispatch!(ratio, steepest_of, f64, Shared<'_, f64>, (&source, grid))
}

#[inline(always)]
fn steepest_of<T, S, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
    source: &S,
    grid: &[f64],
) -> (f64, f64)
where
    S: Source<f64>,
{
    let (mut most, mut place) = ([0.0; LANES], [0.0; LANES]);
    let (chunks, rest) = grid.as_chunks::<LANES>();
    let mut update = |xs: &[f64; LANES]| {
        let mut slopes = [0.0; LANES];
        let mut unused = Sums::zero();
        backward_lanes::<f64, S, M, N, EVEN, ABS>(source, xs, &[1.0; LANES], &mut slopes, &mut unused);
        for lane in 0..LANES {
            let (slope, x) = (slopes[lane].abs(), xs[lane]);
            place[lane] = if slope > most[lane] { x } else { place[lane] };
            most[lane] = if slope > most[lane] { slope } else { most[lane] };
        }
    };
    chunks.iter().for_each(&mut update);
    if let Some(&x) = rest.last() {
        let mut padded = [x; LANES];
        padded[..rest.len()].copy_from_slice(rest);
        update(&padded);
    }
    (0..LANES)
        .fold((0.0, 0.0), |best, lane| if most[lane] > best.0 { (most[lane], place[lane]) } else { best })
}

#[inline(always)]
fn forward_span<T: Real, S: Source<T>, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
    source: &S,
    span: Span,
    z: &[T],
    y: &mut [T],
) {
    for row in 0..span.rows {
        let from = row * span.stride + span.start;
        let (z, z_rest) = z[from..from + span.len].as_chunks::<LANES>();
        let (y, y_rest) = y[from..from + span.len].as_chunks_mut::<LANES>();
        for (z, y) in z.iter().zip(y) {
            forward_chunk::<T, S, M, N, EVEN, ABS>(source, z, y);
        }
        if !z_rest.is_empty() {
            let (mut padded, mut out) = ([T::ZERO; LANES], [T::ZERO; LANES]);
            padded[..z_rest.len()].copy_from_slice(z_rest);
            forward_chunk::<T, S, M, N, EVEN, ABS>(source, &padded, &mut out);
            y_rest.copy_from_slice(&out[..z_rest.len()]);
        }
    }
}

#[inline(always)]
fn forward_chunk<T: Real, S: Source<T>, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
    source: &S,
    z: &[T; LANES],
    y: &mut [T; LANES],
) {
    let floor = T::of(source.exact(0).form.version.floor());
    for lane in 0..LANES {
        let x = z[lane];
        let t = if EVEN { x.abs() } else { x };
        let mut p = source.a(M, lane);
        for i in (0..M).rev() {
            p = p.mul_add(x, source.a(i, lane));
        }
        let mut s = source.c(N, lane);
        for k in (0..N).rev() {
            s = s.mul_add(t, source.c(k, lane));
        }
        y[lane] = p / (floor + if ABS { s.abs() } else { s });
    }
    if outside(source.limit(), z) {
        forward_outside(source, z, y);
    }
}

/// Whether some lane is beyond the limit or NaN.
#[inline(always)]
fn outside<T: Real>(limit: T, z: &[T; LANES]) -> bool {
    let mut any = 0u32;
    for x in z {
        any |= u32::from(!within(limit, *x));
    }
    any != 0
}

/// False for NaN too.
#[inline(always)]
fn within<T: Real>(limit: T, x: T) -> bool {
    x.abs() <= limit
}

#[cold]
#[inline(never)]
fn forward_outside<T: Real, S: Source<T>>(source: &S, z: &[T; LANES], y: &mut [T; LANES]) {
    for lane in 0..LANES {
        if !within(source.limit(), z[lane]) {
            y[lane] = T::of(source.exact(lane).value(z[lane].wide()));
        }
    }
}

#[inline(always)]
fn backward_span<T: Real, S: Source<T>, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
    source: &S,
    span: Span,
    upstream: Upstream<'_, T>,
    dz: &mut [T],
    sums: &mut Sums<f64>,
) {
    let mut part = Sums::<T>::zero();
    let mut chunks = 0;
    for row in 0..span.rows {
        let from = row * span.stride + span.start;
        let run = from..from + span.len;
        let (z, z_rest) = upstream.z[run.clone()].as_chunks::<LANES>();
        let (dy, dy_rest) = upstream.dy[run.clone()].as_chunks::<LANES>();
        let (dz, dz_rest) = dz[run.clone()].as_chunks_mut::<LANES>();
        for (chunk, ((z, dy), dz)) in z.iter().zip(dy).zip(dz).enumerate() {
            let mut dy = *dy;
            if let Some((y, c)) = upstream.squashed {
                let at = from + chunk * LANES;
                unsquash(&mut dy, &y[at..at + LANES], c);
            }
            backward_chunk::<T, S, M, N, EVEN, ABS>(source, z, &dy, dz, &mut part, sums);
            chunks += 1;
            if chunks == FLUSH {
                flush::<T, M, N>(&mut part, sums);
                chunks = 0;
            }
        }
        if !z_rest.is_empty() {
            // x = 0 with dy = 0 adds exactly 0 to every sum.
            let (mut x, mut d, mut out) = ([T::ZERO; LANES], [T::ZERO; LANES], [T::ZERO; LANES]);
            x[..z_rest.len()].copy_from_slice(z_rest);
            d[..z_rest.len()].copy_from_slice(dy_rest);
            if let Some((y, c)) = upstream.squashed {
                unsquash(&mut d[..z_rest.len()], &y[run.end - z_rest.len()..run.end], c);
            }
            backward_chunk::<T, S, M, N, EVEN, ABS>(source, &x, &d, &mut out, &mut part, sums);
            dz_rest.copy_from_slice(&out[..z_rest.len()]);
            chunks += 1;
            if chunks == FLUSH {
                flush::<T, M, N>(&mut part, sums);
                chunks = 0;
            }
        }
    }
    flush::<T, M, N>(&mut part, sums);
}

/// dL/dR from dL/dy where y = c·tanh(R/c).
#[inline(always)]
fn unsquash<T: Real>(dy: &mut [T], y: &[T], c: T) {
    for (dy, &y) in dy.iter_mut().zip(y) {
        let t = y / c;
        *dy = *dy * (T::ONE - t) * (T::ONE + t);
    }
}

#[inline(always)]
fn flush<T: Real, const M: usize, const N: usize>(part: &mut Sums<T>, sums: &mut Sums<f64>) {
    for i in 0..=M {
        for lane in 0..LANES {
            sums.a[i][lane] += part.a[i][lane].wide();
            part.a[i][lane] = T::ZERO;
        }
    }
    for k in 0..=N {
        for lane in 0..LANES {
            sums.c[k][lane] += part.c[k][lane].wide();
            part.c[k][lane] = T::ZERO;
        }
    }
}

#[inline(always)]
fn backward_chunk<
    T: Real,
    S: Source<T>,
    const M: usize,
    const N: usize,
    const EVEN: bool,
    const ABS: bool,
>(
    source: &S,
    z: &[T; LANES],
    dy: &[T; LANES],
    dz: &mut [T; LANES],
    part: &mut Sums<T>,
    sums: &mut Sums<f64>,
) {
    if outside(source.limit(), z) {
        let (mut x, mut d) = (*z, *dy);
        let limit = source.limit();
        for lane in 0..LANES {
            if !within(limit, z[lane]) {
                (x[lane], d[lane]) = (T::ZERO, T::ZERO);
            }
        }
        backward_lanes::<T, S, M, N, EVEN, ABS>(source, &x, &d, dz, part);
        backward_outside(source, z, dy, dz, sums);
    } else {
        backward_lanes::<T, S, M, N, EVEN, ABS>(source, z, dy, dz, part);
    }
}

#[inline(always)]
fn backward_lanes<
    T: Real,
    S: Source<T>,
    const M: usize,
    const N: usize,
    const EVEN: bool,
    const ABS: bool,
>(
    source: &S,
    z: &[T; LANES],
    dy: &[T; LANES],
    dz: &mut [T; LANES],
    part: &mut Sums<T>,
) {
    let floor = T::of(source.exact(0).form.version.floor());
    for lane in 0..LANES {
        let x = z[lane];
        let t = if EVEN { x.abs() } else { x };
        let (mut p, mut dp) = (source.a(M, lane), T::ZERO);
        for i in (0..M).rev() {
            dp = dp.mul_add(x, p);
            p = p.mul_add(x, source.a(i, lane));
        }
        let (mut s, mut ds) = (source.c(N, lane), T::ZERO);
        for k in (0..N).rev() {
            ds = ds.mul_add(t, s);
            s = s.mul_add(t, source.c(k, lane));
        }
        // sgn(0) = +1, for S and for x alike.
        let sigma = if ABS && s < T::ZERO { -T::ONE } else { T::ONE };
        let inner = if EVEN && x < T::ZERO { -T::ONE } else { T::ONE };
        let w = T::ONE / (floor + sigma * s);
        let r = p * w;
        let u = dy[lane] * w;
        dz[lane] = u * (dp - r * (sigma * inner * ds));
        let v = -(u * r) * sigma;
        let mut power = T::ONE;
        for i in 0..=M {
            part.a[i][lane] = u.mul_add(power, part.a[i][lane]);
            power = power * x;
        }
        let mut power = T::ONE;
        for k in 0..=N {
            part.c[k][lane] = v.mul_add(power, part.c[k][lane]);
            power = power * t;
        }
    }
}

#[cold]
#[inline(never)]
fn backward_outside<T: Real, S: Source<T>>(
    source: &S,
    z: &[T; LANES],
    dy: &[T; LANES],
    dz: &mut [T; LANES],
    sums: &mut Sums<f64>,
) {
    for lane in 0..LANES {
        if within(source.limit(), z[lane]) {
            continue;
        }
        let (x, weight) = (z[lane].wide(), dy[lane].wide());
        if weight == 0.0 && x.is_finite() {
            // A saturated or unused output sends nothing back, however steep R is there.
            dz[lane] = T::ZERO;
            continue;
        }
        let curve = source.exact(lane);
        dz[lane] = T::of(weight * curve.slope(x));
        let (mut by_a, mut by_c) = ([0.0; MAX_A], [0.0; MAX_C]);
        curve.add_gradient(x, weight, &mut by_a, &mut by_c);
        (0..MAX_A).for_each(|i| sums.a[i][lane] += by_a[i]);
        (0..MAX_C).for_each(|k| sums.c[k][lane] += by_c[k]);
    }
}

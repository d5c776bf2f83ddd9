//! The two passes over elements: sixteen lanes at a time in one straight line, all signs by select.
//!
//! The lanes are a fixed number whatever the processor's vectors hold: narrower vectors take them in
//! turn. Every sum is kept by lane and added up in one order, so a run gives the same bytes with AVX2
//! as with AVX-512. Lanes add in `T` for [`FLUSH`] chunks and then move to f64, which keeps f32 sums
//! over large batches exact enough.
//!
//! Powers of a large |x| overflow f32 long before R does. A lane beyond [`limit`], or NaN, is taken
//! out of its chunk and evaluated by [`Ratio`] in f64; the others go on.

use pulp::{Arch, Simd, WithSimd};

use super::form::{MAX_A, MAX_C, Ratio};
use super::lanes::{LANES, Lane};

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

    fn run(&self, row: usize) -> std::ops::Range<usize> {
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
    a: [[T; LANES]; MAX_A],
    c: [[T; LANES]; MAX_C],
    limit: T,
    exact: [&'a Ratio; LANES],
}

impl<'a, T: Lane> Curves<'a, T> {
    /// One curve, whose coefficients are values of `T`, for every lane.
    #[must_use]
    pub fn shared(curve: &'a Ratio) -> Self {
        Self {
            a: curve.a.map(|a| [T::of(a); LANES]),
            c: curve.c.map(|c| [T::of(c); LANES]),
            limit: limit(curve),
            exact: [curve; LANES],
        }
    }

    /// A curve for each lane.
    #[must_use]
    pub fn each(exact: [&'a Ratio; LANES]) -> Self {
        Self {
            a: std::array::from_fn(|i| exact.map(|curve| T::of(curve.a[i]))),
            c: std::array::from_fn(|k| exact.map(|curve| T::of(curve.c[k]))),
            limit: exact.iter().map(|curve| limit(curve)).fold(T::MAX, T::min),
            exact,
        }
    }
}

/// Largest |x| for which P, Q, their derivatives and P/Q² stay far inside `T`: each is at most
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
    T::of(libm::exp(libm::log(budget) / if small(ratio) { 5.0 } else { 9.0 }))
}

/// Whether the passes compiled for degrees (5, 4) can take the curve (with zeros on top if need be);
/// the others go through those for (9, 8).
fn small(ratio: &Ratio) -> bool {
    ratio.form.m <= 5 && ratio.form.n <= 4
}

/// A pass, compiled for degrees (M, N), with the polynomial in Q one in |x| (EVEN) or under | | (ABS).
trait Pass {
    type Output;
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
        self,
        simd: S,
    ) -> Self::Output;
}

/// A [`Pass`] with its constants chosen, for pulp to choose the vectors.
struct Compiled<P, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(P);

impl<P: Pass, const M: usize, const N: usize, const EVEN: bool, const ABS: bool> WithSimd
    for Compiled<P, M, N, EVEN, ABS>
{
    type Output = P::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> P::Output {
        self.0.go::<S, M, N, EVEN, ABS>(simd)
    }
}

/// Runs the pass compiled for a curve's degrees and denominator, on the widest vectors there are.
fn dispatch<P: Pass>(ratio: &Ratio, pass: P) -> P::Output {
    let (arch, version) = (Arch::new(), ratio.form.version);
    match (small(ratio), version.even(), version.absolute()) {
        (true, true, _) => arch.dispatch(Compiled::<P, 5, 4, true, false>(pass)),
        (true, _, true) => arch.dispatch(Compiled::<P, 5, 4, false, true>(pass)),
        (true, ..) => arch.dispatch(Compiled::<P, 5, 4, false, false>(pass)),
        (_, true, _) => arch.dispatch(Compiled::<P, 9, 8, true, false>(pass)),
        (_, _, true) => arch.dispatch(Compiled::<P, 9, 8, false, true>(pass)),
        _ => arch.dispatch(Compiled::<P, 9, 8, false, false>(pass)),
    }
}

/// One part of the lanes, as wide as a vector, with its coefficients.
struct Part<T: Lane, S: Simd> {
    simd: S,
    a: [T::Vector<S>; MAX_A],
    c: [T::Vector<S>; MAX_C],
    floor: T::Vector<S>,
    limit: T::Vector<S>,
    zero: T::Vector<S>,
    one: T::Vector<S>,
}

/// The sums of one part, in registers.
struct Running<T: Lane, S: Simd> {
    a: [T::Vector<S>; MAX_A],
    c: [T::Vector<S>; MAX_C],
}

impl<T: Lane, S: Simd> Part<T, S> {
    #[inline(always)]
    fn new(simd: S, curves: &Curves<'_, T>, part: usize) -> Self {
        let splat = |x: f64| T::splat(simd, T::of(x));
        let (mut a, mut c) = ([splat(0.0); MAX_A], [splat(0.0); MAX_C]);
        for i in 0..MAX_A {
            a[i] = T::vectors::<S>(&curves.a[i])[part];
        }
        for k in 0..MAX_C {
            c[k] = T::vectors::<S>(&curves.c[k])[part];
        }
        let floor = splat(curves.exact[0].form.version.floor());
        Self { simd, a, c, floor, limit: T::splat(simd, curves.limit), zero: splat(0.0), one: splat(1.0) }
    }

    #[inline(always)]
    fn running(&self) -> Running<T, S> {
        Running { a: [self.zero; MAX_A], c: [self.zero; MAX_C] }
    }

    /// Whether no lane is beyond the limit or NaN.
    #[inline(always)]
    fn within(&self, x: T::Vector<S>) -> bool {
        T::all_at_most(self.simd, T::magnitude(self.simd, x), self.limit)
    }

    /// x with 0 for the lanes whose `judged` is beyond the limit.
    #[inline(always)]
    fn only_within(&self, judged: T::Vector<S>, x: T::Vector<S>) -> T::Vector<S> {
        let size = T::magnitude(self.simd, judged);
        // Not (limit < size) is not enough: NaN must go too. size < limit loses the limit itself,
        // which the f64 path takes as well as this one.
        T::where_less(self.simd, size, self.limit, x, self.zero)
    }

    #[inline(always)]
    fn value<const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
        &self,
        x: T::Vector<S>,
    ) -> T::Vector<S> {
        let simd = self.simd;
        let t = if EVEN { T::magnitude(simd, x) } else { x };
        let mut p = self.a[M];
        for i in (0..M).rev() {
            p = T::fused(simd, p, x, self.a[i]);
        }
        let mut s = self.c[N];
        for k in (0..N).rev() {
            s = T::fused(simd, s, t, self.c[k]);
        }
        let s = if ABS { T::magnitude(simd, s) } else { s };
        T::over(simd, p, T::plus(simd, self.floor, s))
    }

    /// dy·R'(x); adds dy·∂R/∂aᵢ and dy·∂R/∂cₖ to the running sums.
    #[inline(always)]
    fn derivatives<const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
        &self,
        x: T::Vector<S>,
        dy: T::Vector<S>,
        sums: &mut Running<T, S>,
    ) -> T::Vector<S> {
        let simd = self.simd;
        let t = if EVEN { T::magnitude(simd, x) } else { x };
        let (mut p, mut dp) = (T::fused(simd, self.a[M], x, self.a[M - 1]), self.a[M]);
        for i in (0..M - 1).rev() {
            dp = T::fused(simd, dp, x, p);
            p = T::fused(simd, p, x, self.a[i]);
        }
        let (mut s, mut ds) = (T::fused(simd, self.c[N], t, self.c[N - 1]), self.c[N]);
        for k in (0..N - 1).rev() {
            ds = T::fused(simd, ds, t, s);
            s = T::fused(simd, s, t, self.c[k]);
        }
        // Turned where sgn(S) = -1; sgn(0) = +1, for S and for x alike.
        let turn = |by: T::Vector<S>, y: T::Vector<S>| {
            T::where_less(simd, by, self.zero, T::minus(simd, self.zero, y), y)
        };
        let q = T::plus(simd, self.floor, if ABS { T::magnitude(simd, s) } else { s });
        let w = T::over(simd, self.one, q);
        let r = T::times(simd, p, w);
        let u = T::times(simd, dy, w);
        let mut v = T::minus(simd, self.zero, T::times(simd, u, r));
        if ABS {
            v = turn(s, v);
        }
        // R' = P'/Q - (P/Q²)·dQ/dS·dS/dt·dt/dx, and v is already -dy·(P/Q²)·dQ/dS.
        let inner = if EVEN { turn(x, ds) } else { ds };
        let dz = T::fused(simd, v, inner, T::times(simd, u, dp));
        let mut power = x;
        sums.a[0] = T::plus(simd, sums.a[0], u);
        sums.a[1] = T::fused(simd, u, power, sums.a[1]);
        for i in 2..=M {
            power = T::times(simd, power, x);
            sums.a[i] = T::fused(simd, u, power, sums.a[i]);
        }
        let mut power = t;
        if ABS {
            sums.c[0] = T::plus(simd, sums.c[0], v);
        }
        sums.c[1] = T::fused(simd, v, power, sums.c[1]);
        for k in 2..=N {
            power = T::times(simd, power, t);
            sums.c[k] = T::fused(simd, v, power, sums.c[k]);
        }
        dz
    }

    /// Moves the running sums of part number `part` to f64.
    #[inline(always)]
    fn flush<const M: usize, const N: usize>(
        &self,
        part: usize,
        running: &mut Running<T, S>,
        sums: &mut Sums,
    ) {
        let width = T::width::<S>();
        let add = |vector: &mut T::Vector<S>, to: &mut [f64; LANES]| {
            let mut values = [T::ZERO; LANES];
            T::vectors_mut::<S>(&mut values)[0] = *vector;
            *vector = self.zero;
            for lane in 0..width {
                to[part * width + lane] += values[lane].wide();
            }
        };
        for i in 0..=M {
            add(&mut running.a[i], &mut sums.a[i]);
        }
        for k in 0..=N {
            add(&mut running.c[k], &mut sums.c[k]);
        }
    }
}

/// y = R(z) over a span.
pub fn forward<T: Lane>(curves: &Curves<'_, T>, span: Span, z: &[T], y: &mut [T]) {
    dispatch(curves.exact[0], Forward { curves, span, z, y });
}

struct Forward<'a, T> {
    curves: &'a Curves<'a, T>,
    span: Span,
    z: &'a [T],
    y: &'a mut [T],
}

impl<T: Lane> Pass for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(self, simd: S) {
        for part in 0..LANES / T::width::<S>() {
            let lanes = Part::<T, S>::new(simd, self.curves, part);
            for row in 0..self.span.rows {
                let (z, z_rest) = self.z[self.span.run(row)].as_chunks::<LANES>();
                let (y, y_rest) = self.y[self.span.run(row)].as_chunks_mut::<LANES>();
                for (z, y) in z.iter().zip(y) {
                    let x = T::vectors::<S>(z)[part];
                    T::vectors_mut::<S>(y)[part] = lanes.value::<M, N, EVEN, ABS>(x);
                    if !lanes.within(x) {
                        forward_outside(self.curves, part * T::width::<S>(), T::width::<S>(), z, y);
                    }
                }
                if !z_rest.is_empty() {
                    let (mut padded, mut out) = ([T::ZERO; LANES], [T::ZERO; LANES]);
                    padded[..z_rest.len()].copy_from_slice(z_rest);
                    let x = T::vectors::<S>(&padded)[part];
                    T::vectors_mut::<S>(&mut out)[part] = lanes.value::<M, N, EVEN, ABS>(x);
                    if !lanes.within(x) {
                        forward_outside(
                            self.curves,
                            part * T::width::<S>(),
                            T::width::<S>(),
                            &padded,
                            &mut out,
                        );
                    }
                    for lane in part * T::width::<S>()..((part + 1) * T::width::<S>()).min(z_rest.len()) {
                        y_rest[lane] = out[lane];
                    }
                }
            }
        }
    }
}

/// False for NaN, and at the limit itself, as in [`Part::only_within`].
fn direct<T: Lane>(limit: T, x: T) -> bool {
    x.abs() < limit
}

#[cold]
#[inline(never)]
fn forward_outside<T: Lane>(
    curves: &Curves<'_, T>,
    from: usize,
    width: usize,
    z: &[T; LANES],
    y: &mut [T; LANES],
) {
    for lane in from..from + width {
        if !direct(curves.limit, z[lane]) {
            y[lane] = T::of(curves.exact[lane].value(z[lane].wide()));
        }
    }
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
pub fn backward<T: Lane>(
    curves: &Curves<'_, T>,
    span: Span,
    upstream: Upstream<'_, T>,
    dz: &mut [T],
    sums: &mut Sums,
) {
    dispatch(curves.exact[0], Backward { curves, span, upstream, dz, sums });
}

struct Backward<'a, T> {
    curves: &'a Curves<'a, T>,
    span: Span,
    upstream: Upstream<'a, T>,
    dz: &'a mut [T],
    sums: &'a mut Sums,
}

impl<T: Lane> Pass for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(self, simd: S) {
        let Self { curves, span, upstream, dz, sums } = self;
        for part in 0..LANES / T::width::<S>() {
            let lanes = Part::<T, S>::new(simd, curves, part);
            let mut running = lanes.running();
            let mut chunks = 0;
            for row in 0..span.rows {
                let run = span.run(row);
                let from = run.start;
                let (z, z_rest) = upstream.z[run.clone()].as_chunks::<LANES>();
                let (dy, dy_rest) = upstream.dy[run.clone()].as_chunks::<LANES>();
                let (dz, dz_rest) = dz[run.clone()].as_chunks_mut::<LANES>();
                for (chunk, ((z, dy), dz)) in z.iter().zip(dy).zip(dz).enumerate() {
                    match upstream.squashed {
                        None => backward_chunk::<T, S, M, N, EVEN, ABS>(
                            &lanes,
                            curves,
                            part,
                            z,
                            dy,
                            dz,
                            &mut running,
                            sums,
                        ),
                        Some((y, c)) => {
                            let mut d = *dy;
                            unsquash(&mut d, &y[from + chunk * LANES..], c);
                            backward_chunk::<T, S, M, N, EVEN, ABS>(
                                &lanes,
                                curves,
                                part,
                                z,
                                &d,
                                dz,
                                &mut running,
                                sums,
                            );
                        }
                    }
                    chunks += 1;
                    if chunks == FLUSH {
                        lanes.flush::<M, N>(part, &mut running, sums);
                        chunks = 0;
                    }
                }
                if !z_rest.is_empty() {
                    // x = 0 with dy = 0 adds exactly 0 to every sum.
                    let (mut x, mut d, mut out) = ([T::ZERO; LANES], [T::ZERO; LANES], [T::ZERO; LANES]);
                    let len = z_rest.len();
                    x[..len].copy_from_slice(z_rest);
                    d[..len].copy_from_slice(dy_rest);
                    if let Some((y, c)) = upstream.squashed {
                        unsquash(&mut d[..len], &y[run.end - len..], c);
                    }
                    backward_chunk::<T, S, M, N, EVEN, ABS>(
                        &lanes,
                        curves,
                        part,
                        &x,
                        &d,
                        &mut out,
                        &mut running,
                        sums,
                    );
                    for lane in part * T::width::<S>()..((part + 1) * T::width::<S>()).min(len) {
                        dz_rest[lane] = out[lane];
                    }
                    chunks += 1;
                    if chunks == FLUSH {
                        lanes.flush::<M, N>(part, &mut running, sums);
                        chunks = 0;
                    }
                }
            }
            lanes.flush::<M, N>(part, &mut running, sums);
        }
    }
}

/// dL/dR from dL/dy where y = c·tanh(R/c).
#[inline(always)]
fn unsquash<T: Lane>(dy: &mut [T], y: &[T], c: T) {
    for (dy, &y) in dy.iter_mut().zip(y) {
        let t = y / c;
        *dy = *dy * (T::ONE - t) * (T::ONE + t);
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "the inner step of one pass")]
fn backward_chunk<T: Lane, S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
    lanes: &Part<T, S>,
    curves: &Curves<'_, T>,
    part: usize,
    z: &[T; LANES],
    dy: &[T; LANES],
    dz: &mut [T; LANES],
    running: &mut Running<T, S>,
    sums: &mut Sums,
) {
    let (mut x, mut d) = (T::vectors::<S>(z)[part], T::vectors::<S>(dy)[part]);
    let within = lanes.within(x);
    if !within {
        d = lanes.only_within(x, d);
        x = lanes.only_within(x, x);
    }
    T::vectors_mut::<S>(dz)[part] = lanes.derivatives::<M, N, EVEN, ABS>(x, d, running);
    if !within {
        backward_outside(curves, part * T::width::<S>(), T::width::<S>(), z, dy, dz, sums);
    }
}

#[cold]
#[inline(never)]
fn backward_outside<T: Lane>(
    curves: &Curves<'_, T>,
    from: usize,
    width: usize,
    z: &[T; LANES],
    dy: &[T; LANES],
    dz: &mut [T; LANES],
    sums: &mut Sums,
) {
    for lane in from..from + width {
        if direct(curves.limit, z[lane]) {
            continue;
        }
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

/// The largest |R'| over `grid` and where it is; NaN for coefficients that are not numbers.
#[must_use]
pub fn steepest(ratio: &Ratio, grid: &[f64]) -> (f64, f64) {
    let furthest = grid.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    if furthest > limit(ratio) {
        let slopes = grid.iter().map(|&x| (ratio.slope(x).abs(), x));
        // Not `f64::max`: NaN must win.
        return slopes.fold((0.0, 0.0), |most, here| if here.0 <= most.0 { most } else { here });
    }
    dispatch(ratio, Steepest { ratio, grid })
}

struct Steepest<'a> {
    ratio: &'a Ratio,
    grid: &'a [f64],
}

impl Pass for Steepest<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
        self,
        simd: S,
    ) -> (f64, f64) {
        let curves = Curves::<f64>::shared(self.ratio);
        let (chunks, rest) = self.grid.as_chunks::<LANES>();
        let mut last = [rest.last().copied().unwrap_or(0.0); LANES];
        last[..rest.len()].copy_from_slice(rest);
        let last = (!rest.is_empty()).then_some(&last);
        let mut best = (0.0, 0.0);
        for part in 0..LANES / f64::width::<S>() {
            let lanes = Part::<f64, S>::new(simd, &curves, part);
            let (mut most, mut place) = (lanes.zero, lanes.zero);
            for xs in chunks.iter().chain(last) {
                let x = f64::vectors::<S>(xs)[part];
                let mut unused = lanes.running();
                let slope = lanes.derivatives::<M, N, EVEN, ABS>(x, lanes.one, &mut unused);
                let slope = f64::magnitude(simd, slope);
                place = f64::where_less(simd, most, slope, x, place);
                most = f64::where_less(simd, most, slope, slope, most);
            }
            let (mut values, mut places) = ([0.0; LANES], [0.0; LANES]);
            f64::vectors_mut::<S>(&mut values)[0] = most;
            f64::vectors_mut::<S>(&mut places)[0] = place;
            for lane in 0..f64::width::<S>() {
                if values[lane] > best.0 {
                    best = (values[lane], places[lane]);
                }
            }
        }
        best
    }
}

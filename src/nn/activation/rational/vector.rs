//! The inner loops: sixteen-lane chunks, `stride` elements apart, compiled for each vector width and
//! form.
//!
//! Sums stay in registers for a whole block, which is why nothing else happens here: chunks with a
//! lane beyond the limit are [`super::pass`]'s affair.

use pulp::{Arch, Simd, WithSimd};

use super::form::{MAX_A, MAX_C};
use super::ratio::Ratio;
use crate::kernels::lanes::{LANES, Lane};

/// The lanes' coefficients in `T`.
#[derive(Clone, Copy, Debug)]
pub struct LaneCoefficients<T> {
    /// aᵢ by lane.
    pub a: [[T; LANES]; MAX_A],
    /// cₖ by lane.
    pub c: [[T; LANES]; MAX_C],
    /// What Q is without its polynomial.
    pub floor: T,
    /// The direct evaluation is for |x| below this.
    pub limit: T,
}

/// A block's sums of dy·∂R/∂aᵢ and dy·∂R/∂cₖ, by lane.
#[derive(Clone, Copy, Debug)]
pub struct BlockSums<T> {
    /// By aᵢ.
    pub a: [[T; LANES]; MAX_A],
    /// By cₖ.
    pub c: [[T; LANES]; MAX_C],
}

/// Whether the loops compiled for degrees (5, 4) can take the curve (with zeros on top if need be);
/// the others go through those for (9, 8).
#[must_use]
pub fn small(ratio: &Ratio) -> bool {
    ratio.form.m <= 5 && ratio.form.n <= 4
}

/// A pass, compiled for degrees (M, N), with the polynomial in Q one in |x| (EVEN) or under | | (ABS).
pub trait Pass {
    /// What it gives.
    type Output;
    /// Runs it.
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
pub fn dispatch<P: Pass>(ratio: &Ratio, pass: P) -> P::Output {
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
#[derive(Clone, Copy)]
struct Part<T: Lane, S: Simd> {
    simd: S,
    a: [T::Vector<S>; MAX_A],
    c: [T::Vector<S>; MAX_C],
    floor: T::Vector<S>,
    limit: T::Vector<S>,
    zero: T::Vector<S>,
    one: T::Vector<S>,
}

impl<T: Lane, S: Simd> Part<T, S> {
    #[inline(always)]
    fn new<const M: usize, const N: usize>(simd: S, curves: &LaneCoefficients<T>, part: usize) -> Self {
        let (zero, one) = (T::splat(simd, T::ZERO), T::splat(simd, T::ONE));
        let (mut a, mut c) = ([zero; MAX_A], [zero; MAX_C]);
        for (a, lanes) in a.iter_mut().zip(&curves.a).take(M + 1) {
            *a = T::vectors::<S>(lanes)[part];
        }
        for (c, lanes) in c.iter_mut().zip(&curves.c).take(N + 1) {
            *c = T::vectors::<S>(lanes)[part];
        }
        let (floor, limit) = (T::splat(simd, curves.floor), T::splat(simd, curves.limit));
        Self { simd, a, c, floor, limit, zero, one }
    }

    /// `marks`, with 1 where x is not below the limit, NaN included.
    #[inline(always)]
    fn mark(&self, x: T::Vector<S>, marks: T::Vector<S>) -> T::Vector<S> {
        T::where_less(self.simd, T::magnitude(self.simd, x), self.limit, marks, self.one)
    }

    /// R(x)
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
    #[allow(clippy::needless_range_loop, reason = "powers and sums run side by side")]
    fn derivatives<const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
        &self,
        x: T::Vector<S>,
        dy: T::Vector<S>,
        by_a: &mut [T::Vector<S>; MAX_A],
        by_c: &mut [T::Vector<S>; MAX_C],
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
        by_a[0] = T::plus(simd, by_a[0], u);
        by_a[1] = T::fused(simd, u, power, by_a[1]);
        for i in 2..=M {
            power = T::times(simd, power, x);
            by_a[i] = T::fused(simd, u, power, by_a[i]);
        }
        let mut power = t;
        if ABS {
            by_c[0] = T::plus(simd, by_c[0], v);
        }
        by_c[1] = T::fused(simd, v, power, by_c[1]);
        for k in 2..=N {
            power = T::times(simd, power, t);
            by_c[k] = T::fused(simd, v, power, by_c[k]);
        }
        dz
    }
}

/// What [`super::pass`] sees to.
const FULL: &str = "a block ends with a full chunk";

/// The chunks of a block of slices: one at the start of every `stride` elements.
macro_rules! chunks {
    ($slice:expr, $stride:expr) => {
        $slice.chunks($stride).map(|row| row.first_chunk::<LANES>().expect(FULL))
    };
}
macro_rules! chunks_mut {
    ($slice:expr, $stride:expr) => {
        $slice.chunks_mut($stride).map(|row| row.first_chunk_mut::<LANES>().expect(FULL))
    };
}

/// y = R(z) for a block; false if some lane was not below the limit.
pub struct Forward<'a, T> {
    /// Coefficients.
    pub curves: &'a LaneCoefficients<T>,
    /// From one chunk to the next.
    pub stride: usize,
    /// Pre-activations.
    pub z: &'a [T],
    /// Outputs.
    pub y: &'a mut [T],
}

impl<T: Lane> Pass for Forward<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(self, simd: S) -> bool {
        let mut within = true;
        for part in 0..LANES / T::width::<S>() {
            let lanes = Part::<T, S>::new::<M, N>(simd, self.curves, part);
            let mut marks = lanes.zero;
            for (z, y) in chunks!(self.z, self.stride).zip(chunks_mut!(self.y, self.stride)) {
                let x = T::vectors::<S>(z)[part];
                marks = lanes.mark(x, marks);
                T::vectors_mut::<S>(y)[part] = lanes.value::<M, N, EVEN, ABS>(x);
            }
            within &= T::all_at_most(simd, marks, lanes.zero);
        }
        within
    }
}

/// Whether every lane of a block is below the limit.
pub struct Within<'a, T> {
    /// Coefficients.
    pub curves: &'a LaneCoefficients<T>,
    /// From one chunk to the next.
    pub stride: usize,
    /// Pre-activations.
    pub z: &'a [T],
}

impl<T: Lane> Pass for Within<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(self, simd: S) -> bool {
        let limit = T::splat(simd, self.curves.limit);
        let (zero, one) = (T::splat(simd, T::ZERO), T::splat(simd, T::ONE));
        let mut marks = zero;
        for z in chunks!(self.z, self.stride) {
            for &x in T::vectors::<S>(z) {
                marks = T::where_less(simd, T::magnitude(simd, x), limit, marks, one);
            }
        }
        T::all_at_most(simd, marks, zero)
    }
}

/// dz = dy·R'(z) for a block whose lanes are all below the limit, and its sums.
pub struct Backward<'a, T> {
    /// Coefficients.
    pub curves: &'a LaneCoefficients<T>,
    /// From one chunk to the next.
    pub stride: usize,
    /// Pre-activations.
    pub z: &'a [T],
    /// dL/dR
    pub dy: &'a [T],
    /// dL/dz
    pub dz: &'a mut [T],
    /// Overwritten, up to the form's degrees.
    pub sums: &'a mut BlockSums<T>,
}

impl<T: Lane> Pass for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(self, simd: S) {
        for part in 0..LANES / T::width::<S>() {
            let lanes = Part::<T, S>::new::<M, N>(simd, self.curves, part);
            let (mut by_a, mut by_c) = ([lanes.zero; MAX_A], [lanes.zero; MAX_C]);
            let inputs = chunks!(self.z, self.stride).zip(chunks!(self.dy, self.stride));
            for ((z, dy), dz) in inputs.zip(chunks_mut!(self.dz, self.stride)) {
                let (x, d) = (T::vectors::<S>(z)[part], T::vectors::<S>(dy)[part]);
                let slope = lanes.derivatives::<M, N, EVEN, ABS>(x, d, &mut by_a, &mut by_c);
                T::vectors_mut::<S>(dz)[part] = slope;
            }
            for (to, sum) in self.sums.a.iter_mut().zip(by_a).take(M + 1) {
                T::vectors_mut::<S>(to)[part] = sum;
            }
            for (to, sum) in self.sums.c.iter_mut().zip(by_c).take(N + 1) {
                T::vectors_mut::<S>(to)[part] = sum;
            }
        }
    }
}

/// The largest |R'| over a grid below the limit, and where it is.
pub struct Steepest<'a> {
    /// Coefficients.
    pub curves: &'a LaneCoefficients<f64>,
    /// Points.
    pub grid: &'a [[f64; LANES]],
}

impl Pass for Steepest<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn go<S: Simd, const M: usize, const N: usize, const EVEN: bool, const ABS: bool>(
        self,
        simd: S,
    ) -> (f64, f64) {
        let mut best = (0.0, 0.0);
        for part in 0..LANES / f64::width::<S>() {
            let lanes = Part::<f64, S>::new::<M, N>(simd, self.curves, part);
            let (mut most, mut place) = (lanes.zero, lanes.zero);
            for xs in self.grid {
                let x = f64::vectors::<S>(xs)[part];
                let (mut by_a, mut by_c) = ([lanes.zero; MAX_A], [lanes.zero; MAX_C]);
                let slope = lanes.derivatives::<M, N, EVEN, ABS>(x, lanes.one, &mut by_a, &mut by_c);
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

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// The sums and dz of one block as bits.
    fn bits<S: Simd, T: Lane>(simd: S, curves: &LaneCoefficients<T>, z: &[T], dy: &[T]) -> Vec<u64> {
        let mut dz = vec![T::ZERO; z.len()];
        let mut sums = BlockSums { a: [[T::ZERO; LANES]; MAX_A], c: [[T::ZERO; LANES]; MAX_C] };
        let pass = Backward { curves, stride: LANES, z, dy, dz: &mut dz, sums: &mut sums };
        simd.vectorize(Compiled::<_, 5, 4, false, true>(pass));
        let all = dz.iter().chain(sums.a.as_flattened()).chain(sums.c.as_flattened());
        all.map(|x| x.wide().to_bits()).collect()
    }

    fn same_on_every_width<T: Lane>() {
        let mut stream = Stream::new(0, "test", 0);
        let mut normals = |count: usize| -> Vec<T> { (0..count).map(|_| T::of(stream.normal())).collect() };
        let mut curves = LaneCoefficients {
            a: [[T::ZERO; LANES]; MAX_A],
            c: [[T::ZERO; LANES]; MAX_C],
            floor: T::ONE,
            limit: T::of(100.0),
        };
        curves.a.as_flattened_mut().copy_from_slice(&normals(MAX_A * LANES));
        curves.c.as_flattened_mut().copy_from_slice(&normals(MAX_C * LANES));
        let (z, dy) = (normals(20 * LANES), normals(20 * LANES));
        let plain = bits(pulp::Scalar::new(), &curves, &z, &dy);
        if let Some(avx2) = pulp::x86::V3::try_new() {
            assert_eq!(plain, bits(avx2, &curves, &z, &dy));
        }
        if let Some(avx512) = pulp::x86::V4::try_new() {
            assert_eq!(plain, bits(avx512, &curves, &z, &dy));
        }
    }

    #[test]
    fn every_vector_width_gives_the_same_bits() {
        same_on_every_width::<f32>();
        same_on_every_width::<f64>();
    }
}

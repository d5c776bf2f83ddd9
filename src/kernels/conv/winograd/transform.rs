//! F(4, 3) in one dimension: four outputs of a filter of three from six inputs with six products.
//!
//! The products are values of polynomials at six points (Winograd 1980; Lavin & Gray 2016, arXiv 1509.09308): 0, ±√½,
//! ±√2 and ∞. With Lavin & Gray's 0, ±1, ±2 and ∞ rounding errors are two to three times as large (Barabasz et al.
//! 2020, arXiv 1803.10986, on the choice of points).
//!
//! With Y = Aᵀ[(G·g) ⊙ (Bᵀ·d)] the way back takes the transposes: A for the gradient of the outputs and Gᵀ for that
//! of the filter.

use pulp::Simd;

use crate::kernels::lanes::Lane;

/// Outputs that are made at a time, along one dimension.
pub(super) const STEP: usize = 4;
/// Inputs that they are made of, and products.
pub(super) const POINTS: usize = 6;

/// The points are ±P and ±Q: P² = ½, Q² = 2.
const P: f64 = std::f64::consts::FRAC_1_SQRT_2;
const Q: f64 = std::f64::consts::SQRT_2;
/// Π (x - y) over the other points y: at ±P, and at ±Q. At 0 it is 1.
const AT_P: f64 = -1.5;
const AT_Q: f64 = 6.0;

type Vector<T, S> = <T as Lane>::Vector<S>;

/// x·factor + y
#[inline(always)]
fn add<T: Lane, S: Simd>(simd: S, x: Vector<T, S>, factor: f64, y: Vector<T, S>) -> Vector<T, S> {
    T::fused(simd, x, T::splat(simd, T::of(factor)), y)
}

#[inline(always)]
fn times<T: Lane, S: Simd>(simd: S, x: Vector<T, S>, factor: f64) -> Vector<T, S> {
    T::times(simd, x, T::splat(simd, T::of(factor)))
}

/// Column `j`.
#[inline(always)]
pub(super) fn down<V: Copy, const N: usize, const M: usize>(rows: &[[V; M]; N], j: usize) -> [V; N] {
    let mut down = [rows[0][0]; N];
    for i in 0..N {
        down[i] = rows[i][j];
    }
    down
}

/// Bᵀ·d
#[inline(always)]
pub(super) fn image<T: Lane, S: Simd>(simd: S, d: [Vector<T, S>; POINTS]) -> [Vector<T, S>; POINTS] {
    let (first, last) = (T::plus(simd, d[0], d[4]), T::plus(simd, d[1], d[5]));
    let (even_p, odd_p) = (add::<T, S>(simd, d[2], -2.0, d[4]), add::<T, S>(simd, d[1], -2.0, d[3]));
    let (even_q, odd_q) = (add::<T, S>(simd, d[2], -0.5, d[4]), add::<T, S>(simd, d[1], -0.5, d[3]));
    [
        add::<T, S>(simd, d[2], -2.5, first),
        add::<T, S>(simd, odd_p, P, even_p),
        add::<T, S>(simd, odd_p, -P, even_p),
        add::<T, S>(simd, odd_q, Q, even_q),
        add::<T, S>(simd, odd_q, -Q, even_q),
        add::<T, S>(simd, d[3], -2.5, last),
    ]
}

/// Aᵀ·m
#[inline(always)]
pub(super) fn outputs<T: Lane, S: Simd>(simd: S, m: [Vector<T, S>; POINTS]) -> [Vector<T, S>; STEP] {
    let (even_p, odd_p) = (T::plus(simd, m[1], m[2]), T::minus(simd, m[1], m[2]));
    let (even_q, odd_q) = (T::plus(simd, m[3], m[4]), T::minus(simd, m[3], m[4]));
    [
        T::plus(simd, m[0], T::plus(simd, even_p, even_q)),
        add::<T, S>(simd, odd_p, P, times::<T, S>(simd, odd_q, Q)),
        add::<T, S>(simd, even_p, 0.5, T::plus(simd, even_q, even_q)),
        add::<T, S>(simd, odd_p, P * 0.5, add::<T, S>(simd, odd_q, Q * 2.0, m[5])),
    ]
}

/// A·∂y
#[inline(always)]
pub(super) fn gradient<T: Lane, S: Simd>(simd: S, d: [Vector<T, S>; STEP]) -> [Vector<T, S>; POINTS] {
    let (even_p, odd_p) = (add::<T, S>(simd, d[2], 0.5, d[0]), add::<T, S>(simd, d[3], 0.5, d[1]));
    let (even_q, odd_q) = (add::<T, S>(simd, d[2], 2.0, d[0]), add::<T, S>(simd, d[3], 2.0, d[1]));
    [
        d[0],
        add::<T, S>(simd, odd_p, P, even_p),
        add::<T, S>(simd, odd_p, -P, even_p),
        add::<T, S>(simd, odd_q, Q, even_q),
        add::<T, S>(simd, odd_q, -Q, even_q),
        d[3],
    ]
}

/// G·g
#[inline(always)]
pub(super) fn filter<T: Lane, S: Simd>(simd: S, g: [Vector<T, S>; 3]) -> [Vector<T, S>; POINTS] {
    let even_p = add::<T, S>(simd, g[2], 0.5 / AT_P, times::<T, S>(simd, g[0], 1.0 / AT_P));
    let even_q = add::<T, S>(simd, g[2], 2.0 / AT_Q, times::<T, S>(simd, g[0], 1.0 / AT_Q));
    [
        g[0],
        add::<T, S>(simd, g[1], P / AT_P, even_p),
        add::<T, S>(simd, g[1], -P / AT_P, even_p),
        add::<T, S>(simd, g[1], Q / AT_Q, even_q),
        add::<T, S>(simd, g[1], -Q / AT_Q, even_q),
        g[2],
    ]
}

/// Gᵀ·u
#[inline(always)]
pub(super) fn filter_gradient<T: Lane, S: Simd>(simd: S, u: [Vector<T, S>; POINTS]) -> [Vector<T, S>; 3] {
    let (even_p, odd_p) = (T::plus(simd, u[1], u[2]), T::minus(simd, u[1], u[2]));
    let (even_q, odd_q) = (T::plus(simd, u[3], u[4]), T::minus(simd, u[3], u[4]));
    [
        add::<T, S>(simd, even_p, 1.0 / AT_P, add::<T, S>(simd, even_q, 1.0 / AT_Q, u[0])),
        add::<T, S>(simd, odd_p, P / AT_P, times::<T, S>(simd, odd_q, Q / AT_Q)),
        add::<T, S>(simd, even_p, 0.5 / AT_P, add::<T, S>(simd, even_q, 2.0 / AT_Q, u[5])),
    ]
}

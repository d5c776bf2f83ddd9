//! The products at one point: matrices whose right side lies in panels as wide as the sums that registers hold.

use pulp::Simd;

use crate::kernels::lanes::{LANES, Lane};

type Vector<T, S> = <T as Lane>::Vector<S>;

/// Rows that are multiplied at a time: 6 × 4 vectors of sums, 4 of a panel's row and one factor fit 32 registers, 6 × 2
/// fit 16.
const ROWS: usize = 6;
/// The same where the sums are over rows: a divisor of [`LANES`].
const COLUMNS: usize = 4;

/// Vectors of a panel's row.
fn vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// The panels of a matrix of so many columns, a multiple of [`LANES`]: the first column of each, and its columns.
pub(super) fn panels<T: Lane, S: Simd>(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    debug_assert!(columns.is_multiple_of(LANES));
    let width = vectors::<S>() * T::width::<S>();
    (0..columns).step_by(width).map(move |first| (first, width.min(columns - first)))
}

/// c (m × n) = a (m × k, rows `apart` values apart) · b, which lies in panels (k × width) one after the other, or c +=
/// where `add`.
#[inline(always)]
pub(super) fn times<T: Lane, S: Simd>(
    simd: S,
    a: &[T],
    b: &[T],
    c: &mut [T],
    (n, k, apart): (usize, usize, usize),
    add: bool,
) {
    for (first, width) in panels::<T, S>(n) {
        let (panel, c) = (T::vectors::<S>(&b[first * k..][..width * k]), &mut c[first..]);
        match width / T::width::<S>() {
            1 => panel_times::<T, S, 1>(simd, a, panel, c, (n, apart), add),
            2 => panel_times::<T, S, 2>(simd, a, panel, c, (n, apart), add),
            3 => panel_times::<T, S, 3>(simd, a, panel, c, (n, apart), add),
            _ => panel_times::<T, S, 4>(simd, a, panel, c, (n, apart), add),
        }
    }
}

#[inline(always)]
fn panel_times<T: Lane, S: Simd, const V: usize>(
    simd: S,
    a: &[T],
    panel: &[Vector<T, S>],
    c: &mut [T],
    (n, apart): (usize, usize),
    add: bool,
) {
    let panel = panel.as_chunks::<V>().0;
    for (a, c) in a.chunks(ROWS * apart).zip(c.chunks_mut(ROWS * n)) {
        match a.len().div_ceil(apart) {
            1 => rows_times::<T, S, 1, V>(simd, a, panel, c, (n, apart), add),
            2 => rows_times::<T, S, 2, V>(simd, a, panel, c, (n, apart), add),
            3 => rows_times::<T, S, 3, V>(simd, a, panel, c, (n, apart), add),
            4 => rows_times::<T, S, 4, V>(simd, a, panel, c, (n, apart), add),
            5 => rows_times::<T, S, 5, V>(simd, a, panel, c, (n, apart), add),
            _ => rows_times::<T, S, ROWS, V>(simd, a, panel, c, (n, apart), add),
        }
    }
}

#[inline(always)]
fn rows_times<T: Lane, S: Simd, const R: usize, const V: usize>(
    simd: S,
    a: &[T],
    panel: &[[Vector<T, S>; V]],
    c: &mut [T],
    (n, apart): (usize, usize),
    add: bool,
) {
    let mut rows = [a; R];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &a[r * apart..][..panel.len()];
    }
    let mut sums = [[T::splat(simd, T::ZERO); V]; R];
    if add {
        for (r, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(T::vectors::<S>(&c[r * n..][..V * T::width::<S>()]));
        }
    }
    for (i, b) in panel.iter().enumerate() {
        for r in 0..R {
            let factor = T::splat(simd, rows[r][i]);
            for v in 0..V {
                sums[r][v] = T::fused(simd, factor, b[v], sums[r][v]);
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        T::vectors_mut::<S>(&mut c[r * n..][..V * T::width::<S>()]).copy_from_slice(&sums);
    }
}

/// c (k × n), in panels, = a (m × k)ᵀ · b (m × n), with rows of `a` and `b` so many values apart, or c += where `add`.
#[inline(always)]
pub(super) fn transposed_times<T: Lane, S: Simd>(
    simd: S,
    a: &[T],
    b: &[T],
    c: &mut [T],
    (n, k): (usize, usize),
    apart: (usize, usize),
    add: bool,
) {
    for (first, width) in panels::<T, S>(n) {
        let (b, c) = (&b[first..], T::vectors_mut::<S>(&mut c[first * k..][..width * k]));
        match width / T::width::<S>() {
            1 => panel_transposed::<T, S, 1>(simd, a, b, c, apart, add),
            2 => panel_transposed::<T, S, 2>(simd, a, b, c, apart, add),
            3 => panel_transposed::<T, S, 3>(simd, a, b, c, apart, add),
            _ => panel_transposed::<T, S, 4>(simd, a, b, c, apart, add),
        }
    }
}

#[inline(always)]
fn panel_transposed<T: Lane, S: Simd, const V: usize>(
    simd: S,
    a: &[T],
    b: &[T],
    c: &mut [Vector<T, S>],
    apart: (usize, usize),
    add: bool,
) {
    let rows = c.as_chunks_mut::<V>().0.as_chunks_mut::<COLUMNS>().0;
    for (block, c) in rows.iter_mut().enumerate() {
        let mut sums = [[T::splat(simd, T::ZERO); V]; COLUMNS];
        for (a, b) in a.chunks(apart.0).zip(b.chunks(apart.1)) {
            let a = &a[block * COLUMNS..][..COLUMNS];
            let b = &T::vectors::<S>(&b[..V * T::width::<S>()])[..V];
            for r in 0..COLUMNS {
                let factor = T::splat(simd, a[r]);
                for v in 0..V {
                    sums[r][v] = T::fused(simd, factor, b[v], sums[r][v]);
                }
            }
        }
        for (c, sums) in c.iter_mut().zip(sums) {
            for (c, sum) in c.iter_mut().zip(sums) {
                *c = if add { T::plus(simd, *c, sum) } else { sum };
            }
        }
    }
}

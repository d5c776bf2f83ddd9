//! Filters (outputs, channels, 3, 3) as matrices at the points, and back.

use std::ops::Range;

use pulp::Simd;

use super::products::panels;
use super::transform::{self, POINTS, down};
use crate::kernels::lanes::{LANES, Lane};

/// Values of a filter for one channel.
pub(super) const TAPS: usize = 9;

/// Rows whose taps are read at a time.
const ROWS: usize = 16;

/// Which way a convolution goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the images: matrices (channels × outputs).
    Forward,
    /// From the gradients of the outputs, with filters turned by half a turn: (outputs × channels).
    Back,
}

/// Filters `w` with so many channels as matrices `apart` values apart, of which a block of `rows` and `columns` is made,
/// in [`panels`] of a matrix of that size.
#[inline(always)]
pub(super) fn matrices<T: Lane, S: Simd>(
    simd: S,
    w: &[T],
    channels: usize,
    way: Way,
    (rows, columns): (&Range<usize>, &Range<usize>),
    (matrices, apart): (&mut [T], usize),
) {
    let mut taps = [[[T::ZERO; LANES]; TAPS]; ROWS];
    let width = T::width::<S>();
    for (first, wide) in panels::<T, S>(columns.len()) {
        // Columns of a panel, LANES or less at a time: filters that lie apart in memory.
        for column in (first..first + wide).step_by(LANES) {
            let lanes = LANES.min(first + wide - column);
            for first_row in rows.clone().step_by(ROWS) {
                let some = first_row..(first_row + ROWS).min(rows.end);
                for (row, taps) in some.clone().zip(&mut taps) {
                    let (at, stride) = match way {
                        Way::Forward => (((columns.start + column) * channels + row) * TAPS, channels * TAPS),
                        Way::Back => ((row * channels + columns.start + column) * TAPS, TAPS),
                    };
                    gather(&w[at..], stride, lanes, way, taps);
                }
                for (row, taps) in some.zip(&taps) {
                    for part in 0..lanes / width {
                        let mut made = [[T::splat(simd, T::ZERO); POINTS]; 3];
                        for i in 0..3 {
                            let mut row = [T::splat(simd, T::ZERO); 3];
                            for j in 0..3 {
                                row[j] = T::vectors::<S>(&taps[i * 3 + j])[part];
                            }
                            made[i] = transform::filter::<T, S>(simd, row);
                        }
                        let to =
                            first * rows.len() + (row - rows.start) * wide + (column - first) + part * width;
                        for j in 0..POINTS {
                            let u = transform::filter::<T, S>(simd, down(&made, j));
                            for i in 0..POINTS {
                                let to = (i * POINTS + j) * apart + to;
                                T::vectors_mut::<S>(&mut matrices[to..][..width])[0] = u[i];
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The taps of filters `stride` apart, by tap; in reverse order on the way back.
#[inline(always)]
fn gather<T: Lane>(w: &[T], stride: usize, lanes: usize, way: Way, taps: &mut [[T; LANES]; TAPS]) {
    for lane in 0..lanes {
        let filter = w[lane * stride..].first_chunk::<TAPS>().expect("a whole filter");
        for tap in 0..TAPS {
            let tap_there = if way == Way::Forward { tap } else { TAPS - 1 - tap };
            taps[tap][lane] = filter[tap_there];
        }
    }
}

/// A block of the gradient of the filters from that of the matrices (outputs × channels), replacing or adding.
#[inline(always)]
pub(super) fn gradient<T: Lane, S: Simd>(
    simd: S,
    (matrices, apart): (&[T], usize),
    channels: usize,
    (rows, columns): (&Range<usize>, &Range<usize>),
    dw: &mut [T],
    add: bool,
) {
    let width = T::width::<S>();
    let mut taps = [[T::ZERO; LANES]; TAPS];
    for (first, wide) in panels::<T, S>(columns.len()) {
        for (r, row) in rows.clone().enumerate() {
            for column in (first..first + wide).step_by(LANES) {
                let lanes = LANES.min(first + wide - column);
                for part in 0..lanes / width {
                    let from = first * rows.len() + r * wide + (column - first) + part * width;
                    let mut made = [[T::splat(simd, T::ZERO); 3]; POINTS];
                    for i in 0..POINTS {
                        let mut points = [T::splat(simd, T::ZERO); POINTS];
                        for j in 0..POINTS {
                            let at = (i * POINTS + j) * apart + from;
                            points[j] = T::vectors::<S>(&matrices[at..][..width])[0];
                        }
                        made[i] = transform::filter_gradient::<T, S>(simd, points);
                    }
                    for j in 0..3 {
                        let g = transform::filter_gradient::<T, S>(simd, down(&made, j));
                        for i in 0..3 {
                            T::vectors_mut::<S>(&mut taps[i * 3 + j])[part] = g[i];
                        }
                    }
                }
                let dw = &mut dw[(row * channels + columns.start + column) * TAPS..][..lanes * TAPS];
                for (lane, filter) in dw.as_chunks_mut::<TAPS>().0.iter_mut().enumerate() {
                    for tap in 0..TAPS {
                        filter[tap] = if add { filter[tap] + taps[tap][lane] } else { taps[tap][lane] };
                    }
                }
            }
        }
    }
}

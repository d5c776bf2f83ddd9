//! Sums over rows of numbers, several at a time, in an order that no vector width changes.

use super::real::Real;

/// Sums that run side by side.
pub(super) const SIDE: usize = 16;

/// The sum of `f(x, y)` over two rows.
#[inline(always)]
pub(super) fn row_sum<T: Real>(x: &[T], y: &[T], f: impl Fn(T, T) -> T) -> T {
    let (x_chunks, x_rest) = x.as_chunks::<SIDE>();
    let (y_chunks, y_rest) = y.as_chunks::<SIDE>();
    let mut sums = [T::ZERO; SIDE];
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for i in 0..SIDE {
            sums[i] += f(x[i], y[i]);
        }
    }
    let rest: T = x_rest.iter().zip(y_rest).map(|(&x, &y)| f(x, y)).sum();
    sums.into_iter().sum::<T>() + rest
}

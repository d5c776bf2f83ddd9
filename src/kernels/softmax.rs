//! Softmax of the rows of a matrix, forward and backward, in its place.
//!
//! The largest number of a row is taken off first, so that nothing overflows. What is negligible becomes 0 as in
//! [`flush`](super::element::flush): with a saturated row most of it is, and products with it would be subnormal.

use super::element::{flushed, vectorized};
use super::real::Real;
use super::row_sum::{SIDE, row_sum};

/// Each row of x (rows × columns) becomes its softmax. With `causal` the matrix is square, row i has its first
/// i + 1 numbers alone, and the others become 0.
pub fn softmax<T: Real>(x: &mut [T], columns: usize, causal: bool) {
    vectorized(
        #[inline(always)]
        || {
            for (i, row) in x.chunks_exact_mut(columns).enumerate() {
                let (row, beyond) = row.split_at_mut(if causal { i + 1 } else { columns });
                beyond.fill(T::ZERO);
                let most = largest(row);
                for x in &mut *row {
                    *x = Real::exp(*x - most);
                }
                let inverse = T::ONE / row_sum(row, row, |x, _| x);
                for x in row {
                    *x = flushed(*x * inverse, T::NEGLIGIBLE);
                }
            }
        },
    );
}

/// ∂x of ∂y in `d`, in its place, of y = softmax(x): d ← y·(d - Σ d·y), row by row. With `causal`, row i of `d` has
/// its first i + 1 numbers alone, and the others become 0.
pub fn softmax_backward<T: Real>(y: &[T], d: &mut [T], columns: usize, causal: bool) {
    vectorized(
        #[inline(always)]
        || {
            for (i, (y, d)) in y.chunks_exact(columns).zip(d.chunks_exact_mut(columns)).enumerate() {
                if causal {
                    d[i + 1..].fill(T::ZERO);
                }
                // Whole chunks, so that the sum is that of the row.
                let seen = if causal { (i + 1).next_multiple_of(SIDE).min(columns) } else { columns };
                let (y, d) = (&y[..seen], &mut d[..seen]);
                let along = row_sum(y, d, |y, d| y * d);
                for (d, &y) in d.iter_mut().zip(y) {
                    *d = flushed(y * (*d - along), T::NEGLIGIBLE);
                }
            }
        },
    );
}

/// The largest number of a row; where one is NaN, any.
#[inline(always)]
fn largest<T: Real>(row: &[T]) -> T {
    let (chunks, rest) = row.as_chunks::<SIDE>();
    let mut most = [-<T as Real>::MAX; SIDE];
    for chunk in chunks {
        for i in 0..SIDE {
            most[i] = most[i].max(chunk[i]);
        }
    }
    rest.iter().chain(&most).fold(-<T as Real>::MAX, |a, &b| a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.softmax(torch.tensor([1., 2., 3.]), 0)`.
    #[test]
    fn known_values_and_what_a_causal_row_may_see() {
        let mut x = [1.0, 2.0, 3.0f32, 1001.0, 1002.0, 1003.0];
        softmax(&mut x, 3, false);
        for (ours, theirs) in x.iter().zip([0.090_030_57, 0.244_728_47, 0.665_240_96].repeat(2)) {
            assert!((ours - theirs).abs() < 1e-6, "{x:?}");
        }
        let mut x = [5.0, f32::NAN, 7.0, 7.0];
        softmax(&mut x, 2, true);
        assert_eq!(x, [1.0, 0.0, 0.5, 0.5]);
    }

    #[test]
    fn what_is_no_number_stays_so() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut x = vec![0.0; 40];
            x[21] = bad;
            softmax(&mut x, 40, false);
            assert!(x[0].is_nan() || x[21].is_nan(), "{bad}");
        }
    }

    #[test]
    fn gradients_are_finite_differences() {
        let mut draws = crate::random::Stream::new(0, "test", 0);
        let mut normals = |count: usize| -> Vec<f64> { (0..count).map(|_| draws.normal()).collect() };
        for (columns, causal) in [(19, false), (19, true), (33, true)] {
            let rows = if causal { columns } else { 3 };
            let (x, weights) = (normals(rows * columns), normals(rows * columns));
            let value = |x: &[f64]| -> f64 {
                let mut y = x.to_vec();
                softmax(&mut y, columns, causal);
                y.iter().zip(&weights).map(|(y, w)| y * w).sum()
            };
            let mut y = x.clone();
            softmax(&mut y, columns, causal);
            let mut d = weights.clone();
            if causal {
                (0..rows).for_each(|i| d[i * columns + i + 1..(i + 1) * columns].fill(f64::NAN));
            }
            softmax_backward(&y, &mut d, columns, causal);
            for i in 0..x.len() {
                let at = |h: f64| {
                    let mut moved = x.clone();
                    moved[i] += h;
                    value(&moved)
                };
                let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!((d[i] - expected).abs() < 1e-8, "{i}: {} against {expected}", d[i]);
            }
        }
    }
}

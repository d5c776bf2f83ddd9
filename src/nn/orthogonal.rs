//! A random matrix with orthonormal rows or columns, uniformly distributed (Saxe et al. 2014, arXiv
//! 1312.6120).
//!
//! A matrix of normal draws is orthonormalised along its shorter side. The result is Q of the one QR
//! decomposition whose R has a positive diagonal, which is what `torch.nn.init.orthogonal_` takes too.
//! Gram–Schmidt, twice for each vector, needs sums, products and roots alone, so that every machine gets
//! the same bits.

use super::dot::dot;
use crate::random::Stream;

/// (rows × columns), row-major: orthonormal rows where there are no more rows than columns, orthonormal
/// columns otherwise. The normal draws are taken row by row.
#[must_use]
pub fn orthogonal(rows: usize, columns: usize, stream: &mut Stream) -> Vec<f64> {
    let mut matrix: Vec<f64> = (0..rows * columns).map(|_| stream.normal()).collect();
    if rows <= columns {
        orthonormalise(&mut matrix, columns);
        return matrix;
    }
    let mut vectors = transposed(&matrix, rows, columns);
    orthonormalise(&mut vectors, rows);
    transposed(&vectors, columns, rows)
}

fn transposed(matrix: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..rows * columns).map(|i| matrix[i % rows * columns + i / rows]).collect()
}

/// Makes vectors of `len` numbers, one after the other, orthonormal in their order.
fn orthonormalise(vectors: &mut [f64], len: usize) {
    for at in (0..vectors.len()).step_by(len) {
        let (before, rest) = vectors.split_at_mut(at);
        let vector = &mut rest[..len];
        // Once leaves errors as large as the vectors are nearly parallel; twice is enough (Giraud 2005).
        for _ in 0..2 {
            for other in before.chunks_exact(len) {
                let along = dot(other, vector);
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
        }
        let length = dot(vector, vector).sqrt();
        for v in vector {
            *v /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors are orthonormal, and the draws times them have nothing above the diagonal and a positive one:
    /// together they say that this is the factor Q of the draws.
    #[test]
    fn it_is_the_orthonormal_factor_of_the_normal_draws() {
        for (rows, columns) in [(4, 7), (7, 4), (30, 30), (1, 5), (5, 1), (16, 129)] {
            let q = orthogonal(rows, columns, &mut Stream::new(1, "init", 0));
            let mut stream = Stream::new(1, "init", 0);
            let a: Vec<f64> = (0..rows * columns).map(|_| stream.normal()).collect();
            let short = rows.min(columns);
            let vector = |m: &[f64], i: usize| -> Vec<f64> {
                let along = |k: usize| if rows <= columns { i * columns + k } else { k * columns + i };
                (0..rows.max(columns)).map(|k| m[along(k)]).collect()
            };
            let product = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
            for i in 0..short {
                for j in 0..short {
                    let (qi, qj) = (vector(&q, i), vector(&q, j));
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((product(&qi, &qj) - expected).abs() < 1e-13, "{rows} × {columns}: {i}, {j}");
                    let r = product(&vector(&a, i), &qj);
                    assert!(if i < j { r.abs() < 1e-12 } else { i != j || r > 0.0 }, "{i}, {j}: {r}");
                }
            }
        }
    }
}

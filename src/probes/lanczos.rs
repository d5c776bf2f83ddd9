//! Lanczos' method: a symmetric matrix that is only known by its products with vectors, seen from one
//! start vector as a small tridiagonal matrix.
//!
//! Its extreme eigenvalues are close to the matrix's own after a few steps (more quickly than power
//! iteration's, which uses the last product alone). Its eigenvalues and the squares of the first components
//! of its eigenvectors are the nodes and weights of a quadrature of the spectrum, weighted by how much of
//! the start vector lies in each eigenvector (Golub & Meurant 2010).

use candle_core::Result;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, Par, Spec};

/// A node of the quadrature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ritz {
    /// Eigenvalue of the tridiagonal matrix.
    pub(super) value: f64,
    /// Its weight; all weights sum to 1.
    pub(super) weight: f64,
}

/// The nodes after at most `steps` products, rising; fewer where the start vector lies in a smaller invariant
/// space. None if a product is not finite, or the start vector is 0.
///
/// All vectors are kept, and each is made orthogonal to those before it twice: without that, rounding
/// brings eigenvalues that have converged back again and again.
pub(super) fn nodes(
    start: &[f64],
    steps: usize,
    mut product: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<Vec<Ritz>> {
    let length = norm(start);
    if length == 0.0 {
        return Ok(Vec::new());
    }
    let mut basis = vec![start.iter().map(|x| x / length).collect::<Vec<f64>>()];
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let mut scale: f64 = 0.0;
    while diagonal.len() < steps.min(start.len()) {
        let mut next = product(basis.last().expect("it has the start vector"))?;
        if !next.iter().all(|x| x.is_finite()) {
            return Ok(Vec::new());
        }
        scale = scale.max(norm(&next));
        let mut along = 0.0;
        for round in 0..2 {
            for (number, vector) in basis.iter().enumerate() {
                let part = dot(&next, vector);
                next.iter_mut().zip(vector).for_each(|(x, v)| *x -= part * v);
                if round == 0 && number + 1 == basis.len() {
                    along = part;
                }
            }
        }
        diagonal.push(along);
        let left = norm(&next);
        // What is left of a product after rounding is no direction.
        if left <= 1e-9 * scale || diagonal.len() == steps.min(start.len()) {
            break;
        }
        beside.push(left);
        for x in &mut next {
            *x /= left;
        }
        basis.push(next);
    }
    Ok(tridiagonal(&diagonal, &beside).unwrap_or_default())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Eigenvalues and weights of a tridiagonal matrix; `None` should the iteration not converge.
fn tridiagonal(diagonal: &[f64], beside: &[f64]) -> Option<Vec<Ritz>> {
    let side = diagonal.len();
    let mut matrix = Mat::<f64>::zeros(side, side);
    for (i, &value) in diagonal.iter().enumerate() {
        matrix[(i, i)] = value;
        if i + 1 < side {
            matrix[(i + 1, i)] = beside[i];
        }
    }
    let (mut values, mut vectors) = (Diag::zeros(side), Mat::<f64>::zeros(side, side));
    let scratch = self_adjoint_evd_scratch::<f64>(side, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
    self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .ok()?;
    let value = values.column_vector();
    Some((0..side).map(|i| Ritz { value: value[i], weight: vectors[(0, i)].powi(2) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eigenvalues -2, 0, …, 0, 1, 5 along the axes of a Householder reflection.
    fn product(vector: &[f64]) -> Vec<f64> {
        let n = vector.len();
        let mirror = |x: &[f64]| -> Vec<f64> {
            let u: Vec<f64> = (0..n).map(|i| 1.0 + (i % 3) as f64).collect();
            let share = 2.0 * dot(&u, x) / dot(&u, &u);
            x.iter().zip(&u).map(|(x, u)| x - share * u).collect()
        };
        let mut inner = mirror(vector);
        let eigenvalue = |i: usize| if i < 3 { [-2.0, 1.0, 5.0][i] } else { 0.0 };
        inner.iter_mut().enumerate().for_each(|(i, x)| *x *= eigenvalue(i));
        mirror(&inner)
    }

    #[test]
    fn the_spectrum_of_a_known_matrix_comes_out_with_its_weights() {
        let start: Vec<f64> = (0..40).map(|i| f64::from(i % 7) - 2.5).collect();
        let nodes = nodes(&start, 20, |v| Ok(product(v))).unwrap();
        let values: Vec<f64> = nodes.iter().map(|node| node.value).collect();
        // Four different eigenvalues: the space is exhausted after four steps.
        assert_eq!(nodes.len(), 4, "{nodes:?}");
        for (ours, exact) in values.iter().zip([-2.0, 0.0, 1.0, 5.0]) {
            assert!((ours - exact).abs() < 1e-12, "{values:?}");
        }
        assert!((nodes.iter().map(|node| node.weight).sum::<f64>() - 1.0).abs() < 1e-12);
        // Σ weight·value is the Rayleigh quotient of the start vector.
        let quotient = dot(&start, &product(&start)) / dot(&start, &start);
        let ours: f64 = nodes.iter().map(|node| node.weight * node.value).sum();
        assert!((ours - quotient).abs() < 1e-12, "{ours} {quotient}");
    }

    #[test]
    fn nothing_comes_of_nothing_and_of_what_is_not_finite() {
        assert!(nodes(&[0.0; 3], 5, |v| Ok(v.to_vec())).unwrap().is_empty());
        assert!(nodes(&[1.0; 3], 5, |v| Ok(vec![f64::NAN; v.len()])).unwrap().is_empty());
        let zero = nodes(&[1.0; 3], 5, |v| Ok(vec![0.0; v.len()])).unwrap();
        assert_eq!((zero.len(), zero[0].value, zero[0].weight), (1, 0.0, 1.0));
    }
}

//! Singular values of the features, once per layer, shared by all rank probes.
//!
//! They are the roots of the eigenvalues of the Gram matrix of the smaller side, `ΦᵀΦ` or `ΦΦᵀ`, formed and
//! solved in f64. That squares the condition number: an eigenvalue is known to some d·ε·s₁², ε = 2⁻⁵²,
//! so a singular value below √(d·ε)·s₁ (1.5e-7·s₁ for 100 units) is not known at all. It need not be:
//! the features come in f32, whose own rounding puts singular values of up to 6e-8·s₁ into any matrix;
//! `numerical_rank` cuts at 1.2e-7·max(n, d)·s₁, 2.4e-4·s₁ for 2000 samples; and in the sums of `srank`
//! and `effective_rank` such values are a few 1e-7 of Σ s each (1e-6 of the effective rank of features
//! that are rank-deficient but for rounding). What cannot be told from 0, with every eigenvalue that
//! came out negative, is set to 0. What is left agrees with a full SVD to 1e-11 above 1e-3·s₁ and to
//! 1e-6 above 1e-5·s₁ (the tests hold it to that).
//!
//! The features are centred before the product, and the uncentred Gram matrix is had from the centred
//! one by adding n·μμᵀ. The other way round, subtracting it, would leave little of the covariance of
//! units that hardly move beside their mean.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par, Spec};

use super::unit_moments::UnitMoments;

/// Singular values of Φ (samples, units), and two moments of the centred Φ's.
pub(super) struct Spectrum {
    /// s₁ ≥ s₂ ≥ …, min(samples, units) of them.
    pub(super) values: Vec<f64>,
    /// Rows of Φ.
    pub(super) samples: usize,
    /// Columns of Φ.
    pub(super) units: usize,
    /// Σ s² of the centred Φ.
    pub(super) centred_square: f64,
    /// Σ s⁴ of the centred Φ.
    pub(super) centred_fourth: f64,
}

impl Spectrum {
    /// Of finite `features` with these moments; `None` should the eigenvalue iteration not converge.
    pub(super) fn new(features: &[f32], columns: &UnitMoments) -> Option<Self> {
        let (samples, units) = (columns.samples, columns.units());
        let centred: Vec<f64> = features
            .chunks_exact(units)
            .flat_map(|row| row.iter().zip(&columns.mean).map(|(&x, mean)| f64::from(x) - mean))
            .collect();
        let mut gram = gram(&centred, samples, units);
        // The trace and the squared Frobenius norm of a Gram matrix are Σ s² and Σ s⁴.
        let side = gram.nrows();
        let centred_square = (0..side).map(|i| gram[(i, i)]).sum();
        let column = |j: usize| -> f64 {
            let below: f64 = (j + 1..side).map(|i| gram[(i, j)] * gram[(i, j)]).sum();
            gram[(j, j)] * gram[(j, j)] + 2.0 * below
        };
        let centred_fourth = (0..side).map(column).sum();
        if units <= samples {
            let n = samples as f64;
            for j in 0..units {
                for i in j..units {
                    gram[(i, j)] += n * columns.mean[i] * columns.mean[j];
                }
            }
        } else {
            let wide: Vec<f64> = features.iter().map(|&x| f64::from(x)).collect();
            gram = self::gram(&wide, samples, units);
        }
        let values = roots(&eigenvalues(&gram)?);
        Some(Self { values, samples, units, centred_square, centred_fourth })
    }

    /// s₁
    pub(super) fn largest(&self) -> f64 {
        self.values[0]
    }

    /// Σ s
    pub(super) fn sum(&self) -> f64 {
        self.values.iter().sum()
    }
}

/// The lower triangle of `ΦᵀΦ` or `ΦΦᵀ`, whichever is smaller, of a row-major Φ.
fn gram(features: &[f64], samples: usize, units: usize) -> Mat<f64> {
    let wide = MatRef::from_row_major_slice(features, samples, units);
    let wide = if units <= samples { wide.transpose() } else { wide };
    let mut gram = Mat::zeros(wide.nrows(), wide.nrows());
    triangular::matmul(
        &mut gram,
        BlockStructure::TriangularLower,
        Accum::Replace,
        wide,
        BlockStructure::Rectangular,
        wide.transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    gram
}

/// Eigenvalues of a symmetric matrix given by its lower triangle, rising.
pub(super) fn eigenvalues(matrix: &Mat<f64>) -> Option<Vec<f64>> {
    let side = matrix.nrows();
    let mut values = Diag::zeros(side);
    let scratch = self_adjoint_evd_scratch::<f64>(side, ComputeEigenvectors::No, Par::Seq, Spec::default());
    self_adjoint_evd(
        matrix.as_ref(),
        values.as_mut(),
        None,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )
    .ok()?;
    Some(values.column_vector().iter().copied().collect())
}

/// Singular values, falling, from the eigenvalues of a Gram matrix, rising.
fn roots(eigenvalues: &[f64]) -> Vec<f64> {
    let largest = eigenvalues.last().copied().unwrap_or(0.0);
    // The solver's own error bound: below it an eigenvalue is noise.
    let floor = eigenvalues.len() as f64 * f64::EPSILON * largest;
    eigenvalues.iter().rev().map(|&value| if value > floor { value.sqrt() } else { 0.0 }).collect()
}

/// A square one with these singular values, as the rank probes' tests want it.
#[cfg(test)]
pub(super) fn with_values(values: &[f64]) -> Spectrum {
    let (samples, units) = (values.len(), values.len());
    Spectrum { values: values.to_vec(), samples, units, centred_square: 0.0, centred_fourth: 0.0 }
}

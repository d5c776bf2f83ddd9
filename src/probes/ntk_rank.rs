//! NTK rank: the effective rank of the empirical neural tangent kernel on 128 training examples of the task,
//! `K_ij = Σ_c ⟨∇f_c(x_i), ∇f_c(x_j)⟩` over the outputs c that count there (the trace over outputs; the full
//! kernel has examples × outputs rows). With p = λ/Σλ it is exp(-Σ p ln p). Its part `numerical` counts the
//! eigenvalues above ε·λ₁·n, ε that of f32.

use candle_core::{DType, Result};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

use super::needs::Takes;
use super::network::NetworkSubject;
use super::report::Report;
use super::sample::Sample;
use super::spectrum;
use super::twin::Twin;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "ntk_rank",
    summary: "effective rank of the empirical neural tangent kernel on 128 examples; slow: a gradient for each \
              example and output",
    source: "Jacot et al. 2018, arXiv 1806.07572; Lyle et al. 2024, arXiv 2402.18762",
    parameters: &[],
};

/// Examples, at most.
pub(super) const EXAMPLES: usize = 128;
/// What a look costs.
pub(super) const TAKES: Takes = Takes::Kernel { of: EXAMPLES };

pub(super) fn measure(subject: &NetworkSubject<'_>, report: &mut Report<'_>) -> Result<()> {
    let (twin, sample) = (subject.twin()?, subject.here()?.first(EXAMPLES)?);
    let outputs = match sample.targets().classes() {
        Some(classes) => classes,
        None => (0..subject.view.stream.classes() as u32).collect(),
    };
    let eigenvalues = eigenvalues(twin, &sample, &outputs)?;
    let report = &mut report.on(sample.len());
    report.sampled(eigenvalues.as_deref().map(effective));
    report.sampled_part("numerical", eigenvalues.as_deref().map(numerical));
    Ok(())
}

/// Of the kernel over these outputs, rising; `None` where it is not finite.
pub(super) fn eigenvalues(twin: &Twin, sample: &Sample, outputs: &[u32]) -> Result<Option<Vec<f64>>> {
    let n = sample.len();
    let inputs = sample.inputs().to_dtype(DType::F64)?;
    let mut kernel = Mat::<f64>::zeros(n, n);
    for &output in outputs {
        let mut gradients = Vec::with_capacity(n * twin.len());
        for row in 0..n {
            gradients.extend(twin.output_gradient(&inputs.narrow(0, row, 1)?, output as usize)?);
        }
        let rows = MatRef::from_row_major_slice(&gradients, n, twin.len());
        matmul(kernel.as_mut(), Accum::Add, rows, rows.transpose(), 1.0, Par::Seq);
    }
    let finite = (0..n).all(|j| (0..n).all(|i| kernel[(i, j)].is_finite()));
    Ok(if finite { spectrum::eigenvalues(&kernel) } else { None })
}

/// exp of the entropy of the eigenvalues' shares; 0 where all are 0.
pub(super) fn effective(rising: &[f64]) -> f64 {
    let sum: f64 = rising.iter().map(|value| value.max(0.0)).sum();
    if sum == 0.0 {
        return 0.0;
    }
    let shares = rising.iter().map(|value| value / sum).filter(|share| *share > 0.0);
    libm::exp(-shares.map(|share| share * libm::log(share)).sum::<f64>())
}

pub(super) fn numerical(rising: &[f64]) -> f64 {
    let largest = rising.last().copied().unwrap_or_default();
    let floor = f64::from(f32::EPSILON) * largest * rising.len() as f64;
    rising.iter().filter(|&&value| value > floor).count() as f64
}

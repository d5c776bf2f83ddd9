//! Hessian ε-rank: the share of the eigenvalues with |λ| > ε, for ε = 0.1 and 0.01, of the Hessian of the
//! task's mean training loss by all trained values (arXiv 2509.22335, whose code integrates a spectral density
//! outside [-ε, ε] and picks the ε that predicts accuracy best; 0.1 is its default).
//!
//! The spectrum is estimated by stochastic Lanczos quadrature (Ghorbani et al. 2019, arXiv 1901.10159): 40
//! steps from each of 3 normal start vectors, on at most 256 examples of the task. No smoothing: a node
//! counts wholly or not at all. A share times the number of values estimates the rank itself. Eigenvalues
//! closer to 0 than about a hundredth of the largest are not told from each other by so few steps, so a
//! smaller ε would be answered wrongly (on a network of 74 values 0.001 gave 0.99 for 0.92).

use candle_core::Result;

use super::lanczos;
use super::needs::Takes;
use super::network::NetworkSubject;
use super::report::Report;
use super::sample::Sample;
use super::twin::Twin;
use crate::random::Stream;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "hessian_rank",
    summary: "share of eigenvalues of the Hessian of the task's loss with |λ| > ε, ε = 0.1 and 0.01; slow: \
              240 gradients of 256 examples",
    source: "arXiv 2509.22335; Ghorbani et al. 2019, arXiv 1901.10159",
    parameters: &[],
};

const THRESHOLDS: [(&str, f64); 2] = [("0.1", 0.1), ("0.01", 0.01)];
/// Products with the Hessian for each start vector.
pub(super) const STEPS: usize = 40;
/// Start vectors.
const VECTORS: usize = 3;
/// Examples, at most.
const EXAMPLES: usize = 256;
/// What a look costs.
pub(super) const TAKES: Takes = Takes::Gradients { times: 2 * STEPS * VECTORS, of: EXAMPLES, further: 0 };

pub(super) fn measure(subject: &NetworkSubject<'_>, report: &mut Report<'_>) -> Result<()> {
    let (twin, sample) = (subject.twin()?, subject.here()?.first(EXAMPLES)?);
    let shares = shares(twin, &sample, &mut subject.draws(ENTRY.name))?;
    let report = &mut report.on(sample.len());
    for ((part, _), share) in THRESHOLDS.into_iter().zip(shares) {
        report.sampled_part(part, share);
    }
    Ok(())
}

/// The share of eigenvalues beyond each threshold; `None` where the network or its gradients are not finite.
pub(super) fn shares(twin: &Twin, sample: &Sample, draws: &mut Stream) -> Result<[Option<f64>; 2]> {
    let mut nodes = Vec::new();
    for _ in 0..VECTORS {
        let start: Vec<f64> = (0..twin.len()).map(|_| draws.normal()).collect();
        nodes.extend(lanczos::nodes(&start, STEPS, |vector| twin.hessian_times(sample, vector))?);
    }
    let all: f64 = nodes.iter().map(|node| node.weight).sum();
    Ok(THRESHOLDS.map(|(_, threshold)| {
        let outside = nodes.iter().filter(|node| node.value.abs() > threshold);
        (all > 0.0).then_some(outside.map(|node| node.weight).sum::<f64>() / all)
    }))
}

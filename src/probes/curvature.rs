//! Curvature: the largest eigenvalue of the Hessian of the task's mean training loss by all trained values,
//! coefficients of activations included. Its part `least` is the smallest one, negative where there is a
//! direction in which the loss bends down.
//!
//! 20 steps of Lanczos' method on products with the Hessian, from a normal start vector, on at most 512
//! examples of the task. What is found is a bound from inside: never beyond the true ones, up to rounding.
//! Evaluation mode, as in `PyHessian` (Yao et al. 2020, arXiv 1912.07145).

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
    name: "curvature",
    summary: "largest and least eigenvalue of the Hessian of the task's loss; slow: 40 gradients of 512 examples",
    source: "Lewandowski et al. 2023, arXiv 2312.00246; Yao et al. 2020, arXiv 1912.07145",
    parameters: &[],
};

/// Products with the Hessian.
pub(super) const STEPS: usize = 20;
/// Examples, at most.
const EXAMPLES: usize = 512;
/// What a look costs.
pub(super) const TAKES: Takes = Takes::Gradients { times: 2 * STEPS, of: EXAMPLES, further: 0 };

pub(super) fn measure(subject: &NetworkSubject<'_>, report: &mut Report<'_>) -> Result<()> {
    let (twin, sample) = (subject.twin()?, subject.here()?.first(EXAMPLES)?);
    let extremes = extremes(twin, &sample, &mut subject.draws(ENTRY.name))?;
    let report = &mut report.on(sample.len());
    report.sampled(extremes.map(|(_, largest)| largest));
    report.sampled_part("least", extremes.map(|(least, _)| least));
    Ok(())
}

/// Least and largest eigenvalue; `None` where the network or its gradients are not finite.
pub(super) fn extremes(twin: &Twin, sample: &Sample, draws: &mut Stream) -> Result<Option<(f64, f64)>> {
    let start: Vec<f64> = (0..twin.len()).map(|_| draws.normal()).collect();
    let nodes = lanczos::nodes(&start, STEPS, |vector| twin.hessian_times(sample, vector))?;
    Ok(nodes.first().zip(nodes.last()).map(|(first, last)| (first.value, last.value)))
}

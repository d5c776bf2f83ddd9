//! Refit plasticity (Lyle et al. 2023, arXiv 2303.01486): how well a copy of the network can be fitted to
//! something new. The copy is trained for 100 steps with a new optimiser of the plan's kind on
//!
//! - the outputs of a random network of the same form, each scaled to mean 0 and variance 1 over the examples,
//!   by mean squared error (a loss of 1 is to know nothing): part `loss`;
//! - the next task, by cross-entropy, where there is one: part `next_loss`.
//!
//! The values `refit_plasticity` and `refit_plasticity_next` are those losses less what a freshly drawn network
//! reaches: above 0 where plasticity is lost. Loss is measured on all the examples in evaluation mode, after
//! the steps. Copy, fresh network and targets have a generator of their own, and the same target, fresh network
//! and batches at every moment of a run.

use candle_core::{DType, Result, Tensor};

use super::needs::Takes;
use super::network::{NetworkSubject, NetworkView};
use super::report::Report;
use super::sample::Sample;
use super::twin;
use crate::kernels::inplace::update;
use crate::nn::{Network, Pass, loss};
use crate::random::Stream;
use crate::spec::Entry;
use crate::trained::Trained;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "refit_plasticity",
    summary: "loss that a copy reaches in 100 steps on random targets and on the next task, less a fresh network's; \
              slow: 400 steps of training",
    source: "Lyle et al. 2023, arXiv 2303.01486",
    parameters: &[],
};

/// Steps of each fit.
const STEPS: usize = 100;
/// What a look costs.
pub(super) const TAKES: Takes = Takes::Batches(4 * STEPS);
/// The name of all generators.
const STREAM: &str = "probe-refit";

/// What a copy is fitted to.
enum Target {
    /// (examples, rows of each, outputs)
    Values(Tensor),
    /// The sample's own labels.
    Labels,
}

pub(super) fn measure(subject: &NetworkSubject<'_>, report: &mut Report<'_>) -> Result<()> {
    let here = subject.here()?;
    let values = random_values(subject.view, here)?;
    let mut fits = vec![("", "loss", here, Target::Values(values))];
    if let Some(next) = subject.next()? {
        fits.push(("next", "next_loss", next, Target::Labels));
    }
    for (excess, part, sample, target) in fits {
        let copied = fit(subject.view, network(subject.view, true)?, sample, &target)?;
        let fresh = fit(subject.view, network(subject.view, false)?, sample, &target)?;
        let report = &mut report.on(sample.len());
        report.sampled_part(excess, Some(copied - fresh));
        report.sampled_part(part, Some(copied));
    }
    Ok(())
}

/// A network of the plan's form: with the values of the run's, or freshly drawn.
fn network(view: &NetworkView<'_>, copied: bool) -> Result<Box<dyn Network>> {
    let sizes = (view.stream.dims(), view.stream.classes());
    if !copied {
        return twin::drawn(view.plan, sizes, DType::F32, &mut Stream::new(view.plan.seed, STREAM, 0));
    }
    let network = twin::copy(view.plan, sizes, view.network, DType::F32)?;
    for (parameter, own) in network.parameters().iter().enumerate() {
        let values = view.network.values(parameter)?;
        update(&own.values, |own| own.copy_from_slice(&values))?;
    }
    Ok(network)
}

/// Outputs of a random network on the sample, each scaled to mean 0 and variance 1; 0 where it is constant.
fn random_values(view: &NetworkView<'_>, sample: &Sample) -> Result<Tensor> {
    let sizes = (view.stream.dims(), view.stream.classes());
    let network = twin::drawn(view.plan, sizes, DType::F32, &mut Stream::new(view.plan.seed, STREAM, 1))?;
    let mut parts = Vec::new();
    for (inputs, _) in sample.batches(DType::F32)? {
        parts.push(network.forward(&inputs, &Pass::Evaluate)?);
    }
    let outputs = Tensor::cat(&parts, 0)?.to_dtype(DType::F64)?;
    let centred = outputs.broadcast_sub(&outputs.mean_keepdim(0)?)?;
    let deviation = centred.sqr()?.mean_keepdim(0)?.sqrt()?;
    let divisor = deviation.maximum(1e-12)?;
    // Of text, each example has a row for each of its characters.
    let rows = (sample.len(), outputs.dim(0)? / sample.len(), outputs.dim(1)?);
    centred.broadcast_div(&divisor)?.to_dtype(DType::F32)?.reshape(rows)
}

/// The loss on the whole sample after [`STEPS`] steps; NaN, which gives no row, if it diverges.
fn fit(view: &NetworkView<'_>, network: Box<dyn Network>, sample: &Sample, target: &Target) -> Result<f64> {
    let plan = view.plan;
    let mut trained = Trained::new(STREAM, network, &plan.optimizer, &[], plan.seed)?;
    let mut draws = Stream::new(plan.seed, STREAM, 2);
    let rows = plan.stream().batch_size.min(sample.len());
    for _ in 0..STEPS {
        let positions: Vec<u32> = (0..rows).map(|_| draws.below(sample.len() as u64) as u32).collect();
        let batch = sample.at(&positions)?;
        let outputs = trained.forward(batch.inputs(), trained.training())?;
        let loss = match target {
            Target::Labels => loss(batch.inputs(), &outputs, batch.targets().clone())?.loss,
            Target::Values(values) => {
                let index = Tensor::from_slice(&positions, rows, values.device())?;
                let values = values.index_select(&index, 0)?.reshape(outputs.shape())?;
                (outputs - values)?.sqr()?.mean_all()?
            }
        };
        if !loss.to_scalar::<f32>()?.is_finite() {
            return Ok(f64::NAN);
        }
        trained.update(&loss)?;
    }
    let (mut total, mut from) = (0.0, 0);
    for (inputs, targets) in sample.batches(DType::F32)? {
        let outputs = trained.view().outputs(&inputs)?;
        let count = targets.labels.len();
        let loss = match target {
            Target::Labels => loss(&inputs, &outputs, targets)?.loss,
            Target::Values(values) => {
                let values = values.narrow(0, from, count)?.reshape(outputs.shape())?;
                (outputs - values)?.sqr()?.mean_all()?
            }
        };
        total += f64::from(loss.to_scalar::<f32>()?) * count as f64;
        from += count;
    }
    Ok(total / sample.len() as f64)
}

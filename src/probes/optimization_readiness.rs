//! Optimisation readiness (arXiv 2605.09044): (‖∇L‖²/L)·(‖∇L‖²/E‖g‖²), how large the full gradient is for the
//! loss that there is, times how much of a minibatch's gradient it is. It is to predict how far the next
//! steps bring the loss down. L and ∇L are over the probe set's number of the task's training examples, g the
//! gradients of 128 batches of 4, drawn from those with replacement.
//!
//! Parts: `strength` is the first factor (0 where L = 0), `reliability` the second (0 where all g are 0);
//! `next`, `next_strength` and `next_reliability` the same on the next task, where there is one: readiness
//! for what comes, not for what was learned.

use candle_core::Result;

use super::needs::Takes;
use super::network::NetworkSubject;
use super::report::Report;
use super::sample::Sample;
use super::twin::Twin;
use crate::random::Stream;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "optimization_readiness",
    summary: "(‖∇L‖²/L)·(‖∇L‖²/E‖g‖²) on this task and on the next; slow: two gradients of the probe set",
    source: "arXiv 2605.09044",
    parameters: &[],
};

pub(super) const BATCHES: usize = 128;
pub(super) const BATCH: usize = 4;
/// What a look costs.
pub(super) const TAKES: Takes = Takes::Gradients { times: 2, of: usize::MAX, further: 2 * BATCHES * BATCH };

/// The two factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Readiness {
    pub(super) strength: f64,
    pub(super) reliability: f64,
}

pub(super) fn measure(subject: &NetworkSubject<'_>, report: &mut Report<'_>) -> Result<()> {
    let mut draws = subject.draws(ENTRY.name);
    let parts = ["", "strength", "reliability", "next", "next_strength", "next_reliability"];
    let samples = [Some(subject.here()?), subject.next()?];
    for (sample, parts) in samples.into_iter().zip(parts.chunks(3)) {
        let Some(sample) = sample else { continue };
        let Readiness { strength, reliability } = readiness(subject.twin()?, sample, &mut draws)?;
        let report = &mut report.on(sample.len());
        let values = [strength * reliability, strength, reliability];
        for (part, value) in parts.iter().zip(values) {
            report.sampled_part(part, Some(value));
        }
    }
    Ok(())
}

pub(super) fn readiness(twin: &Twin, sample: &Sample, draws: &mut Stream) -> Result<Readiness> {
    let square = |gradient: &[f64]| gradient.iter().map(|g| g * g).sum::<f64>();
    let (loss, gradient) = twin.loss_and_gradient(sample)?;
    let whole = square(&gradient);
    let mut noisy = 0.0;
    for _ in 0..BATCHES {
        let positions: Vec<u32> = (0..BATCH).map(|_| draws.below(sample.len() as u64) as u32).collect();
        noisy += square(&twin.loss_and_gradient(&sample.at(&positions)?)?.1) / BATCHES as f64;
    }
    let share = |of: f64| if of == 0.0 { 0.0 } else { whole / of };
    Ok(Readiness { strength: share(loss), reliability: share(noisy) })
}

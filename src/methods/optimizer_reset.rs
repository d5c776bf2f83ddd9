//! Optimiser reset: before every task but the first, the optimiser forgets its moments and step counts
//! (Asadi et al. 2023, arXiv 2306.17833, for reinforcement learning; the weights stay).
//!
//! Heads of `head = "multi"` keep theirs: each belongs to one task.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::optimizers::State;
use crate::spec::Entry;

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: Entry {
        name: "optimizer-reset",
        summary: "before every task but the first, the optimiser forgets its moments and step counts",
        source: "Asadi et al. 2023, arXiv 2306.17833",
        parameters: &[],
    },
    build: Build::Weights(|_, _| Ok(Box::new(OptimizerReset))),
    check: anywhere,
    excludes: &[("full-reset", "a full reset resets the optimiser too")],
};

struct OptimizerReset;

impl Method for OptimizerReset {
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if at.task > 0 {
            at.optimizer.states_mut().iter_mut().filter(|state| !state.separate_rows).for_each(State::reset);
        }
        Ok(())
    }
}

//! What a probe of a whole network needs, as its line in the registry says it.

use crate::spec::Plan;

/// Gradients of all parameters that a probe keeps at a time.
#[derive(Clone, Copy)]
pub(super) enum Keeps {
    /// A few.
    Few,
    /// So many.
    Gradients(usize),
    /// One an example, of so many at most.
    Examples(usize),
}

impl Keeps {
    /// Gradients at a time.
    pub(super) fn vectors(self, plan: &Plan) -> usize {
        match self {
            Self::Few => 0,
            Self::Gradients(count) => count,
            Self::Examples(most) => most.min(plan.probes.samples),
        }
    }
}

/// What is computed for a look.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// So many gradients in f64 of so many of the plan's samples at most, and of so many further examples.
    Gradients { times: usize, of: usize, further: usize },
    /// A gradient in f64 for each example, of so many at most, and output, and the products of each two.
    Kernel { of: usize },
    /// Training by so many batches of the plan's size.
    Batches(usize),
}

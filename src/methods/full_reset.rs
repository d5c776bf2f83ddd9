//! Full reset: before every task but the first, a new network and an optimiser without a history: the upper
//! bound of plasticity, with nothing kept. It is the fresh network that the plasticity gap is measured
//! against: drawn from the same generator, it starts with the same bits.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use super::reset;
use crate::kernels::inplace::update;
use crate::spec::Entry;

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: Entry {
        name: "full-reset",
        summary: "before every task but the first, all parameters are drawn anew and the optimiser forgets",
        source: "the fresh reference of Dohare et al. 2024, Nature 632, and others",
        parameters: &[],
    },
    build: Build::Weights(|_, _| Ok(Box::new(FullReset))),
    check: anywhere,
    excludes: &[
        ("optimizer-reset", "a full reset resets the optimiser too"),
        ("shrink-and-perturb", "a full reset leaves nothing to shrink"),
        ("fire", "a full reset leaves nothing to orthogonalise"),
    ],
};

struct FullReset;

impl Method for FullReset {
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if at.task == 0 {
            return Ok(());
        }
        let fresh = reset::fresh(at.network, &mut at.streams.of_task("fresh-init"));
        for (parameter, start) in at.network.parameters().iter().zip(fresh) {
            update(&parameter.values, |values| values.copy_from_slice(&start))?;
        }
        reset::statistics(at.network);
        at.optimizer.reset();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use crate::random::Stream;

    /// The reset network is the one that a fresh learner of the task would be built as.
    #[test]
    fn a_reset_network_is_the_fresh_one() {
        for rest in [
            "network = { kind = 'mlp', hidden = [6] }\nactivation = 'rational'\noptimizer = 'adam'\n",
            "network = { kind = 'mlp', hidden = [6], initialization = 'orthogonal' }\nactivation = 'relu'\noptimizer = 'adam'\n",
            "network = { kind = 'cnn', channels = [2], kernel = 3, hidden = [4] }\nactivation = 'relu'\noptimizer = 'adam'\n",
            "network = { kind = 'resnet18', width = 2 }\nactivation = 'relu'\noptimizer = 'sgd'\n",
            "network = { kind = 'resnet18', width = 2, norm = 'none' }\nactivation = 'relu'\noptimizer = 'sgd'\n",
        ] {
            let (network, mut optimizer) = fixture::network(rest, (1, 8, 8), 5);
            let mut method = fixture::method("full-reset", &[], &*network);
            optimizer.states_mut()[0].first.fill(1.0);
            optimizer.states_mut()[0].steps[0] = 9;
            for parameter in network.parameters() {
                crate::kernels::inplace::update(&parameter.values, |v| v.iter_mut().for_each(|v| *v += 1.0))
                    .unwrap();
            }
            method.start_task(&mut fixture::at(&*network, &mut optimizer, 3, 0)).unwrap();
            let plan = fixture::plan(rest);
            let fresh = crate::nn::build(&plan, (1, 8, 8), 2, &mut Stream::new(0, "fresh-init", 3)).unwrap();
            for (ours, expected) in network.parameters().iter().zip(fresh.parameters()) {
                assert_eq!(ours.to_vec().unwrap(), expected.to_vec().unwrap(), "{rest}: {}", ours.name);
            }
            let state = &optimizer.states()[0];
            assert!(state.first.iter().all(|m| *m == 0.0) && state.steps == [0]);
        }
    }
}

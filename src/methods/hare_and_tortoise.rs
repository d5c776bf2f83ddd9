//! Hare & Tortoise: the tortoise is a running mean of the network in training, the hare, which it is set back to
//! every `period` steps: tortoise ← m·tortoise + (1 - m)·hare after every step, then hare ← tortoise (Lee et al.
//! 2024, arXiv 2406.02596; `dojeon-ai/hare-tortoise`). What is evaluated at a task's end is the tortoise.
//!
//! Running statistics of normalisations are averaged like weights, and coefficients of activations go back into
//! their constraint's set. The optimiser keeps its moments. The published period is 10 epochs; theirs also
//! falls on the first epoch, when the two are the same network. With a mean of no memory, m = 0, the tortoise is
//! the hare and nothing changes.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered};
use super::snapshot::Snapshot;
use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};
use crate::state::{StateDict, StateError};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "hare-and-tortoise",
    summary: "every period steps the network goes back to its running mean, which is what is evaluated",
    source: "Lee et al. 2024, arXiv 2406.02596",
    parameters: &[
        Parameter {
            name: "momentum",
            summary: "m of the running mean: the share that a step leaves",
            kind: Kind::Number { default: Some(0.999), min: 0.0, max: 0.999_999_999 },
        },
        Parameter {
            name: "period",
            summary: "steps from one return to the mean to the next; 0 is never",
            kind: Kind::Integer { default: Some(2000), min: 0, max: 1_000_000_000 },
        },
    ],
};

struct HareAndTortoise {
    momentum: f32,
    period: u64,
    tortoise: Snapshot,
    /// The hare's values while the network has the tortoise's.
    hare: Option<Snapshot>,
}

fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(HareAndTortoise {
        momentum: choice.number("momentum") as f32,
        period: count(choice, "period") as u64,
        tortoise: Snapshot::take(network)?,
        hare: None,
    }))
}

fn check(plan: &Plan, _: &Choice) -> std::result::Result<(), String> {
    if plan.is_supervised() {
        return Ok(());
    }
    Err("method \"hare-and-tortoise\" evaluates its running mean at a task's end, which agents and diagnostics \
         do not have: take another"
        .into())
}

impl Method for HareAndTortoise {
    fn updated(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        self.tortoise.follow(at.network, self.momentum)?;
        if self.period > 0 && (at.steps + 1).is_multiple_of(self.period) {
            self.tortoise.give(at.network, true)?;
        }
        Ok(())
    }

    fn start_evaluation(&mut self, at: &mut At<'_>) -> Result<()> {
        self.hare = Some(Snapshot::take(at.network)?);
        self.tortoise.give(at.network, true)
    }

    fn end_evaluation(&mut self, at: &mut At<'_>) -> Result<()> {
        match self.hare.take() {
            Some(hare) => hare.give(at.network, false),
            None => Ok(()),
        }
    }

    fn save(&self, state: &mut StateDict) {
        self.tortoise.save("tortoise", state);
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        self.tortoise.load("tortoise", state)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    /// By hand: 0 → ½·0 + ½·4 = 2 → ½·2 + ½·8 = 5; the second step is the period's end.
    #[test]
    fn the_mean_follows_and_the_network_goes_back_to_it() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        fixture::set(&*network, "layers.0.bias", &[0.0]);
        let settings = [("momentum", 0.5), ("period", 2.0)];
        let mut method = fixture::method("hare-and-tortoise", &settings, &*network);
        optimizer.states_mut()[1].first[0] = 3.0;
        fixture::set(&*network, "layers.0.bias", &[4.0]);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [4.0]);
        method.start_evaluation(&mut fixture::at(&*network, &mut optimizer, 0, 1)).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [2.0], "the tortoise is evaluated");
        method.end_evaluation(&mut fixture::at(&*network, &mut optimizer, 0, 1)).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [4.0]);
        fixture::set(&*network, "layers.0.bias", &[8.0]);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 1), &[]).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [5.0]);
        assert_eq!(optimizer.states()[1].first, [3.0], "the moments stay");
    }

    /// Running statistics are part of the mean.
    #[test]
    fn running_statistics_are_averaged_too() {
        let rest = "network = { kind = 'resnet18', width = 2 }\nactivation = 'relu'\noptimizer = 'sgd'\n";
        let (network, mut optimizer) = fixture::network(rest, (1, 8, 8), 0);
        let mut method =
            fixture::method("hare-and-tortoise", &[("momentum", 0.75), ("period", 1.0)], &*network);
        network.buffers()[0].values.lock().unwrap().fill(8.0);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        assert!(network.buffers()[0].values.lock().unwrap().iter().all(|mean| *mean == 2.0));
    }
}

//! Learning without forgetting: on the new task's images the network is held to the answers that it gave at the
//! end of the last task, among the classes of earlier tasks (Li & Hoiem 2016, arXiv 1606.09282).
//!
//! The penalty is strength·T²·KL(p ‖ q), mean over the batch, with p and q the softmax at temperature T of the old
//! network's and the new one's logits; T² keeps its gradient's size (Hinton et al. 2015, arXiv 1503.02531). Each
//! earlier task's answers have a softmax of their own, and the penalties are summed: its classes where the head
//! is masked or a task's own, all classes of a single head. Gradients by the new logits are strength·T·(q - p)/batch.
//!
//! The old network is evaluated as at a task's end: with its running statistics and without random activations.
//! The new one's second training pass moves running statistics once more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use candle_core::{Result, Tensor};

use super::hooks::{At, Method};
use super::registered::{Build, JOINT_HAS_ALL, Registered, anywhere};
use super::snapshot::Snapshot;
use crate::nn::{Network, Pass};
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};
use crate::tasks::{Answers, Examples};

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Consolidation(build),
    check: anywhere,
    excludes: &[("joint", JOINT_HAS_ALL)],
};

const ENTRY: Entry = Entry {
    name: "distillation",
    summary: "learning without forgetting: on new images, a penalty strength·T²·KL(old answers ‖ new ones)",
    source: "Li & Hoiem 2016, arXiv 1606.09282; Hinton et al. 2015, arXiv 1503.02531",
    parameters: &[
        Parameter {
            name: "strength",
            summary: "λ of the penalty",
            kind: Kind::Number { default: Some(1.0), min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "temperature",
            summary: "T of both softmaxes",
            kind: Kind::Number { default: Some(2.0), min: 0.01, max: 1e3 },
        },
    ],
};

struct Distillation {
    strength: f64,
    temperature: f64,
    /// As it was at the end of the last task; its values mean nothing before the end of the first.
    old: Snapshot,
    /// Classes of each softmax, ascending; empty for all of the network's.
    heads: Vec<Vec<u32>>,
}

fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(Distillation {
        strength: choice.number("strength"),
        temperature: choice.number("temperature"),
        old: Snapshot::take(network)?,
        heads: Vec::new(),
    }))
}

/// Softmax of `logits` at a temperature.
fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| libm::exp((logit - largest) / temperature)).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

impl Distillation {
    /// The penalty's gradient by the new logits, both (rows, classes).
    fn slopes(&self, old: &[Vec<f32>], new: &[Vec<f32>]) -> Vec<f32> {
        let (rows, classes) = (new.len(), new[0].len());
        let factor = self.strength * self.temperature / rows as f64;
        let mut slopes = vec![0.0; rows * classes];
        let all: Vec<u32> = (0..classes as u32).collect();
        for head in &self.heads {
            let head = if head.is_empty() { &all } else { head };
            for (row, (old, new)) in old.iter().zip(new).enumerate() {
                let of = |logits: &[f32]| -> Vec<f64> {
                    let own: Vec<f64> = head.iter().map(|&class| f64::from(logits[class as usize])).collect();
                    softmax(&own, self.temperature)
                };
                for (&class, (p, q)) in head.iter().zip(of(old).into_iter().zip(of(new))) {
                    slopes[row * classes + class as usize] += (factor * (q - p)) as f32;
                }
            }
        }
        slopes
    }
}

impl Method for Distillation {
    fn wants_inputs(&self, _: u64) -> bool {
        self.strength > 0.0 && !self.heads.is_empty()
    }

    fn inputs(&mut self, at: &mut At<'_>, inputs: &Tensor) -> Result<()> {
        if !self.wants_inputs(at.steps) {
            return Ok(());
        }
        let now = Snapshot::take(at.network)?;
        self.old.give(at.network, false)?;
        let old = at.network.forward(inputs, &Pass::Evaluate)?.to_vec2::<f32>()?;
        now.give(at.network, false)?;
        let pass = Pass::Train(Arc::new(Mutex::new(at.streams.of_step("distillation"))));
        let new = at.network.forward(inputs, &pass)?;
        let slopes = Tensor::from_vec(self.slopes(&old, &new.to_vec2()?), new.shape(), new.device())?;
        // Its gradient by the logits is the slopes, which join what the parameters have already.
        (new * slopes)?.sum_all()?.backward()?;
        Ok(())
    }

    fn end_task(&mut self, at: &mut At<'_>, examples: Option<&Examples>) -> Result<()> {
        let Some(examples) = examples.filter(|_| self.strength > 0.0) else { return Ok(()) };
        self.old = Snapshot::take(at.network)?;
        let seen: Vec<Vec<u32>> = match &examples.answers {
            Answers::All => vec![Vec::new()],
            Answers::Among(classes) => vec![classes.to_vec()],
            Answers::Each(each) => each.iter().map(|classes| classes.to_vec()).collect(),
        };
        // A head that its task has to itself, or all classes: never two softmaxes over the same ones.
        let heads: BTreeSet<Vec<u32>> = self.heads.drain(..).chain(seen).collect();
        self.heads = heads.into_iter().collect();
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        let counts = self.heads.iter().map(|head| head.len() as u64).collect();
        state.insert("heads.counts", Values::U64(counts));
        let classes = self.heads.iter().flatten().map(|&class| u64::from(class)).collect();
        state.insert("heads", Values::U64(classes));
        self.old.save("old", state);
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        let (counts, mut rest) = (state.u64s("heads.counts")?, state.u64s("heads")?);
        self.heads.clear();
        for &count in counts {
            let Some((own, behind)) = rest.split_at_checked(count as usize) else {
                return Err(StateError { entry: "heads".into(), why: "has too few classes".into() });
            };
            self.heads.push(own.iter().map(|&class| class as u32).collect());
            rest = behind;
        }
        self.old.load("old", state)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::super::fixture;
    use super::*;

    fn method(heads: &[&[u32]], network: &dyn Network) -> Distillation {
        Distillation {
            strength: 3.0,
            temperature: 2.0,
            old: Snapshot::take(network).unwrap(),
            heads: heads.iter().map(|head| head.to_vec()).collect(),
        }
    }

    /// The gradient by the head's bias is the mean over rows of λT(q - p): finite differences of λT²·KL.
    #[test]
    fn the_gradient_is_that_of_the_divergence_in_finite_differences() {
        let (network, mut optimizer) = fixture::mlp(&[3], 0);
        let mut method = method(&[&[]], &*network);
        fixture::set(&*network, "layers.1.bias", &[0.7, -0.4]);
        fixture::no_gradients(&*network);
        let inputs: Vec<f32> = (0..12).map(|i| (i as f32).sin()).collect();
        let inputs = Tensor::from_vec(inputs, (3, 4), &Device::Cpu).unwrap();
        let logits = |network: &dyn Network| {
            network.forward(&inputs, &Pass::Evaluate).unwrap().to_vec2::<f32>().unwrap()
        };
        let now = Snapshot::take(&*network).unwrap();
        let new = logits(&*network);
        method.old.give(&*network, false).unwrap();
        let old = logits(&*network);
        now.give(&*network, false).unwrap();
        method.inputs(&mut fixture::at(&*network, &mut optimizer, 1, 0), &inputs).unwrap();
        assert_eq!(logits(&*network), new, "the network in training is back");
        let penalty = |moved: [f64; 2]| -> f64 {
            let row = |(old, new): (&Vec<f32>, &Vec<f32>)| {
                let own = |logits: &[f32], add: [f64; 2]| {
                    softmax(&[0, 1].map(|c| f64::from(logits[c]) + add[c]), 2.0)
                };
                let (p, q) = (own(old, [0.0; 2]), own(new, moved));
                (0..2).map(|c| p[c] * (p[c] / q[c]).ln()).sum::<f64>()
            };
            3.0 * 4.0 * old.iter().zip(&new).map(row).sum::<f64>() / 3.0
        };
        let ours = fixture::gradient(&*network, "layers.1.bias");
        for (class, ours) in ours.iter().enumerate() {
            let mut step = [0.0; 2];
            step[class] = 1e-5;
            let slope = (penalty(step) - penalty(step.map(|x: f64| -x))) / 2e-5;
            assert!((f64::from(*ours) - slope).abs() < 1e-5, "{class}: {ours} {slope}");
        }
        assert!(ours[0].abs() > 0.05, "{ours:?}");
    }

    /// A head of one class has nothing to forget; two heads are two softmaxes.
    #[test]
    fn every_head_has_a_softmax_of_its_own() {
        let (network, _) = fixture::mlp(&[3], 0);
        let of = |heads: &[&[u32]]| method(heads, &*network).slopes(&[vec![1.0, 2.0]], &[vec![3.0, -1.0]]);
        assert_eq!(of(&[&[0], &[1]]), [0.0, 0.0]);
        let both = of(&[&[]]);
        assert_eq!(of(&[&[0, 1], &[0]]), both);
        assert!(both[0] > 0.1 && (both[0] + both[1]).abs() < 1e-6, "{both:?}");
    }
}

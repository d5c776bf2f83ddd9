//! A-GEM: where a step would raise the loss on remembered examples, its gradient is projected so that to first
//! order it does not: g ← g - (g·r / r·r)·r if g·r < 0, with r the gradient of the loss on a batch of remembered
//! examples (Chaudhry et al. 2019, arXiv 1812.00420, eq. 11).
//!
//! `memory` examples of every task are remembered at its end, drawn without replacement, as the network saw them.
//! g is the gradient over all parameters as it stands at this method's place in the list, so penalties of
//! methods before it are part of it. Batch normalisations see the remembered batch as a training batch of its own.

use std::sync::{Arc, Mutex};

use candle_core::{Device, Result, Tensor};

use super::hooks::{At, Method, count};
use super::registered::{Build, JOINT_HAS_ALL, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::kernels::loss::Targets;
use crate::nn::{Network, Pass, loss, reset_gradients};
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};
use crate::tasks::{Examples, draw};

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Consolidation(build),
    check: anywhere,
    excludes: &[("joint", JOINT_HAS_ALL)],
};

const ENTRY: Entry = Entry {
    name: "a-gem",
    summary: "gradients that would raise the loss on remembered examples are projected onto those that do not",
    source: "Chaudhry et al. 2019, arXiv 1812.00420",
    parameters: &[
        Parameter {
            name: "memory",
            summary: "examples remembered of each task; 0 remembers nothing",
            kind: Kind::Integer { default: Some(100), min: 0, max: 1_000_000 },
        },
        Parameter {
            name: "rows",
            summary: "remembered examples that each step's reference gradient is of",
            kind: Kind::Integer { default: Some(64), min: 1, max: 1_000_000 },
        },
    ],
};

struct AGem {
    memory: usize,
    rows: usize,
    /// Inputs, example after example.
    inputs: Vec<f32>,
    labels: Vec<u32>,
    /// Classes that count for each example; empty for all.
    among: Vec<Arc<[u32]>>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    let (memory, rows) = (count(choice, "memory"), count(choice, "rows"));
    Ok(Box::new(AGem { memory, rows, inputs: Vec::new(), labels: Vec::new(), among: Vec::new() }))
}

impl AGem {
    fn batch(&self, chosen: &[u32]) -> Result<(Tensor, Targets)> {
        let features = self.inputs.len() / self.labels.len();
        let row = |&at: &u32| self.inputs[at as usize * features..][..features].iter().copied();
        let inputs: Vec<f32> = chosen.iter().flat_map(row).collect();
        let labels = chosen.iter().map(|&at| self.labels[at as usize]).collect();
        let among: Vec<_> = chosen.iter().map(|&at| Arc::clone(&self.among[at as usize])).collect();
        let among = among.iter().all(|classes| !classes.is_empty()).then(|| Arc::new(among));
        let inputs = Tensor::from_vec(inputs, (chosen.len(), features), &Device::Cpu)?;
        Ok((inputs, Targets { labels: Arc::new(labels), among }))
    }
}

impl Method for AGem {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.labels.is_empty() {
            return Ok(());
        }
        let parameters = at.network.parameters();
        let mut own: Vec<(bool, Vec<f32>)> = Vec::with_capacity(parameters.len());
        for parameter in parameters {
            let fresh = parameter.gradient.lock().is_fresh();
            own.push((fresh, parameter.gradient.to_f32()?));
        }
        let all = self.labels.len();
        let chosen = draw(&mut at.streams.of_step("a-gem"), all, self.rows.min(all));
        let (inputs, targets) = self.batch(&chosen)?;
        let pass = Pass::Train(Arc::new(Mutex::new(at.streams.of_step("a-gem-activation"))));
        reset_gradients(parameters);
        loss(&inputs, &at.network.forward(&inputs, &pass)?, targets)?.loss.backward()?;
        let reference: Vec<Vec<f32>> =
            parameters.iter().map(|p| p.gradient.to_f32()).collect::<Result<_>>()?;
        let dot =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let (mut across, mut square) = (0.0, 0.0);
        for ((_, g), r) in own.iter().zip(&reference) {
            across += dot(g, r);
            square += dot(r, r);
        }
        let share = if across < 0.0 && square > 0.0 { (across / square) as f32 } else { 0.0 };
        for ((parameter, (fresh, own)), reference) in parameters.iter().zip(own).zip(reference) {
            parameter.gradient.reset();
            // What has no gradient is not stepped, unless the projection gives it one.
            if fresh && share == 0.0 {
                continue;
            }
            let mut gradient = parameter.gradient.lock();
            let (values, _) = gradient.write::<f32>()?;
            values.copy_from_slice(&own);
            if share != 0.0 {
                values.iter_mut().zip(reference).for_each(|(g, r)| *g -= share * r);
            }
        }
        Ok(())
    }

    fn end_task(&mut self, at: &mut At<'_>, examples: Option<&Examples>) -> Result<()> {
        let Some(examples) = examples.filter(|_| self.memory > 0) else { return Ok(()) };
        let kept = self.memory.min(examples.len());
        for position in draw(&mut at.streams.of_task("a-gem"), examples.len(), kept) {
            examples.inputs.append(position, &mut self.inputs);
            self.labels.push(examples.labels[position as usize]);
            self.among.push(examples.answers.at(position).cloned().unwrap_or_default());
        }
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        let list = |values: &mut dyn Iterator<Item = u64>| Values::U64(values.collect());
        state.insert("inputs", Values::F32(self.inputs.clone()));
        state.insert("labels", list(&mut self.labels.iter().map(|&label| u64::from(label))));
        state.insert("among.counts", list(&mut self.among.iter().map(|classes| classes.len() as u64)));
        state.insert("among", list(&mut self.among.iter().flat_map(|c| c.iter().map(|&c| u64::from(c)))));
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        self.inputs = state.f32s("inputs")?.to_vec();
        self.labels = state.u64s("labels")?.iter().map(|&label| label as u32).collect();
        let (counts, mut rest) = (state.u64s("among.counts")?, state.u64s("among")?);
        self.among.clear();
        for &count in counts {
            let Some((own, behind)) = rest.split_at_checked(count as usize) else {
                return Err(StateError { entry: "among".into(), why: "has too few classes".into() });
            };
            self.among.push(own.iter().map(|&class| class as u32).collect());
            rest = behind;
        }
        if self.labels.len() != self.among.len() {
            return Err(StateError { entry: "labels".into(), why: "has other examples than among".into() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::loss::cross_entropy;
    use crate::methods::Streams;
    use crate::nn;
    use crate::optimizers::Optimizer;
    use crate::random::Stream;
    use crate::spec::Value;
    use crate::tasks::fixture;

    fn gradients(network: &dyn Network) -> Vec<f32> {
        network.parameters().iter().flat_map(|p| p.gradient.to_f32().unwrap()).collect()
    }

    /// The reference is the gradient on all remembered examples. Against it a gradient is projected; along it,
    /// or in the first task, it stays to the bit.
    #[test]
    fn a_gradient_against_the_memory_becomes_orthogonal_to_it() {
        let (stream, plan) = (fixture::stream("shuffled-labels", 0), fixture::mlp_plan());
        let network = nn::build(&plan, stream.dims(), 10, &mut Stream::new(0, "test", 0)).unwrap();
        let examples = stream.task(0).train;
        let settings = [("memory", examples.len() as i64), ("rows", 1_000_000)];
        let parameters = settings.map(|(key, value)| (key.to_owned(), Value::Integer(value))).into();
        let mut method = build(&Choice { name: "a-gem".into(), parameters }, &*network).unwrap();
        let adam = Choice::of(&crate::optimizers::entries()[0]);
        let mut optimizer = Optimizer::new(&adam, network.parameters());
        let mut at = |hook: &mut dyn FnMut(&mut At<'_>)| {
            let streams = Streams { seed: 0, network: "", task: 0, step: 0 };
            hook(&mut At {
                task: 0,
                step: 0,
                steps: 0,
                network: &*network,
                optimizer: &mut optimizer,
                streams,
            });
        };
        // By hand: the mean loss over all examples.
        let all: Vec<u32> = (0..examples.len() as u32).collect();
        let (inputs, targets) = nn::batch(&examples, &all).unwrap();
        for parameter in network.parameters() {
            parameter.gradient.reset();
        }
        let logits =
            network.forward(&inputs, &Pass::Train(Arc::new(Mutex::new(Stream::new(0, "t", 0))))).unwrap();
        cross_entropy(&logits, targets).unwrap().loss.backward().unwrap();
        let reference = gradients(&*network);
        let set = |values: &[f32]| {
            let mut from = 0;
            for parameter in network.parameters() {
                parameter.gradient.reset();
                let mut gradient = parameter.gradient.lock();
                let (into, _) = gradient.write::<f32>().unwrap();
                into.copy_from_slice(&values[from..from + into.len()]);
                from += into.len();
            }
        };
        let mut draws = Stream::new(1, "test", 0);
        let noise: Vec<f32> = reference.iter().map(|_| 1e-3 * draws.normal() as f32).collect();
        let against: Vec<f32> = reference.iter().zip(&noise).map(|(r, n)| n - r).collect();
        let along: Vec<f32> = reference.iter().zip(&noise).map(|(r, n)| n + r).collect();
        set(&against);
        at(&mut |at| method.gradients(at, &[]).unwrap());
        assert_eq!(gradients(&*network), against, "nothing is remembered yet");
        at(&mut |at| method.end_task(at, Some(&examples)).unwrap());
        at(&mut |at| method.gradients(at, &[]).unwrap());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let share = dot(&against, &reference) / dot(&reference, &reference);
        assert!(share < -0.5, "{share}");
        let projected = gradients(&*network);
        for ((ours, g), r) in projected.iter().zip(&against).zip(&reference) {
            let expected = f64::from(*g) - share * f64::from(*r);
            assert!((f64::from(*ours) - expected).abs() < 1e-5, "{ours} {expected}");
        }
        assert!(dot(&projected, &reference).abs() < 1e-3 * dot(&reference, &reference));
        set(&along);
        at(&mut |at| method.gradients(at, &[]).unwrap());
        assert_eq!(gradients(&*network), along);
    }
}

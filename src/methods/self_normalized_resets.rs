//! Self-normalised resets: a unit that has been silent for longer than is usual for it is reset (Farias &
//! Jozefiak 2025, arXiv 2410.20098; `ajozefiak/SelfNormalizedResets`).
//!
//! The age of a unit is the number of steps since it last was above 0 for some example of the batch. Whenever it
//! fires, or is reset, its age before that goes into its histogram; ages of 0 do not count. A unit whose age has
//! reached its threshold is reset after the update: incoming weights drawn anew, bias and outgoing weights 0,
//! their moments 0. At the end of every `tasks` tasks each threshold becomes the age at which the histogram's
//! share reaches `percentile` if that is below it, and grows by `growth` otherwise, within 1 and `limit`; a unit
//! that always fired gets 1. Then the histograms start anew.
//!
//! Theirs counts ages in examples, batch by batch, so a limit of 20,000 at batch 100 is 200 steps. The start of
//! the thresholds in their runs is not in their code; here it is the limit. Units of other activations than relu
//! are never silent, or always, so the method is refused for them.

use std::collections::BTreeMap;

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered};
use super::reset;
use crate::kernels::element::vectorized;
use crate::kernels::fused_activation::Captured;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};
use crate::state::{StateDict, StateError, Values};
use crate::tasks::Examples;

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Weights(build),
    check,
    excludes: &[
        ("redo", "both reset units, by different scores"),
        ("continual-backprop", "both reset units, by different scores"),
    ],
};

const ENTRY: Entry = Entry {
    name: "self-normalized-resets",
    summary: "units that are silent for longer than nearly all of their own silences are reset; for relu",
    source: "Farias & Jozefiak 2025, arXiv 2410.20098",
    parameters: &[
        Parameter {
            name: "percentile",
            summary: "η: share of a unit's silences that its threshold lets end by themselves",
            kind: Kind::Number { default: Some(0.99), min: 0.0, max: 1.0 },
        },
        Parameter {
            name: "tasks",
            summary: "tasks from one update of the thresholds to the next",
            kind: Kind::Integer { default: Some(16), min: 1, max: 1_000_000 },
        },
        Parameter {
            name: "growth",
            summary: "factor on a threshold that hardly any silence reached",
            kind: Kind::Number { default: Some(2.0), min: 1.0, max: 1e6 },
        },
        Parameter {
            name: "limit",
            summary: "steps: highest threshold, and every unit's first; 0 resets nothing",
            kind: Kind::Integer { default: Some(200), min: 0, max: 1_000_000_000 },
        },
    ],
};

/// The units of a layer.
struct Units {
    /// Index of the layer in the network.
    layer: usize,
    ages: Vec<u64>,
    thresholds: Vec<u64>,
    /// By unit: how often each age above 0 ended.
    ended: Vec<BTreeMap<u64, u64>>,
}

struct SelfNormalizedResets {
    percentile: f64,
    tasks: usize,
    growth: f64,
    limit: u64,
    layers: Vec<Units>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let limit = count(choice, "limit") as u64;
    let layers = network.layers().iter().enumerate().filter(|(_, layer)| layer.activation.is_some());
    let layers = layers.map(|(layer, of)| Units {
        layer,
        ages: vec![0; of.units()],
        thresholds: vec![limit; of.units()],
        ended: vec![BTreeMap::new(); of.units()],
    });
    Ok(Box::new(SelfNormalizedResets {
        percentile: choice.number("percentile"),
        tasks: count(choice, "tasks"),
        growth: choice.number("growth"),
        limit,
        layers: layers.collect(),
    }))
}

fn check(plan: &Plan, _: &Choice) -> std::result::Result<(), String> {
    let critic = plan.control().and_then(|control| control.critic.activation.as_ref());
    match [Some(&plan.activation), critic].into_iter().flatten().find(|activation| activation.name != "relu")
    {
        None => Ok(()),
        Some(activation) => Err(format!(
            "method \"self-normalized-resets\" waits for units that put out 0, and those of {} hardly ever do, or \
             always: take activation = \"relu\", or another method",
            activation.name
        )),
    }
}

impl Units {
    /// Ages after a step with these features.
    fn grow_older(&mut self, tap: &Captured) {
        let mut fires = vec![false; self.ages.len()];
        vectorized(
            #[inline(always)]
            || {
                for sample in tap.features.chunks_exact(fires.len()) {
                    fires.iter_mut().zip(sample).for_each(|(fires, h)| *fires |= *h > 0.0);
                }
            },
        );
        for (unit, fires) in fires.into_iter().enumerate() {
            if fires { self.end(unit) } else { self.ages[unit] += 1 }
        }
    }

    /// Ends a unit's silence, if it is silent.
    fn end(&mut self, unit: usize) {
        let age = std::mem::take(&mut self.ages[unit]);
        if age > 0 {
            *self.ended[unit].entry(age).or_default() += 1;
        }
    }

    fn set_thresholds(&mut self, percentile: f64, growth: f64, limit: u64) {
        for (threshold, ended) in self.thresholds.iter_mut().zip(&mut self.ended) {
            let usual = quantile(ended, percentile);
            let next = if usual < *threshold { usual } else { (growth * *threshold as f64) as u64 };
            *threshold = next.clamp(1, limit);
            ended.clear();
        }
    }
}

/// The least age by which so large a share of the silences had ended; 1 where there was none.
fn quantile(ended: &BTreeMap<u64, u64>, share: f64) -> u64 {
    let all: u64 = ended.values().sum();
    let mut so_far = 0;
    for (&age, &count) in ended {
        so_far += count;
        if so_far as f64 >= share * all as f64 {
            return age;
        }
    }
    1
}

impl Method for SelfNormalizedResets {
    fn wants_features(&self, _: u64) -> bool {
        self.limit > 0
    }

    fn updated(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        if self.limit == 0 {
            return Ok(());
        }
        let mut draws = at.streams.of_step("self-normalized-resets");
        for (units, tap) in self.layers.iter_mut().zip(features) {
            units.grow_older(tap);
            let silent: Vec<usize> =
                (0..units.ages.len()).filter(|&unit| units.ages[unit] >= units.thresholds[unit]).collect();
            for &unit in &silent {
                units.end(unit);
            }
            reset::units(at, units.layer, &silent, reset::Fresh::default(), &mut draws)?;
        }
        Ok(())
    }

    fn end_task(&mut self, at: &mut At<'_>, _: Option<&Examples>) -> Result<()> {
        if self.limit > 0 && (at.task + 1).is_multiple_of(self.tasks) {
            let (percentile, growth, limit) = (self.percentile, self.growth, self.limit);
            self.layers.iter_mut().for_each(|units| units.set_thresholds(percentile, growth, limit));
        }
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        for units in &self.layers {
            let mut put = |what: &str, list: Vec<u64>| {
                state.insert(format!("{}.{what}", units.layer), Values::U64(list));
            };
            put("ages", units.ages.clone());
            put("thresholds", units.thresholds.clone());
            // Unit, age and number of each entry of the histograms.
            let entries = units.ended.iter().enumerate().flat_map(|(unit, ended)| {
                ended.iter().flat_map(move |(&age, &count)| [unit as u64, age, count])
            });
            put("ended", entries.collect());
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for units in &mut self.layers {
            let name = |what: &str| format!("{}.{what}", units.layer);
            state.copy_u64s(&name("ages"), &mut units.ages)?;
            state.copy_u64s(&name("thresholds"), &mut units.thresholds)?;
            units.ended.iter_mut().for_each(BTreeMap::clear);
            for entry in state.u64s(&name("ended"))?.chunks(3) {
                let wrong =
                    || StateError { entry: name("ended"), why: "is no histogram of these units".into() };
                let &[unit, age, count] = entry else { return Err(wrong()) };
                units.ended.get_mut(unit as usize).ok_or_else(wrong)?.insert(age, count);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn tap(rows: &[[f32; 2]]) -> Vec<Captured> {
        vec![Captured { pre_activations: Vec::new(), features: rows.concat(), slopes: Vec::new() }]
    }

    /// Two units, limit 3. The first is silent in steps 0 to 2 and reset after the third; the second fires in
    /// every other batch.
    #[test]
    fn a_unit_is_reset_when_its_silence_reaches_the_threshold() {
        let (network, mut optimizer) = fixture::mlp(&[2], 0);
        let mut method = fixture::method("self-normalized-resets", &[("limit", 3.0)], &*network);
        fixture::set(&*network, "layers.0.bias", &[7.0, 7.0]);
        optimizer.states_mut()[0].first.fill(1.0);
        let steps = [[[0.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]]];
        for (step, rows) in steps.iter().enumerate() {
            assert!(method.wants_features(step as u64));
            assert_eq!(fixture::get(&*network, "layers.0.bias"), [7.0, 7.0], "{step}");
            method.updated(&mut fixture::at(&*network, &mut optimizer, 0, step), &tap(rows)).unwrap();
        }
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [0.0, 7.0]);
        let head = fixture::get(&*network, "layers.1.weight");
        assert!(head[0] == 0.0 && head[1] != 0.0 && head[2] == 0.0 && head[3] != 0.0, "{head:?}");
        let moments = &optimizer.states()[0].first;
        assert_eq!(moments[..], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let mut state = StateDict::default();
        method.save(&mut state);
        assert_eq!(state.u64s("0.ages").unwrap(), [0, 0]);
        assert_eq!(state.u64s("0.ended").unwrap(), [0, 3, 1, 1, 1, 1], "silences of 3 and of 1 step");
    }

    /// By hand: 98 silences of 2 steps and 2 of 9; half of them and 98 % end by 2, 99 % by 9.
    #[test]
    fn thresholds_follow_the_histogram() {
        let histogram = BTreeMap::from([(2, 98), (9, 2)]);
        assert_eq!([0.5, 0.98, 0.99, 1.0].map(|share| quantile(&histogram, share)), [2, 2, 9, 9]);
        assert_eq!(quantile(&BTreeMap::new(), 0.99), 1);
        let units = |threshold: u64| Units {
            layer: 0,
            ages: vec![0],
            thresholds: vec![threshold],
            ended: vec![histogram.clone()],
        };
        for (threshold, percentile, expected) in
            [(20, 0.99, 9), (20, 0.5, 2), (9, 0.99, 18), (8, 0.99, 16), (15, 1.0, 9)]
        {
            let mut units = units(threshold);
            units.set_thresholds(percentile, 2.0, 1000);
            assert_eq!(units.thresholds, [expected], "{threshold} {percentile}");
            assert!(units.ended[0].is_empty());
        }
        let mut units = units(9);
        units.set_thresholds(0.99, 2.0, 10);
        assert_eq!(units.thresholds, [10], "the limit");
    }
}

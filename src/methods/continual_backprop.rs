//! Continual backprop: in every step, of each layer's units that are older than `maturity` steps the share
//! `rate` with the least utility is reset: fresh incoming weights, bias 0, outgoing weights 0, moments 0
//! (Dohare et al. 2024, Nature 632; `shibhansh/loss-of-plasticity`).
//!
//! Utility is the running mean, corrected for its start, of `mean|w_out|·E|h - ĥ| / mean|w_in|` ("adaptable")
//! or `mean|w_out|·E|h|` ("contribution"), with ĥ the unit's running mean. Fractions of units add up from step to
//! step until they make a whole one.
//!
//! With `compensation`, the next layer's bias takes over what the unit gave on average, `w_out·ĥ`. The published
//! code means to do this, and does not, since it clears ĥ first: it is off by default.
//!
//! As in the published code, Adam counts the steps of a reset unit's weights anew. That code draws incoming weights
//! uniformly on ±√(6/n), relu's gain in it, whatever the network started with: `initialization = "kaiming"`. Its Adam
//! corrects moments in a way of its own, by which the first steps are short: `optimizer.correction = "adam-gnt"`.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::redo::{COEFFICIENTS, magnitudes};
use super::registered::{Build, Registered, anywhere};
use super::reset;
use crate::kernels::absolute_sum::absolute_sum;
use crate::kernels::element::vectorized;
use crate::kernels::fused_activation::Captured;
use crate::kernels::inplace::update;
use crate::kernels::settling::Settling;
use crate::kernels::storage::with_slice;
use crate::nn::{Layer, Network};
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "continual-backprop",
    summary: "in every step, the share rate of each layer's mature units with the least utility is reset",
    source: "Dohare et al. 2024, Nature 632",
    parameters: &[
        Parameter {
            name: "rate",
            summary: "ρ, share of the mature units a step; 0 resets none",
            kind: Kind::Number { default: Some(1e-4), min: 0.0, max: 1.0 },
        },
        Parameter {
            name: "decay",
            summary: "η of the running means",
            kind: Kind::Number { default: Some(0.99), min: 0.0, max: 0.999_999_999 },
        },
        Parameter {
            name: "maturity",
            summary: "steps before a new unit can be reset",
            kind: Kind::Integer { default: Some(100), min: 0, max: 1_000_000_000 },
        },
        Parameter {
            name: "utility",
            summary: "adaptable: |w_out|·E|h - ĥ|/|w_in|; contribution: |w_out|·E|h|",
            kind: Kind::Text { default: Some("adaptable"), one_of: &["adaptable", "contribution"] },
        },
        Parameter {
            name: "compensation",
            summary: "whether the next layer's bias takes over what the unit gave on average",
            kind: Kind::Flag { default: false },
        },
        Parameter {
            name: "initialization",
            summary: "of a reset unit's incoming weights; network: as its layer starts; kaiming: uniform on ±√(6/n)",
            kind: Kind::Text { default: Some("network"), one_of: &["network", "kaiming"] },
        },
        Parameter {
            name: "step_counts",
            summary: "keep, or reset Adam's step counts of a reset unit's weights with it",
            kind: Kind::Text { default: Some("reset"), one_of: &["reset", "keep"] },
        },
        COEFFICIENTS,
    ],
};

/// What is kept of one layer's units.
struct Units {
    layer: usize,
    name: String,
    ages: Vec<u64>,
    /// Running mean of the utility.
    utilities: Vec<f64>,
    /// Running mean of every feature.
    means: Vec<f64>,
    /// Units that are due, less those reset.
    due: f64,
}

/// 1 - ηᵗ, by which a running mean after t steps is divided. Ages differ by unit. By `libm`, so that every platform
/// agrees.
struct Corrections {
    decay: f64,
    known: Settling<f64>,
}

impl Corrections {
    fn at(&mut self, age: u64) -> f64 {
        self.known.at(age, |age| 1.0 - libm::pow(self.decay, age as f64))
    }
}

struct ContinualBackprop {
    rate: f64,
    corrections: Corrections,
    maturity: u64,
    adaptable: bool,
    compensation: bool,
    fresh: reset::Fresh,
    layers: Vec<Units>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let hidden = network.layers().iter().enumerate().filter(|(_, layer)| layer.activation.is_some());
    let layers = hidden.map(|(number, layer)| Units {
        layer: number,
        name: layer.name.clone(),
        ages: vec![0; layer.units()],
        utilities: vec![0.0; layer.units()],
        means: vec![0.0; layer.features],
        due: 0.0,
    });
    Ok(Box::new(ContinualBackprop {
        rate: choice.number("rate"),
        corrections: Corrections { decay: choice.number("decay"), known: Settling::on(1.0) },
        maturity: count(choice, "maturity") as u64,
        adaptable: choice.text("utility") == "adaptable",
        compensation: choice.flag("compensation"),
        fresh: reset::Fresh {
            coefficients: choice.text("coefficients") == "reset",
            step_counts: choice.text("step_counts") == "reset",
            kaiming: choice.text("initialization") == "kaiming",
        },
        layers: layers.collect(),
    }))
}

/// Mean of every feature over the samples.
fn feature_means(layer: &Layer, tap: &Captured) -> Vec<f64> {
    let mut sums = vec![0.0f64; layer.features];
    let samples = tap.features.chunks_exact(layer.features);
    let count = samples.len().max(1) as f64;
    vectorized(
        #[inline(always)]
        || {
            for sample in samples {
                sums.iter_mut().zip(sample).for_each(|(sum, &h)| *sum += f64::from(h));
            }
        },
    );
    sums.into_iter().map(|sum| sum / count).collect()
}

/// Mean |w| of what comes into each unit.
fn incoming(network: &dyn Network, layer: &Layer) -> Result<Vec<f64>> {
    with_slice(&network.parameters()[layer.weight].values, |weight| {
        let rows = weight.chunks_exact(layer.start.incoming());
        rows.map(|row| absolute_sum(row) / row.len() as f64).collect()
    })
}

/// Mean |w| of what goes out of each unit, over all layers that it feeds.
fn outgoing(network: &dyn Network, layer: &Layer) -> Result<Vec<f64>> {
    let mut sums = vec![(0.0f64, 0usize); layer.units()];
    for &feed in &layer.feeds {
        let next = &network.layers()[feed.layer];
        let columns = next.start.incoming();
        let mut by_column = vec![0.0f64; columns];
        with_slice::<f32, _>(&network.parameters()[next.weight].values, |weight| {
            vectorized(
                #[inline(always)]
                || {
                    for row in weight.chunks_exact(columns) {
                        by_column.iter_mut().zip(row).for_each(|(sum, w)| *sum += f64::from(w.abs()));
                    }
                },
            );
        })?;
        for (unit, (sum, count)) in sums.iter_mut().enumerate() {
            for range in layer.outgoing(unit, feed) {
                *count += range.len() * next.units();
                *sum += by_column[range].iter().sum::<f64>();
            }
        }
    }
    Ok(sums.into_iter().map(|(sum, count)| sum / count.max(1) as f64).collect())
}

impl Units {
    /// Takes one step into account; returns utilities corrected for their start.
    fn observe(
        &mut self,
        network: &dyn Network,
        tap: &Captured,
        corrections: &mut Corrections,
        adaptable: bool,
    ) -> Result<Vec<f64>> {
        let layer = &network.layers()[self.layer];
        let units = layer.units();
        self.ages.iter_mut().for_each(|age| *age += 1);
        let decay = corrections.decay;
        let corrections: Vec<f64> = self.ages.iter().map(|&age| corrections.at(age)).collect();
        for (mean, now) in self.means.iter_mut().zip(feature_means(layer, tap)) {
            *mean = decay.mul_add(*mean, (1.0 - decay) * now);
        }
        let by_feature = self.means.iter().zip(corrections.iter().cycle());
        let centres: Vec<f64> = by_feature.map(|(mean, correction)| mean / correction).collect();
        let magnitudes = magnitudes(layer, tap, adaptable.then_some(&centres[..]));
        let (incoming, outgoing) = (incoming(network, layer)?, outgoing(network, layer)?);
        let now = (0..units).map(|u| {
            let contribution = outgoing[u] * magnitudes[u];
            // Weights of exactly 0 make a unit useless, not infinitely useful.
            if adaptable && incoming[u] > 0.0 { contribution / incoming[u] } else { contribution }
        });
        for (utility, now) in self.utilities.iter_mut().zip(now) {
            *utility = decay.mul_add(*utility, (1.0 - decay) * now);
        }
        Ok(self.utilities.iter().zip(corrections).map(|(utility, c)| utility / c).collect())
    }

    /// The mature units to be reset in this step, by rising utility.
    fn least(&mut self, utilities: &[f64], rate: f64, maturity: u64) -> Vec<usize> {
        let mut mature: Vec<usize> = (0..self.ages.len()).filter(|&u| self.ages[u] > maturity).collect();
        self.due += rate * mature.len() as f64;
        let count = (self.due as usize).min(mature.len());
        self.due -= count as f64;
        if count == 0 {
            return Vec::new();
        }
        mature.sort_by(|&a, &b| utilities[a].total_cmp(&utilities[b]));
        mature.truncate(count);
        mature
    }
}

impl ContinualBackprop {
    /// Adds `w_out·ĥ` of the units to the biases of the layers that they feed.
    fn compensate(at: &At<'_>, units: &Units, chosen: &[usize], corrections: &mut Corrections) -> Result<()> {
        let layer = &at.network.layers()[units.layer];
        for &feed in &layer.feeds {
            let next = &at.network.layers()[feed.layer];
            let Some(bias) = next.bias else { continue };
            let weight = at.network.parameters()[next.weight].to_vec()?;
            let columns = next.start.incoming();
            let mut added = vec![0.0f64; next.units()];
            for &unit in chosen {
                let correction = corrections.at(units.ages[unit]);
                for (k, range) in layer.outgoing(unit, feed).enumerate() {
                    let mean = units.means[k * layer.units() + unit] / correction;
                    for (sum, row) in added.iter_mut().zip(weight.chunks_exact(columns)) {
                        *sum += mean * row[range.clone()].iter().map(|w| f64::from(*w)).sum::<f64>();
                    }
                }
            }
            update(&at.network.parameters()[bias].values, |values| {
                values.iter_mut().zip(&added).for_each(|(value, add)| *value += *add as f32);
            })?;
        }
        Ok(())
    }
}

impl Method for ContinualBackprop {
    fn wants_features(&self, _: u64) -> bool {
        self.rate > 0.0
    }

    fn updated(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        if self.rate == 0.0 {
            return Ok(());
        }
        let mut draws = at.streams.of_step("continual-backprop");
        for (units, tap) in self.layers.iter_mut().zip(features) {
            let utilities = units.observe(at.network, tap, &mut self.corrections, self.adaptable)?;
            let chosen = units.least(&utilities, self.rate, self.maturity);
            if chosen.is_empty() {
                continue;
            }
            if self.compensation {
                Self::compensate(at, units, &chosen, &mut self.corrections)?;
            }
            reset::units(at, units.layer, &chosen, self.fresh, &mut draws)?;
            for &unit in &chosen {
                (units.ages[unit], units.utilities[unit]) = (0, 0.0);
                units.means.iter_mut().skip(unit).step_by(units.ages.len()).for_each(|mean| *mean = 0.0);
            }
        }
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        for units in &self.layers {
            state.insert(format!("{}.ages", units.name), Values::U64(units.ages.clone()));
            state.insert(format!("{}.utilities", units.name), Values::F64(units.utilities.clone()));
            state.insert(format!("{}.means", units.name), Values::F64(units.means.clone()));
            state.insert(format!("{}.due", units.name), Values::F64(vec![units.due]));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for units in &mut self.layers {
            state.copy_u64s(&format!("{}.ages", units.name), &mut units.ages)?;
            state.copy_f64s(&format!("{}.utilities", units.name), &mut units.utilities)?;
            state.copy_f64s(&format!("{}.means", units.name), &mut units.means)?;
            state.copy_f64s(&format!("{}.due", units.name), std::slice::from_mut(&mut units.due))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

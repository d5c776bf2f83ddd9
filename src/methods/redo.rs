//! `ReDo`: every `period` steps, hidden units whose score s = E|h| / (mean over the layer + 1e-9) is at most the
//! threshold are recycled: fresh incoming weights, bias 0, outgoing weights 0, their moments 0 (Sokar et
//! al. 2023, arXiv 2302.12902; `google/dopamine`).
//!
//! The ε in the score lets a layer recover in which every unit is silent: without it the score is 0/0, which is
//! below no threshold. E is over the step's batch, and over positions in a convolution; a unit that its
//! activation expands has the mean of its features. Adam's step counts stay, as in dopamine.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered, anywhere};
use super::reset;
use crate::kernels::element::vectorized;
use crate::kernels::fused_activation::Captured;
use crate::nn::{Layer, Network};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Weights(build),
    check: anywhere,
    excludes: &[("continual-backprop", "both reset units, by different scores")],
};

const ENTRY: Entry = Entry {
    name: "redo",
    summary: "every period steps, units with E|h| ≤ threshold·(mean over the layer) are recycled",
    source: "Sokar et al. 2023, arXiv 2302.12902",
    parameters: &[
        Parameter {
            name: "period",
            summary: "steps from one recycling to the next; 0 is never",
            kind: Kind::Integer { default: Some(1000), min: 0, max: 1_000_000_000 },
        },
        Parameter {
            name: "threshold",
            summary: "τ, a share of the layer's mean",
            kind: Kind::Number { default: Some(0.025), min: 0.0, max: 1e3 },
        },
        COEFFICIENTS,
    ],
};

/// What happens to coefficients of a unit's own.
pub(super) const COEFFICIENTS: Parameter = Parameter {
    name: "coefficients",
    summary: "keep, or reset a unit's own activation coefficients with it",
    kind: Kind::Text { default: Some("keep"), one_of: &["keep", "reset"] },
};

struct Redo {
    period: u64,
    threshold: f64,
    coefficients: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(Redo {
        period: count(choice, "period") as u64,
        threshold: choice.number("threshold"),
        coefficients: choice.text("coefficients") == "reset",
    }))
}

impl Redo {
    /// Whether units are recycled at the end of the step after so many.
    fn is_due(&self, steps: u64) -> bool {
        self.period > 0 && (steps + 1).is_multiple_of(self.period)
    }
}

/// E|h - centre| of every unit, over samples and the features that the activation makes of it.
pub(super) fn magnitudes(layer: &Layer, tap: &Captured, centres: Option<&[f64]>) -> Vec<f64> {
    let (units, features) = (layer.units(), layer.features);
    let mut sums = vec![0.0f64; units];
    let zeros = vec![0.0; features];
    let centres = centres.unwrap_or(&zeros);
    vectorized(
        #[inline(always)]
        || {
            for sample in tap.features.chunks_exact(features) {
                for (sample, centres) in sample.chunks_exact(units).zip(centres.chunks_exact(units)) {
                    for ((sum, &h), centre) in sums.iter_mut().zip(sample).zip(centres) {
                        *sum += (f64::from(h) - centre).abs();
                    }
                }
            }
        },
    );
    let count = (tap.features.len() / units).max(1) as f64;
    sums.into_iter().map(|sum| sum / count).collect()
}

impl Method for Redo {
    fn wants_features(&self, steps: u64) -> bool {
        self.is_due(steps)
    }

    fn updated(&mut self, at: &mut At<'_>, features: &[Captured]) -> Result<()> {
        if !self.is_due(at.steps) {
            return Ok(());
        }
        let mut draws = at.streams.of_step("redo");
        let fresh = reset::Fresh { coefficients: self.coefficients, ..reset::Fresh::default() };
        let layers = at.network.layers().iter().enumerate().filter(|(_, layer)| layer.activation.is_some());
        for ((number, layer), tap) in layers.zip(features) {
            let magnitudes = magnitudes(layer, tap, None);
            let mean = magnitudes.iter().sum::<f64>() / magnitudes.len() as f64;
            let dormant: Vec<usize> =
                (0..magnitudes.len()).filter(|&u| magnitudes[u] / (mean + 1e-9) <= self.threshold).collect();
            reset::units(at, number, &dormant, fresh, &mut draws)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::super::fixture;
    use crate::optimizers::State;

    /// Unit 1 of 3 is silent: what comes in is drawn anew, what goes out is 0, and so are all their moments;
    /// the other units and the step counts stay.
    #[test]
    fn a_dormant_unit_is_recycled_with_its_moments_and_no_other() {
        let (network, mut optimizer) = fixture::mlp(&[3], 0);
        let mut method = fixture::method("redo", &[("period", 5.0)], &*network);
        fixture::set(&*network, "layers.0.bias", &[1.0, -100.0, 1.0]);
        for state in optimizer.states_mut() {
            state.first.fill(1.0);
            state.second.fill(2.0);
            state.steps[0] = 7;
        }
        let inputs = Tensor::from_vec(vec![0.5f32; 8], (2, 4), &Device::Cpu).unwrap();
        let taps = network.capture(&inputs, usize::MAX).unwrap();
        let before = fixture::get(&*network, "layers.0.weight");
        let head = fixture::get(&*network, "layers.1.weight");
        for step in 0..4 {
            assert!(!method.wants_features(step));
            method.updated(&mut fixture::at(&*network, &mut optimizer, 0, step as usize), &[]).unwrap();
        }
        assert_eq!(fixture::get(&*network, "layers.0.weight"), before);
        assert!(method.wants_features(4));
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 4), &taps).unwrap();

        let after = fixture::get(&*network, "layers.0.weight");
        assert_eq!((&after[..4], &after[8..]), (&before[..4], &before[8..]));
        assert!(after[4..8].iter().zip(&before[4..8]).all(|(a, b)| a != b && a.abs() <= 0.5));
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [1.0, 0.0, 1.0]);
        assert_eq!(
            fixture::get(&*network, "layers.1.weight"),
            [head[0], 0.0, head[2], head[3], 0.0, head[5]]
        );
        let states = optimizer.states();
        let zeros =
            |values: &[f32]| -> Vec<usize> { (0..values.len()).filter(|&i| values[i] == 0.0).collect() };
        let moments: [fn(&State) -> &[f32]; 2] = [|s| &s.first, |s| &s.second];
        for of in moments {
            assert_eq!(zeros(of(&states[0])), [4, 5, 6, 7]);
            assert_eq!(zeros(of(&states[1])), [1]);
            assert_eq!(zeros(of(&states[2])), [1, 4]);
            assert_eq!(zeros(of(&states[3])), [0usize; 0]);
        }
        assert!(states.iter().all(|state| state.steps == [7]));
    }

    #[test]
    fn a_layer_of_silent_units_recovers() {
        let (network, mut optimizer) = fixture::mlp(&[3, 3], 0);
        let mut method = fixture::method("redo", &[("period", 1.0), ("threshold", 0.0)], &*network);
        fixture::set(&*network, "layers.0.bias", &[-100.0; 3]);
        let inputs = Tensor::from_vec(vec![0.5f32; 8], (2, 4), &Device::Cpu).unwrap();
        let silent = network.capture(&inputs, usize::MAX).unwrap();
        assert!(silent[0].features.iter().all(|h| *h == 0.0));
        for step in 0..20 {
            let taps = network.capture(&inputs, usize::MAX).unwrap();
            method.updated(&mut fixture::at(&*network, &mut optimizer, 0, step), &taps).unwrap();
        }
        let taps = network.capture(&inputs, usize::MAX).unwrap();
        assert!(taps[0].features.iter().any(|h| *h > 0.0), "{:?}", taps[0].features);
    }

    /// In front of a linear layer each channel is as many columns as the image has positions, side by side;
    /// in front of a convolution, as many as the filter.
    #[test]
    fn columns_behind_a_convolution_are_those_of_the_channel() {
        let rest = "network = { kind = 'cnn', channels = [3, 2], kernel = 3, padding = 1, hidden = [5] }\n\
                    activation = 'relu'\noptimizer = 'adam'\n";
        let (network, mut optimizer) = fixture::network(rest, (1, 8, 8), 1);
        let mut method = fixture::method("redo", &[("period", 1.0), ("threshold", 0.0)], &*network);
        fixture::set(&*network, "layers.0.bias", &[5.0, -100.0, 5.0]);
        fixture::set(&*network, "layers.1.bias", &[-1000.0, 500.0]);
        // No unit of the linear layer is silent: its rows stay.
        fixture::set(&*network, "layers.2.bias", &[1e4; 5]);
        let inputs =
            Tensor::from_vec((0..128).map(|i| (i % 7) as f32 / 7.0).collect(), (2, 64), &Device::Cpu)
                .unwrap();
        let outputs = |network: &dyn crate::nn::Network| {
            network.forward(&inputs, &crate::nn::Pass::Evaluate).unwrap().to_vec2::<f32>().unwrap()
        };
        let before = outputs(&*network);
        let taps = network.capture(&inputs, usize::MAX).unwrap();
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &taps).unwrap();
        // What fed on silent units had nothing from them: the function stays, and the columns are 0.
        assert_eq!(outputs(&*network), before);
        let conv = fixture::get(&*network, "layers.1.weight");
        let linear = fixture::get(&*network, "layers.2.weight");
        for (i, w) in conv.iter().enumerate() {
            // (2, 3, 3, 3): channel 1. The first filter was silent itself and is drawn anew after it.
            assert_eq!(*w == 0.0, i >= 27 && i / 9 % 3 == 1, "{i}");
        }
        for (i, w) in linear.iter().enumerate() {
            // 8 × 8 is pooled twice to 2 × 2: (5, 2 · 4), channel 0.
            assert_eq!(*w == 0.0, i % 8 < 4, "{i}");
        }
    }
}

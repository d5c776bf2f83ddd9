//! Weight projection: after every `period`-th update each layer's weight is scaled back to the Frobenius norm that it
//! started with, so that the effective learning rate of a layer cannot decay as its weight grows (Lyle et al. 2024,
//! arXiv 2407.01800, the projection of normalise-and-project; its layer norms are `network.norm`).
//!
//! Biases, normalisations, embeddings and coefficients are left alone. A weight of norm 0 stays as it is.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::kernels::inplace::update;
use crate::kernels::storage::with_slice;
use crate::nn::{Network, Parameter as Tensor};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "weight-projection",
    summary: "every period steps each layer's weight is scaled to the Frobenius norm that it started with",
    source: "Lyle et al. 2024, arXiv 2407.01800",
    parameters: &[Parameter {
        name: "period",
        summary: "steps from one projection to the next; 0 for none",
        kind: Kind::Integer { default: Some(1), min: 0, max: 1_000_000_000 },
    }],
};

struct WeightProjection {
    period: usize,
    /// By layer.
    norms: Vec<f64>,
}

fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let weights = network.layers().iter().map(|layer| &network.parameters()[layer.weight]);
    let norms = weights.map(frobenius).collect::<Result<_>>()?;
    Ok(Box::new(WeightProjection { period: count(choice, "period"), norms }))
}

fn frobenius(weight: &Tensor) -> Result<f64> {
    with_slice::<f32, _>(&weight.values, |values| {
        values.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt()
    })
}

impl Method for WeightProjection {
    fn updated(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.period == 0 || !(at.steps + 1).is_multiple_of(self.period as u64) {
            return Ok(());
        }
        for (layer, start) in at.network.layers().iter().zip(&self.norms) {
            let weight = &at.network.parameters()[layer.weight];
            let norm = frobenius(weight)?;
            if norm > 0.0 && norm.is_finite() {
                let factor = (start / norm) as f32;
                update(&weight.values, |values| values.iter_mut().for_each(|w| *w *= factor))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn weights_go_back_to_the_norm_of_their_start_and_biases_stay() {
        let (network, mut optimizer) = fixture::mlp(&[1], 0);
        fixture::set(&*network, "layers.0.weight", &[1.0, -2.0, 2.0, 4.0]);
        let mut method = fixture::method("weight-projection", &[("period", 2.0)], &*network);
        fixture::set(&*network, "layers.0.weight", &[0.0, -6.0, 0.0, 8.0]);
        fixture::set(&*network, "layers.0.bias", &[7.0]);
        fixture::set(&*network, "layers.1.weight", &[0.0, 0.0]);
        // The first step is not one of every two.
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.weight"), [0.0, -6.0, 0.0, 8.0]);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 1), &[]).unwrap();
        // From norm 10 to norm 5.
        assert_eq!(fixture::get(&*network, "layers.0.weight"), [0.0, -3.0, 0.0, 4.0]);
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [7.0]);
        assert_eq!(fixture::get(&*network, "layers.1.weight"), [0.0, 0.0]);
    }
}

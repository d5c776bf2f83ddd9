//! Weight clipping: after every update, |w| ≤ bound/√fan-in for weights, and for biases with the fan-in of
//! their layer's weight, the last layer included (Elsayed et al. 2024, arXiv 2407.01704). The bound is a
//! multiple of the uniform initialisation's.
//!
//! Scales and shifts of normalisations and coefficients of activations are left alone; the published code
//! takes any parameter of one dimension for a bias.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::kernels::inplace::update;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "weight-clipping",
    summary: "after every update, weights and biases are clipped to ±bound/√fan-in",
    source: "Elsayed et al. 2024, arXiv 2407.01704",
    parameters: &[Parameter {
        name: "bound",
        summary: "κ, in units of 1/√fan-in; 0 clips nothing",
        kind: Kind::Number { default: Some(1.0), min: 0.0, max: 1e6 },
    }],
};

struct WeightClipping {
    bound: f32,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(WeightClipping { bound: choice.number("bound") as f32 }))
}

impl Method for WeightClipping {
    fn updated(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.bound == 0.0 {
            return Ok(());
        }
        for layer in at.network.layers() {
            let weight = &at.network.parameters()[layer.weight].values;
            let fan_in = weight.elem_count() / weight.dims()[0];
            let bound = self.bound / (fan_in as f32).sqrt();
            for parameter in [Some(layer.weight), layer.bias].into_iter().flatten() {
                update(&at.network.parameters()[parameter].values, |values| {
                    for value in values {
                        *value = value.clamp(-bound, bound);
                    }
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn weights_and_biases_stay_within_their_layers_bound() {
        let (network, mut optimizer) = fixture::mlp(&[3], 0);
        let mut method = fixture::method("weight-clipping", &[("bound", 0.5)], &*network);
        fixture::set(
            &*network,
            "layers.0.weight",
            &[0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.0, 9.0, -9.0, 0.24, 0.25, 0.26],
        );
        fixture::set(&*network, "layers.0.bias", &[0.3, -0.3, 0.1]);
        fixture::set(&*network, "layers.1.bias", &[0.2887, -1.0]);
        method.updated(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
        // Four inputs: 0.5/√4; three: 0.5/√3 = 0.288675.
        let weight = fixture::get(&*network, "layers.0.weight");
        assert_eq!(weight, [0.1, -0.2, 0.25, -0.25, 0.25, -0.25, 0.0, 0.25, -0.25, 0.24, 0.25, 0.25]);
        assert_eq!(fixture::get(&*network, "layers.0.bias"), [0.25, -0.25, 0.1]);
        let bound = 0.5 / 3.0f32.sqrt();
        assert_eq!(fixture::get(&*network, "layers.1.bias"), [bound, -bound]);
    }
}

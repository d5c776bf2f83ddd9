//! L2 regularisation: the penalty strength/2·‖θ‖² on the kinds of parameters that are chosen. Its gradient
//! strength·θ joins the loss's before the optimiser sees it, as an optimiser's coupled weight decay does, which
//! has no choice of kinds: with all of them it is torch.optim's `weight_decay`.
//!
//! The code of Kumar et al. 2023 (`skumar9876/L2_Init`) has this form, with the ½, and leaves normalisations
//! out (`norms = false`).

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::kernels::storage::with_slice;
use crate::nn::{Network, Role};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const fn kind(name: &'static str, summary: &'static str) -> Parameter {
    Parameter { name, summary, kind: Kind::Flag { default: true } }
}

const ENTRY: Entry = Entry {
    name: "l2",
    summary: "penalty strength/2·‖θ‖² on weights, biases, normalisations and coefficients, or some of these",
    source: "Krogh & Hertz 1991; as a baseline of plasticity in Kumar et al. 2023, arXiv 2308.11958",
    parameters: &[
        Parameter {
            name: "strength",
            summary: "λ of the penalty",
            kind: Kind::Number { default: Some(1e-4), min: 0.0, max: 1e6 },
        },
        kind("weights", "whether weights have it"),
        kind("biases", "whether biases have it"),
        kind("norms", "whether scales and shifts of normalisations have it"),
        kind("coefficients", "whether coefficients of activations have it"),
    ],
};

struct L2 {
    strength: f32,
    /// Of weights, biases, normalisations and coefficients: which have it.
    kinds: [bool; 4],
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    let kinds = ["weights", "biases", "norms", "coefficients"].map(|kind| choice.flag(kind));
    Ok(Box::new(L2 { strength: choice.number("strength") as f32, kinds }))
}

impl L2 {
    fn has(&self, role: Role) -> bool {
        self.kinds[match role {
            Role::Weight | Role::Embedding => 0,
            Role::Bias => 1,
            Role::Norm => 2,
            Role::Coefficients(_) => 3,
        }]
    }
}

impl Method for L2 {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.strength == 0.0 {
            return Ok(());
        }
        for parameter in at.network.parameters().iter().filter(|p| self.has(p.role)) {
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            with_slice::<f32, _>(&parameter.values, |values| {
                gradient.iter_mut().zip(values).for_each(|(g, v)| *g += self.strength * v);
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use crate::nn::Role;
    use crate::spec::Value;

    #[test]
    fn each_kind_has_it_alone() {
        let rest = "network = { kind = 'mlp', hidden = [3], norm = 'layer' }\nactivation = 'rational'\n\
                    optimizer = 'adam'\n";
        let (network, mut optimizer) = fixture::network(rest, (1, 2, 2), 0);
        fixture::set(&*network, "layers.0.bias", &[1.0, -2.0, 3.0]);
        let kinds = ["weights", "biases", "norms", "coefficients"];
        for (chosen, kind) in kinds.iter().enumerate() {
            let mut settings = vec![("strength", Value::Number(0.5))];
            settings.extend(kinds.map(|name| (name, Value::Flag(name == *kind))));
            let mut method = fixture::method_of("l2", &settings, &*network);
            fixture::no_gradients(&*network);
            method.gradients(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
            let mut found = 0;
            for parameter in network.parameters() {
                let place = match parameter.role {
                    Role::Weight | Role::Embedding => 0,
                    Role::Bias => 1,
                    Role::Norm => 2,
                    Role::Coefficients(_) => 3,
                };
                let factor = if place == chosen { 0.5 } else { 0.0 };
                let expected: Vec<f32> = parameter.to_vec().unwrap().iter().map(|v| factor * v).collect();
                assert_eq!(
                    fixture::gradient(&*network, &parameter.name),
                    expected,
                    "{kind} {}",
                    parameter.name
                );
                found += usize::from(place == chosen);
            }
            assert!(found > 0, "{kind}");
        }
    }
}

//! Plasticity injection: before task number `task`, the layers h(x; θ) are frozen, and new ones θ₁ are trained in
//! h(x; θ) + h(x; θ₁) - h(x; θ₂), where θ₂ is a frozen copy of θ₁ as it was drawn (Nikishin et al. 2023, arXiv
//! 2305.15555). The outputs do not change at that moment, and as many parameters are trained as before.
//!
//! Published for agents, whose head of two linear layers is treated so and whose encoder goes on; `part = "head"`
//! is that form, and `part = "linear"` treats all linear layers: the whole of an MLP, what is behind the
//! convolutions of a CNN. The encoder gets the gradients of all three. Moments and step counts of the new
//! parameters start at 0. A set of coefficients that is shared with a layer of the encoder stays.
//!
//! Features, weights and gradients that are recorded or probed are those of θ₁; outputs are the sum.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered};
use super::reset;
use crate::kernels::inplace::update;
use crate::nn::{Injection, Network};
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};
use crate::state::{StateDict, StateError, Values};

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Weights(build),
    check,
    excludes: &[
        ("full-reset", "a full reset leaves nothing to add to"),
        ("hare-and-tortoise", "its running mean would be of two networks"),
        ("distillation", "the network before had other layers"),
        ("ewc", "the parameters that it holds are frozen"),
        ("l2-previous", "the parameters that it holds are frozen"),
    ],
};

const ENTRY: Entry = Entry {
    name: "plasticity-injection",
    summary: "before one task, h(x; θ) becomes h(x; θ) + h(x; θ₁) - h(x; θ₂) with θ and θ₂ = θ₁ frozen and θ₁ trained",
    source: "Nikishin et al. 2023, arXiv 2305.15555",
    parameters: &[
        Parameter {
            name: "task",
            summary: "number of the task before which it happens, from 0 as in tasks.csv; 0 is never",
            kind: Kind::Integer { default: Some(1), min: 0, max: 1_000_000_000 },
        },
        Parameter {
            name: "part",
            summary: "linear: all linear layers; head: the last hidden layer and the output layer, as published",
            kind: Kind::Text { default: Some("linear"), one_of: &["linear", "head"] },
        },
    ],
};

struct PlasticityInjection {
    task: usize,
    /// The linear layer, among the network's linear ones, from which on layers are replaced.
    from: usize,
    injection: Injection,
}

fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let Some(injection) = network.injection() else {
        candle_core::bail!("plasticity-injection needs a network whose last layers are linear");
    };
    let from = if choice.text("part") == "head" { injection.layers().saturating_sub(2) } else { 0 };
    let injection = injection.clone();
    Ok(Box::new(PlasticityInjection { task: count(choice, "task"), from, injection }))
}

fn check(plan: &Plan, _: &Choice) -> std::result::Result<(), String> {
    if !plan.is_supervised() {
        return Err(
            "method \"plasticity-injection\" is for supervised streams here (target networks do not follow \
                    frozen copies): take another"
                .into(),
        );
    }
    if plan.network.name == "resnet18" {
        return Err("method \"plasticity-injection\" is for linear layers, and a resnet18 has but its head, where the \
                    sum of three is one layer again: take an mlp or a cnn"
            .into());
    }
    Ok(())
}

impl PlasticityInjection {
    /// Indices of the parameters that are drawn anew.
    fn parameters(&self, network: &dyn Network) -> Vec<usize> {
        let layers = network.layers();
        let (encoder, replaced) = layers.split_at(layers.len() - self.injection.layers() + self.from);
        let mut all = Vec::new();
        for layer in replaced {
            all.extend([Some(layer.weight), layer.bias].into_iter().flatten());
            all.extend(layer.norm.iter().flat_map(|norm| [norm.scale, norm.shift]));
            let site = layer.activation.filter(|&site| encoder.iter().all(|of| of.activation != Some(site)));
            all.extend(site.and_then(|site| network.activations()[site].parameter));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Method for PlasticityInjection {
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if self.task == 0 || at.task != self.task {
            return Ok(());
        }
        self.injection.freeze(self.from)?;
        let fresh = reset::fresh(at.network, &mut at.streams.of_task("plasticity-injection"));
        for number in self.parameters(at.network) {
            update(&at.network.parameters()[number].values, |values| values.copy_from_slice(&fresh[number]))?;
            at.optimizer.states_mut()[number].reset();
        }
        self.injection.freeze(self.from)
    }

    fn save(&self, state: &mut StateDict) {
        let (_, copies) = self.injection.values().expect("copies are f32 and on the CPU");
        state.insert_u64("copies", copies.len() as u64);
        for (copy, tensors) in copies.into_iter().enumerate() {
            state.insert_u64(format!("copies.{copy}"), tensors.len() as u64);
            for (number, values) in tensors.into_iter().enumerate() {
                state.insert(format!("copies.{copy}.{number}"), Values::F32(values));
            }
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        let mut copies = Vec::new();
        for copy in 0..state.u64("copies")? {
            let tensors = 0..state.u64(&format!("copies.{copy}"))?;
            let of = tensors.map(|number| Ok(state.f32s(&format!("copies.{copy}.{number}"))?.to_vec()));
            copies.push(of.collect::<std::result::Result<_, StateError>>()?);
        }
        let from = if copies.is_empty() { 0 } else { self.from };
        let wrong = |error: candle_core::Error| StateError { entry: "copies".into(), why: error.to_string() };
        self.injection.restore(from, &copies).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::super::fixture;
    use super::*;
    use crate::nn::{Pass, reset_gradients};

    const MLP: &str = "network = { kind = 'mlp', hidden = [6, 5], norm = 'layer' }\nactivation = 'rational'\n\
                       optimizer = 'adam'\n";
    const CNN: &str = "network = { kind = 'cnn', channels = [3], kernel = 3, hidden = [5] }\nactivation = 'relu'\n\
                       optimizer = 'adam'\n";

    fn inputs(seed: usize) -> Tensor {
        let values = (0..192).map(|i| ((i * seed) as f32 * 0.37).sin()).collect();
        Tensor::from_vec(values, (3, 64), &Device::Cpu).unwrap()
    }

    fn outputs(network: &dyn Network) -> Vec<Vec<f32>> {
        network.forward(&inputs(1), &Pass::Evaluate).unwrap().to_vec2().unwrap()
    }

    fn method(network: &dyn Network, part: &str) -> Box<dyn Method> {
        use crate::spec::Value;
        let settings = [("task", Value::Number(2.0)), ("part", Value::Text(part.into()))];
        fixture::method_of("plasticity-injection", &settings, network)
    }

    /// To the bit at the injection. Then: parameters that moved give what three networks of their own give.
    #[test]
    fn outputs_stay_and_are_those_of_three_networks() {
        for (rest, part) in [(MLP, "linear"), (MLP, "head"), (CNN, "linear")] {
            let (network, mut optimizer) = fixture::network(rest, (1, 8, 8), 3);
            let mut method = method(&*network, part);
            optimizer.states_mut().iter_mut().for_each(|state| {
                state.first.fill(1.0);
                state.steps.fill(4);
            });
            let before = outputs(&*network);
            let take = || crate::methods::snapshot::Snapshot::take(&*network).unwrap();
            let old = take();
            method.start_task(&mut fixture::at(&*network, &mut optimizer, 1, 0)).unwrap();
            assert!(network.injection().unwrap().values().unwrap().1.is_empty(), "not yet");
            method.start_task(&mut fixture::at(&*network, &mut optimizer, 2, 0)).unwrap();
            assert_eq!(outputs(&*network), before, "{part}");
            let drawn = take();
            let weights = |name: &str| fixture::get(&*network, name);
            assert!(weights("layers.1.weight") != old.list("layers.1.weight"), "new layers");
            let encoder_stays = weights("layers.0.weight") == old.list("layers.0.weight");
            assert_eq!(encoder_stays, part == "head" || rest == CNN);
            let reset = optimizer.states().iter().map(|state| state.steps == [0] && state.first[0] == 0.0);
            let kept = reset.filter(|reset| !reset).count();
            // Of the encoder: weight, bias, norm, norm, coefficients; of the convolution: weight, bias.
            assert_eq!(
                kept,
                match (part, rest == CNN) {
                    ("head", _) => 5,
                    (_, true) => 2,
                    _ => 0,
                }
            );

            // Every parameter of the layers in training moves; the encoder stays where it is.
            let last = if part == "head" || rest == CNN {
                ["layers.1", "layers.2"]
            } else {
                ["layers.0", "layers.2"]
            };
            for (number, parameter) in network.parameters().iter().enumerate() {
                if last.iter().any(|layer| parameter.name.starts_with(layer)) {
                    let moved =
                        |values: &mut [f32]| values.iter_mut().for_each(|v| *v += 0.01 * (number + 1) as f32);
                    update(&parameter.values, moved).unwrap();
                }
            }
            let (now, ours) = (take(), outputs(&*network));
            assert_ne!(ours, before);
            // The same values in networks without copies.
            let (alone, _) = fixture::network(rest, (1, 8, 8), 9);
            let of = |snapshot: &crate::methods::snapshot::Snapshot| {
                snapshot.give(&*alone, false).unwrap();
                outputs(&*alone)
            };
            let [now, drawn, old] = [of(&now), of(&drawn), of(&old)];
            for (row, ours) in ours.iter().enumerate() {
                for (class, ours) in ours.iter().enumerate() {
                    let expected = now[row][class] - drawn[row][class] + old[row][class];
                    assert!((ours - expected).abs() < 1e-5, "{part}: {ours} {expected}");
                }
            }
        }
    }

    /// Only what is in training gets gradients, and the encoder's are those of the sum, by finite differences.
    #[test]
    fn gradients_go_into_the_new_layers_and_through_all_three_to_the_encoder() {
        for (rest, part) in [(MLP, "linear"), (MLP, "head"), (CNN, "linear")] {
            let (network, mut optimizer) = fixture::network(rest, (1, 8, 8), 3);
            let mut method = method(&*network, part);
            method.start_task(&mut fixture::at(&*network, &mut optimizer, 2, 0)).unwrap();
            // Away from θ₂, so that the three do not cancel.
            let bias = network.parameters().iter().position(|p| p.name == "layers.1.bias").unwrap();
            update(&network.parameters()[bias].values, |values| values.fill(0.4)).unwrap();
            let frozen = network.injection().unwrap().values().unwrap();
            let pass = Pass::train(crate::random::Stream::new(0, "activation", 0));
            let loss =
                |pass: &Pass| network.forward(&inputs(2), pass).unwrap().sqr().unwrap().sum_all().unwrap();
            reset_gradients(network.parameters());
            loss(&pass).backward().unwrap();
            let mut checked = 0;
            for parameter in network.parameters() {
                let gradient = parameter.gradient.to_f32().unwrap();
                let place =
                    (0..gradient.len()).max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()));
                let place = place.unwrap();
                let at = |by: f32| {
                    update(&parameter.values, |values| values[place] += by).unwrap();
                    let loss: f32 = loss(&Pass::Evaluate).to_scalar().unwrap();
                    update(&parameter.values, |values| values[place] -= by).unwrap();
                    f64::from(loss)
                };
                let slope = (at(4e-3) - at(-4e-3)) / 8e-3;
                let (ours, name) = (f64::from(gradient[place]), &parameter.name);
                assert!((ours - slope).abs() < 2e-2 * (1.0 + slope.abs()), "{part} {name}: {ours} {slope}");
                checked += usize::from(slope.abs() > 0.1);
            }
            assert!(checked >= 4, "{checked}");
            assert_eq!(network.injection().unwrap().values().unwrap(), frozen);
        }
    }

    #[test]
    fn copies_go_on_from_a_state() {
        let (network, mut optimizer) = fixture::network(MLP, (1, 8, 8), 3);
        let mut first = method(&*network, "head");
        first.start_task(&mut fixture::at(&*network, &mut optimizer, 2, 0)).unwrap();
        fixture::set(&*network, "layers.1.bias", &[1.0; 5]);
        let mut state = StateDict::default();
        first.save(&mut state);
        let (other, _) = fixture::network(MLP, (1, 8, 8), 4);
        let mut second = method(&*other, "head");
        second.load(&state).unwrap();
        super::super::snapshot::Snapshot::take(&*network).unwrap().give(&*other, false).unwrap();
        assert_eq!(outputs(&*other), outputs(&*network));
        let mut again = StateDict::default();
        second.save(&mut again);
        assert_eq!(again, state);
        let mut linear = method(&*other, "linear");
        assert!(linear.load(&state).unwrap_err().to_string().contains("copies"));
    }
}

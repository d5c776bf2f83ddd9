//! The actor's gradient through critics against central differences in f64.

use candle_core::{DType, Device, Tensor};

use super::choice;
use crate::agents::actor_critic::actor::Objective;
use crate::agents::combine::Combine;
use crate::agents::policy::{Deterministic, LogStd, Policy, TanhGaussian};
use crate::nn::{Mlp, Network, Pass};
use crate::random::Stream;
use crate::spec::Value;

const ROWS: usize = 5;
const FEATURES: usize = 3;
const ACTIONS: usize = 2;

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut draws = Stream::new(seed, "test", 0);
    (0..n).map(|_| draws.normal()).collect()
}

fn network(activation: &str, given: &[(&str, Value)], sizes: (usize, usize), seed: u64) -> Mlp {
    let activations: Vec<_> = crate::nn::activation::registry().iter().map(|known| known.entry).collect();
    let kind = choice(&crate::nn::entries(), "mlp", &[("hidden", Value::Integers(vec![8, 8]))]);
    let activation = choice(&activations, activation, given);
    let mut init = Stream::new(seed, "init", 0);
    Mlp::new(&kind, &activation, sizes.0, sizes.1, &mut init, DType::F64).unwrap()
}

#[test]
fn the_actors_gradient_goes_through_rational_critics() {
    let gaussian = |log_std| Policy::TanhGaussian(TanhGaussian { log_std, range: (-5.0, 2.0) });
    let unit = [("sharing", Value::Text("unit".to_owned())), ("version", Value::Text("B".to_owned()))];
    for (policy, combine, activation, given) in [
        (gaussian(LogStd::Clip), Combine::Min, "rational", &[][..]),
        (gaussian(LogStd::Squash), Combine::Mean, "rational", &unit),
        (Policy::Deterministic(Deterministic), Combine::Single, "rational", &[]),
        (gaussian(LogStd::Clip), Combine::Min, "tanh", &[]),
    ] {
        let actor = network("rational", &[], (FEATURES, policy.outputs(ACTIONS)), 1);
        let critics: Vec<Mlp> =
            (2..4).map(|seed| network(activation, given, (FEATURES + ACTIONS, 1), seed)).collect();
        let critics: Vec<&dyn Network> = critics.iter().map(|critic| critic as &dyn Network).collect();
        let states = normals(ROWS * FEATURES, 9);
        let inputs = Tensor::from_slice(&states, (ROWS, FEATURES), &Device::Cpu).unwrap();
        let outputs: Vec<f64> =
            actor.forward(&inputs, &Pass::Evaluate).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let noise = normals(ROWS * ACTIONS, 10);
        let objective = Objective { policy, combine, temperature: 0.3 };
        let loss = |outputs: &[f64]| objective.loss(&critics, (&states, FEATURES), outputs, &noise).unwrap();
        let gradient = loss(&outputs).gradient;
        assert!(gradient.iter().any(|g| g.abs() > 1e-3));
        for i in 0..outputs.len() {
            let at = |delta: f64| {
                let mut moved = outputs.clone();
                moved[i] += delta;
                loss(&moved).loss
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            let found = gradient[i];
            assert!(
                (found - expected).abs() < 1e-8,
                "{policy:?} {activation} {i}: {found} and not {expected}"
            );
        }
    }
}

//! Resets, utilities and step counts on small networks.

use candle_core::{Device, Tensor};

use super::super::fixture;
use crate::nn::{Network, Pass};
use crate::spec::Value;
use crate::state::StateDict;

fn inputs() -> Tensor {
    Tensor::from_vec(vec![0.5f32, 0.1, -0.3, 0.9, -0.2, 0.4, 0.8, -0.6], (2, 4), &Device::Cpu).unwrap()
}

fn step(
    method: &mut dyn super::Method,
    network: &dyn Network,
    optimizer: &mut crate::optimizers::Optimizer,
    number: usize,
) {
    let taps = network.capture(&inputs(), usize::MAX).unwrap();
    method.updated(&mut fixture::at(network, optimizer, 0, number), &taps).unwrap();
}

/// Three mature units at a rate of 0.1 make one reset in the fourth step after maturity: 4 · 0.3 ≥ 1.
#[test]
fn fractions_add_up_and_the_least_useful_unit_goes() {
    let (network, mut optimizer) = fixture::mlp(&[3], 0);
    let mut method = fixture::method("continual-backprop", &[("rate", 0.1), ("maturity", 5.0)], &*network);
    fixture::set(&*network, "layers.0.bias", &[2.0, 2.0, 2.0]);
    fixture::set(&*network, "layers.1.weight", &[1.0, 0.01, -1.0, 1.0, -0.01, 1.0]);
    for state in optimizer.states_mut() {
        state.first.fill(1.0);
    }
    let head = |network: &dyn Network| fixture::get(network, "layers.1.weight");
    for number in 0..8 {
        step(&mut *method, &*network, &mut optimizer, number);
        assert_eq!(head(&*network)[1], 0.01, "{number}");
    }
    step(&mut *method, &*network, &mut optimizer, 8);
    assert_eq!(head(&*network), [1.0, 0.0, -1.0, 1.0, 0.0, 1.0]);
    assert_eq!(fixture::get(&*network, "layers.0.bias"), [2.0, 0.0, 2.0]);
    assert_eq!(optimizer.states()[2].first, [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(optimizer.states()[1].first, [1.0, 0.0, 1.0]);
    // The new unit is protected until it is mature.
    let mut state = StateDict::default();
    method.save(&mut state);
    assert_eq!(state.u64s("layers.0.ages").unwrap(), [9, 0, 9]);
    let mut resumed = fixture::method("continual-backprop", &[("rate", 0.1), ("maturity", 5.0)], &*network);
    resumed.load(&state).unwrap();
    let mut again = StateDict::default();
    resumed.save(&mut again);
    assert_eq!(again, state);
}

/// Under a constant gradient every step of Adam is as long as its rate, where counts fit the moments.
#[test]
fn adam_counts_the_steps_of_a_reset_unit_anew() {
    for (word, expected) in [("reset", 1.0), ("keep", 0.484)] {
        let (network, mut optimizer) = fixture::mlp(&[3, 2], 0);
        let settings = [
            ("rate", Value::Number(0.34)),
            ("maturity", Value::Number(8.0)),
            ("step_counts", Value::Text(word.into())),
        ];
        let mut method = fixture::method_of("continual-backprop", &settings, &*network);
        let all = |network: &dyn Network| -> Vec<Vec<f32>> {
            network.parameters().iter().map(|p| p.to_vec().unwrap()).collect()
        };
        let update = |optimizer: &mut crate::optimizers::Optimizer| {
            for parameter in network.parameters() {
                parameter.gradient.reset();
                parameter.gradient.lock().accumulate::<f32>().unwrap().fill(1.0);
            }
            optimizer.step(network.parameters(), |_| true).unwrap();
        };
        for number in 0..9 {
            update(&mut optimizer);
            step(&mut *method, &*network, &mut optimizer, number);
        }
        let fresh: Vec<Vec<bool>> =
            optimizer.states().iter().map(|state| state.first.iter().map(|m| *m == 0.0).collect()).collect();
        // One of three units goes: a row of four weights, its bias, and a column of the next layer's two rows.
        let counts: Vec<usize> = fresh.iter().map(|own| own.iter().filter(|fresh| **fresh).count()).collect();
        assert_eq!(counts, [4, 1, 2, 0, 0, 0]);
        let before = all(&*network);
        update(&mut optimizer);
        for ((before, after), fresh) in
            before.iter().flatten().zip(all(&*network).iter().flatten()).zip(fresh.iter().flatten())
        {
            let length = (before - after) / 1e-3;
            let expected = if *fresh { expected } else { 1.0 };
            assert!((length - expected).abs() < 2e-3, "{word}, {fresh}: {length}");
        }
    }
}

/// PyTorch's start is within ±1/√4 here, Kaiming's within ±√(6/4).
#[test]
fn fresh_weights_can_be_drawn_as_the_published_code_draws_them() {
    for (word, bound) in [("network", 0.5f32), ("kaiming", 1.5f32.sqrt())] {
        let (network, mut optimizer) = fixture::mlp(&[3], 0);
        let settings = [
            ("rate", Value::Number(1.0)),
            ("maturity", Value::Number(0.0)),
            ("initialization", Value::Text(word.into())),
        ];
        let mut method = fixture::method_of("continual-backprop", &settings, &*network);
        let mut largest = 0.0f32;
        for number in 0..20 {
            step(&mut *method, &*network, &mut optimizer, number);
            largest = fixture::get(&*network, "layers.0.weight").iter().fold(largest, |a, w| a.max(w.abs()));
        }
        assert!((0.9 * bound..=bound).contains(&largest), "{word}: {largest}");
    }
}

/// One step's utility by its formula, `mean|w_out|·E|h - ĥ|/mean|w_in|` with ĥ the batch's mean.
#[test]
fn utility_is_as_published() {
    let (network, mut optimizer) = fixture::mlp(&[3], 4);
    let mut method = fixture::method("continual-backprop", &[("decay", 0.9)], &*network);
    fixture::set(&*network, "layers.0.bias", &[2.0, 2.0, 2.0]);
    step(&mut *method, &*network, &mut optimizer, 0);
    let mut state = StateDict::default();
    method.save(&mut state);
    let (w, v) = (fixture::get(&*network, "layers.0.weight"), fixture::get(&*network, "layers.1.weight"));
    let taps = network.capture(&inputs(), usize::MAX).unwrap();
    for unit in 0..3 {
        let h = [0, 1].map(|row| f64::from(taps[0].features[3 * row + unit]));
        let centre = f64::midpoint(h[0], h[1]);
        let spread = f64::midpoint((h[0] - centre).abs(), (h[1] - centre).abs());
        let incoming = (0..4).map(|i| f64::from(w[4 * unit + i].abs())).sum::<f64>() / 4.0;
        let outgoing = f64::midpoint(f64::from(v[unit].abs()), f64::from(v[3 + unit].abs()));
        let expected = 0.1 * outgoing * spread / incoming;
        let ours = state.f64s("layers.0.utilities").unwrap()[unit];
        assert!((ours - expected).abs() < 1e-9, "{unit}: {ours} {expected}");
    }
}

/// A unit with the same output for every example can go without a trace.
#[test]
fn compensation_keeps_the_output_of_a_constant_unit() {
    let (network, mut optimizer) = fixture::mlp(&[2], 0);
    let settings =
        [("rate", Value::Number(0.5)), ("maturity", Value::Number(0.0)), ("compensation", Value::Flag(true))];
    let mut method = fixture::method_of("continual-backprop", &settings, &*network);
    fixture::set(&*network, "layers.0.weight", &[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    fixture::set(&*network, "layers.0.bias", &[3.0, 2.0]);
    let outputs = |network: &dyn Network| {
        network.forward(&inputs(), &Pass::Evaluate).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let before = outputs(&*network);
    step(&mut *method, &*network, &mut optimizer, 0);
    assert_eq!(fixture::get(&*network, "layers.0.bias")[0], 0.0, "the constant unit went");
    for (after, before) in outputs(&*network).iter().zip(before) {
        assert!((after - before).abs() < 1e-5, "{after} {before}");
    }
}

#[test]
fn a_layer_of_silent_units_recovers() {
    let (network, mut optimizer) = fixture::mlp(&[3, 3], 0);
    let mut method = fixture::method("continual-backprop", &[("rate", 0.5), ("maturity", 2.0)], &*network);
    fixture::set(&*network, "layers.0.bias", &[-100.0; 3]);
    (0..40).for_each(|number| step(&mut *method, &*network, &mut optimizer, number));
    let taps = network.capture(&inputs(), usize::MAX).unwrap();
    assert!(taps[0].features.iter().any(|h| *h > 0.0), "{:?}", taps[0].features);
}

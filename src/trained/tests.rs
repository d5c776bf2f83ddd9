use candle_core::{Device, Tensor};

use super::*;
use crate::kernels::loss::cross_entropy;
use crate::spec::{Plan, Spec};

const SPEC: &str = "name = 'x'\ndata = { dataset = 'generated-digits' }\noptimizer = 'adam'\n\
                    network = { kind = 'mlp', hidden = [6] }\n\
                    stream = { family = 'shuffled-labels', tasks = 1, examples = 8, steps = 1, batch_size = 1 }\n";

fn plan(rest: &str) -> Plan {
    let catalogue = crate::catalogue::catalogue();
    let text = format!("{SPEC}{rest}");
    Spec::parse(&text, "x.toml", &[], &catalogue).unwrap().plans(None).unwrap().remove(0)
}

/// 5 features, 3 outputs.
fn trained(plan: &Plan, name: &str, seed: u64) -> Trained {
    let network = crate::nn::build(plan, (1, 1, 5), 3, &mut Stream::new(seed, "init", 0)).unwrap();
    Trained::new(name, network, &plan.optimizer, &plan.methods, plan.seed).unwrap()
}

fn step(trained: &mut Trained, number: u64) -> f32 {
    let mut draws = Stream::new(number, "test", 1);
    let pixels: Vec<f32> = (0..20).map(|_| draws.normal() as f32).collect();
    let inputs = Tensor::from_vec(pixels, (4, 5), &Device::Cpu).unwrap();
    let outputs = trained.forward(&inputs, trained.training()).unwrap();
    let loss = cross_entropy(&outputs, vec![0, 1, 2, 0].into()).unwrap().loss;
    trained.update(&loss).unwrap();
    loss.to_scalar().unwrap()
}

fn state(trained: &Trained) -> StateDict {
    let mut state = StateDict::default();
    trained.save(&mut state);
    state
}

/// Saved after some steps within a task and loaded into another network: both go on alike.
#[test]
fn a_state_holds_all_that_the_next_steps_depend_on() {
    for rest in [
        "activation = 'rational'",
        "activation = 'randomized-smooth-leaky'\nmethod = 'l2-init'",
        "activation = 'relu'",
    ] {
        let plan = plan(rest);
        let mut one = trained(&plan, "critic1", 0);
        one.start_task(2).unwrap();
        (0..3).for_each(|number| _ = step(&mut one, number));
        let mut other = trained(&plan, "critic1", 0);
        other.load(&state(&one)).unwrap();
        assert_eq!(state(&other), state(&one));
        for number in 3..6 {
            assert_eq!(step(&mut one, number), step(&mut other, number), "{rest}");
        }
        assert_eq!(state(&other), state(&one));
    }
}

#[test]
fn weights_have_pytorchs_names_and_layouts() {
    let state = state(&trained(&plan("activation = { name = 'rational', degrees = [3, 2] }"), "", 0));
    let tensors: Vec<(&str, &[usize])> =
        state.iter().filter_map(|(name, _)| Some((name, state.shape(name)?))).collect();
    let expected: [(&str, &[usize]); 6] = [
        ("activations.0.denominator", &[2]),
        ("activations.0.numerator", &[4]),
        ("layers.0.bias", &[6]),
        ("layers.0.weight", &[6, 5]),
        ("layers.1.bias", &[3]),
        ("layers.1.weight", &[3, 6]),
    ];
    assert_eq!(tensors, expected);
    assert_eq!(state.u64s("optimizer.layers.0.weight.steps").unwrap(), [0]);
    assert_eq!(state.f32s("optimizer.activations.0.coefficients.first").unwrap().len(), 6);
}

/// Networks of one agent draw apart from each other, and the only one draws as it always has.
#[test]
fn draws_follow_from_the_networks_name() {
    let plan = plan("activation = 'randomized-smooth-leaky'");
    let loss = |name| step(&mut trained(&plan, name, 0), 0);
    assert_eq!(loss("critic1"), loss("critic1"));
    assert!(loss("critic1") != loss("critic2") && loss("") != loss("critic1"));
}

/// Gradients are the loss's alone; what L2 Init adds, 2λ(θ - θ₀), stands beside them.
#[test]
fn a_trace_tells_the_loss_from_the_penalty() {
    let plan = plan("activation = 'relu'\nmethod = { name = 'l2-init', strength = 0.5 }");
    let (mut one, mut plain) = (trained(&plan, "", 0), trained(&self::plan("activation = 'relu'"), "", 0));
    let start = one.view().weights().unwrap();
    step(&mut one, 0);
    plain.load(&state(&one)).unwrap();
    let moved = one.view().weights().unwrap();
    let inputs = Tensor::from_vec(vec![0.5f32; 10], (2, 5), &Device::Cpu).unwrap();
    let [trace, expected] = [&mut one, &mut plain].map(|trained| {
        let outputs = trained.forward(&inputs, trained.training()).unwrap();
        let loss = cross_entropy(&outputs, vec![0, 1].into()).unwrap().loss;
        trained.traced_update(&loss, || None).unwrap()
    });
    assert_eq!(trace.gradients, expected.gradients);
    assert!(expected.penalties.is_empty());
    let after = one.view().weights().unwrap();
    for layer in 0..2 {
        for i in 0..start[layer].len() {
            let penalty = f64::from(moved[layer][i]) - f64::from(start[layer][i]);
            assert!((f64::from(trace.penalties[layer][i]) - penalty).abs() < 1e-6);
            assert_eq!(trace.updates[layer][i], after[layer][i] - moved[layer][i]);
        }
    }
}

/// The trace is of what the loss and the methods ask for; the step is of what is left of it.
#[test]
fn a_trace_is_of_gradients_before_they_are_clipped() {
    let plan = |more: &str| {
        let text = SPEC.replace("'adam'", &format!("{{ name = 'sgd', learning_rate = 0.5{more} }}"));
        let text = format!("{text}activation = 'relu'\nmethod = {{ name = 'l2', strength = 0.5 }}\n");
        let catalogue = crate::catalogue::catalogue();
        Spec::parse(&text, "x.toml", &[], &catalogue).unwrap().plans(None).unwrap().remove(0)
    };
    let inputs = Tensor::from_vec(vec![0.5f32; 10], (2, 5), &Device::Cpu).unwrap();
    let [clipped, free] = [", max_grad_norm = 0.125", ""].map(|more| {
        let mut trained = trained(&plan(more), "", 0);
        let outputs = trained.forward(&inputs, trained.training()).unwrap();
        let loss = cross_entropy(&outputs, vec![0, 1].into()).unwrap().loss;
        trained.traced_update(&loss, || None).unwrap()
    });
    assert_eq!((&clipped.gradients, &clipped.penalties), (&free.gradients, &free.penalties));
    let factor = |layer: usize, i: usize| clipped.updates[layer][i] / free.updates[layer][i];
    let by = factor(0, 0);
    assert!(by > 0.01 && by < 0.9, "{by}");
    for (layer, updates) in free.updates.iter().enumerate() {
        for i in (0..updates.len()).filter(|&i| updates[i].abs() > 1e-3) {
            assert!((factor(layer, i) - by).abs() < 1e-3, "{layer}, {i}: {} {by}", factor(layer, i));
        }
    }
}

#[test]
fn a_weight_that_is_not_finite_is_noticed() {
    let trained = trained(&plan("activation = 'relu'"), "", 0);
    assert!(trained.is_finite().unwrap());
    update(&trained.network().parameters()[1].values, |bias| bias[3] = f32::NEG_INFINITY).unwrap();
    assert!(!trained.is_finite().unwrap());
}

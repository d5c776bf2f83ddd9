//! 200 updates of SAC and of double DQN beside `PyTorch`'s, from the same start, batches and noise
//! (`tests/reference/agents.py`).

use super::probe_worlds::{Asks, ProbeWorld};
use super::{choice, make, text};
use crate::agents::actor_critic::ActorCritic;
use crate::agents::dqn::Dqn;
use crate::agents::{Agent, Batch, Beliefs, Make, entries};
use crate::environments::{ActionSpace, Environment, Spaces};
use crate::kernels::inplace::update;
use crate::nn::{Network, Role};
use crate::random::Stream;
use crate::spec::Value;

const SEED: u64 = 7;
const ROWS: usize = 32;
const FEATURES: usize = 3;
const ACTIONS: usize = 2;
/// a₀ to a₅, b₁ to b₄.
const RATIONAL: [f32; 10] = [0.02, 0.5, 1.1, 0.6, 0.1, 0.01, 0.3, 0.9, 0.2, 0.05];

fn made(name: &str, activation: &str, given: &[(&str, Value)]) -> Make {
    let discrete = name == "double-dqn";
    let space =
        if discrete { ActionSpace::Discrete(ACTIONS) } else { ActionSpace::Continuous(vec![(-1.0, 1.0); 2]) };
    let world = ProbeWorld::new(Asks::Value, discrete);
    let mut make = make(choice(&entries(), name, given), activation, &world, SEED);
    make.spaces = Spaces { observation: vec![FEATURES], action: space, ..world.spaces().clone() };
    for network in [&mut make.actor, &mut make.critic] {
        network.network = choice(&crate::nn::entries(), "mlp", &[("hidden", Value::Integers(vec![16, 16]))]);
        network.optimizer.parameters.insert("learning_rate".to_owned(), Value::Number(3e-4));
    }
    make
}

/// Gives every rational the start of the script.
fn set_rationals(network: &dyn Network) {
    for parameter in network.parameters() {
        if let Role::Coefficients(_) = parameter.role {
            update(&parameter.values, |values| values.copy_from_slice(&RATIONAL)).unwrap();
        }
    }
}

fn batch(draws: &mut Stream, discrete: bool) -> Batch {
    let mut uniforms = |n: usize, low: f64, high: f64| -> Vec<f32> {
        (0..n).map(|_| draws.uniform(low, high) as f32).collect()
    };
    let observations = uniforms(ROWS * FEATURES, -1.0, 1.0);
    let actions = if discrete {
        uniforms(ROWS, 0.0, ACTIONS as f64).iter().map(|a| a.floor()).collect()
    } else {
        uniforms(ROWS * ACTIONS, -1.0, 1.0)
    };
    let rewards = uniforms(ROWS, -1.0, 1.0);
    let next_observations = uniforms(ROWS * FEATURES, -1.0, 1.0);
    let continues = uniforms(ROWS, 0.0, 1.0).iter().map(|&x| if x < 0.9 { 1.0 } else { 0.0 }).collect();
    Batch { rows: ROWS, observations, actions, rewards, next_observations, continues }
}

/// Every column of every row to 1e-4 relative, or to 1e-4 of the column's largest number.
fn agree(reference: &str, found: &[Vec<f64>], what: &str) {
    let lines: Vec<Vec<f64>> = reference
        .lines()
        .skip(1)
        .map(|line| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert_eq!(lines.len(), 200);
    for column in 0..lines[0].len() {
        let largest = lines.iter().map(|line| line[column].abs()).fold(0.0, f64::max);
        for (step, (line, found)) in lines.iter().zip(found).enumerate() {
            let (expected, found) = (line[column], found[column]);
            let apart = (found - expected).abs() / expected.abs().max(0.01 * largest);
            assert!(apart < 1e-4, "{what}, update {step}, column {column}: {found} and not {expected}");
        }
    }
}

#[test]
fn sac_updates_are_pytorchs() {
    for (activation, reference) in [
        ("relu", include_str!("../../../tests/reference/agents_sac_relu.csv")),
        ("rational", include_str!("../../../tests/reference/agents_sac_rational.csv")),
    ] {
        let mut agent = ActorCritic::new(made("sac", activation, &[])).unwrap();
        if activation == "rational" {
            agent.looks().iter().for_each(|look| set_rationals(look.network));
            agent.copy_to_targets();
        }
        let mut draws = Stream::new(SEED, "test", 0);
        let mut rows = Vec::new();
        for _ in 0..200 {
            let losses = agent.update_on(&batch(&mut draws, false)).unwrap();
            rows.push(vec![
                losses.critic,
                losses.actor.unwrap(),
                losses.temperature.unwrap(),
                losses.q_mean,
                losses.entropy.unwrap(),
                agent.temperature(),
            ]);
        }
        agree(reference, &rows, activation);
    }
}

#[test]
fn dqn_updates_are_pytorchs() {
    for (activation, reference) in [
        ("relu", include_str!("../../../tests/reference/agents_dqn_relu.csv")),
        ("rational", include_str!("../../../tests/reference/agents_dqn_rational.csv")),
    ] {
        let mut agent = Dqn::new(made("double-dqn", activation, &[("loss", text("huber"))])).unwrap();
        if activation == "rational" {
            agent.looks().iter().for_each(|look| set_rationals(look.network));
        }
        let mut draws = Stream::new(SEED, "test", 0);
        let mut rows = Vec::new();
        for step in 0..200 {
            let losses = agent.update_on(&batch(&mut draws, true)).unwrap();
            rows.push(vec![losses.critic, losses.q_mean]);
            if step % 10 == 9 {
                agent.copy_to_target();
            }
        }
        agree(reference, &rows, activation);
        assert_eq!(agent.updates(), 0);
    }
}

//! Agents against worlds whose answers are known.

mod anchors;
mod gradients;
mod lqr;
pub mod probe_worlds;
mod resume;
mod specs;
mod torch;

use std::collections::BTreeMap;

use self::probe_worlds::{Asks, ProbeWorld};
use super::scale::Scale;
use super::{Agent, Chosen, Make, NetworkChoice, Transition, build, entries};
use crate::environments::{Action, Environment};
use crate::random::Stream;
use crate::spec::{Choice, Kind, Value};

/// A choice of the entry's defaults, but for what is given.
pub fn choice(entries: &[crate::spec::Entry], name: &str, given: &[(&str, Value)]) -> Choice {
    let entry = entries.iter().find(|entry| entry.name == name).unwrap();
    let mut parameters = BTreeMap::new();
    for parameter in entry.parameters {
        let value = match parameter.kind {
            Kind::Number { default, .. } => default.map(Value::Number),
            Kind::Integer { default, .. } => default.map(Value::Integer),
            Kind::Text { default, .. } => default.map(|word| Value::Text(word.to_owned())),
            Kind::Flag { default } => Some(Value::Flag(default)),
            Kind::Integers { default, .. } => Some(Value::Integers(default.to_vec())),
            Kind::OptionalIntegers { .. } | Kind::Path | Kind::Name { .. } | Kind::Names { .. } => None,
            Kind::Choice { of: _, default } => {
                let parameters = BTreeMap::new();
                Some(Value::Choice(Choice { name: default.to_owned(), parameters }))
            }
        };
        parameters.extend(value.map(|value| (parameter.name.to_owned(), value)));
    }
    for (key, value) in given {
        assert!(entry.parameters.iter().any(|parameter| parameter.name == *key), "{name} has no {key}");
        parameters.insert((*key).to_owned(), value.clone());
    }
    Choice { name: name.to_owned(), parameters }
}

pub fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

/// Small networks with this activation, Adam at 3e-3.
pub fn make(agent: Choice, activation: &str, environment: &dyn Environment, seed: u64) -> Make {
    let activations: Vec<_> = crate::nn::activation::registry().iter().map(|known| known.entry).collect();
    let optimizers = crate::optimizers::entries();
    let network = NetworkChoice {
        network: choice(&crate::nn::entries(), "mlp", &[("hidden", Value::Integers(vec![32, 32]))]),
        activation: choice(&activations, activation, &[]),
        optimizer: choice(&optimizers, "adam", &[("learning_rate", Value::Number(3e-3))]),
        methods: Vec::new(),
    };
    let spaces = environment.spaces().clone();
    Make { agent, actor: network.clone(), critic: network, spaces, seed }
}

/// Settings that let the smallest worlds be learned in seconds.
pub fn quick(name: &str, more: &[(&str, Value)]) -> Choice {
    let mut given = vec![
        ("batch_size", Value::Integer(64)),
        ("learning_starts", Value::Integer(100)),
        ("discount", Value::Number(0.9)),
        ("buffer", Value::Integer(2000)),
    ];
    given.extend(match name {
        "sac" => vec![
            ("temperature", text("fixed")),
            ("initial_temperature", Value::Number(0.01)),
            ("tau", Value::Number(0.05)),
        ],
        "td3" | "ddpg" => vec![("exploration_noise", Value::Number(0.3)), ("tau", Value::Number(0.05))],
        _ => vec![
            ("train_frequency", Value::Integer(1)),
            ("target_every", Value::Integer(50)),
            ("epsilon_decisions", Value::Integer(500)),
        ],
    });
    given.extend(more.iter().cloned());
    choice(&entries(), name, &given)
}

/// So many decisions in a world.
pub fn live(agent: &mut dyn Agent, world: &mut dyn Environment, decisions: usize, draws: &mut Stream) {
    let scale = Scale::new(&world.spaces().action);
    let features = world.spaces().features();
    let (mut before, mut after) = (vec![0.0; features], vec![0.0; features]);
    world.reset(draws).unwrap();
    world.observe(&mut before);
    for _ in 0..decisions {
        let chosen = agent.act(&before, true).unwrap();
        let step = match &chosen {
            Chosen::Continuous(action) => world.step(Action::Continuous(&scale.outward(action)), draws),
            Chosen::Discrete(number) => world.step(Action::Discrete(*number), draws),
        }
        .unwrap();
        world.observe(&mut after);
        agent.observe(&Transition {
            observation: &before,
            action: &chosen.values(),
            reward: step.reward,
            next_observation: &after,
            terminated: step.terminated,
            truncated: step.truncated,
        });
        agent.learn().unwrap();
        before.copy_from_slice(&after);
        if step.ended() {
            world.reset(draws).unwrap();
            world.observe(&mut before);
        }
    }
}

/// Q of every critic at an observation and the policy's mode there.
fn value(agent: &dyn Agent, observation: f32) -> Vec<f32> {
    let action = agent.policy(&[observation], None).unwrap().actions;
    agent.q(&[observation], &action).unwrap().concat()
}

fn mode(agent: &mut dyn Agent, observation: f64) -> f32 {
    match agent.act(&[observation], false).unwrap() {
        Chosen::Continuous(action) => action[0],
        Chosen::Discrete(number) => number as f32,
    }
}

/// A relative of zero: |a − b| ≤ tolerance.
fn near(values: &[f32], expected: f32, tolerance: f32, what: &str) {
    for value in values {
        assert!((value - expected).abs() <= tolerance, "{what}: {values:?} and not {expected}");
    }
}

/// The five worlds, for an agent and an activation.
fn answers(name: &str, activation: &str, more: &[(&str, Value)], decisions: usize) {
    let discrete = name.ends_with("dqn");
    let learn = |asks| {
        let mut world = ProbeWorld::new(asks, discrete);
        let mut agent = build(make(quick(name, more), activation, &world, 3)).unwrap();
        live(&mut *agent, &mut world, decisions, &mut Stream::new(3, "environment", 0));
        assert_eq!(agent.updates(), agent.updates_after(decisions as u64));
        assert!(agent.updates() > 0);
        agent
    };
    let what = |asks| format!("{name} {activation} {asks:?}");
    // Entropy beside reward: α times at most ln 2 nats, here below 0.01.
    near(&value(&*learn(Asks::Value), 0.0), 1.0, 0.05, &what(Asks::Value));
    let agent = learn(Asks::Observation);
    for observation in [-1.0, 1.0] {
        near(&value(&*agent, observation), observation, 0.1, &what(Asks::Observation));
    }
    let agent = learn(Asks::Discount);
    near(&value(&*agent, 0.0), 0.9, 0.1, &what(Asks::Discount));
    near(&value(&*agent, 1.0), 1.0, 0.1, &what(Asks::Discount));
    let best = |half: f32| if discrete { f32::from(u8::from(half > 0.0)) } else { half };
    near(&[mode(&mut *learn(Asks::Policy), 0.0)], best(0.5), 0.15, &what(Asks::Policy));
    let mut agent = learn(Asks::Both);
    for observation in [-1.0, 1.0] {
        let action = mode(&mut *agent, observation);
        near(&[action], best(0.5 * observation as f32), 0.2, &what(Asks::Both));
    }
}

#[test]
fn sac_answers_the_probe_worlds() {
    answers("sac", "relu", &[], 1500);
    answers("sac", "rational", &[("target", text("mean")), ("objective", text("mean"))], 1500);
}

#[test]
fn sac_answers_in_every_order_and_with_random_critics() {
    for (order, log_std) in [("critic-actor-target", "squash"), ("actor-critic-target", "clip")] {
        let more = [
            ("order", text(order)),
            ("log_std", text(log_std)),
            ("critics", Value::Integer(3)),
            ("target", text("random-2")),
            ("objective", text("mean")),
            ("policy_every", Value::Integer(2)),
            ("policy_updates", Value::Integer(2)),
        ];
        answers("sac", "relu", &more, 1500);
    }
}

#[test]
fn deterministic_actors_answer_the_probe_worlds() {
    answers("td3", "relu", &[], 2500);
    answers("ddpg", "relu", &[], 2500);
}

#[test]
fn dqn_answers_the_probe_worlds() {
    answers("dqn", "relu", &[], 1500);
    answers("double-dqn", "rational", &[("loss", text("huber"))], 1500);
}

/// α goes down to what keeps the target entropy and the policy's entropy ends near it.
#[test]
fn a_learned_temperature_keeps_its_target_entropy() {
    let more = [
        ("temperature", text("learned")),
        ("initial_temperature", Value::Number(0.5)),
        ("temperature_learning_rate", Value::Number(5e-3)),
        ("target_entropy", Value::Number(-1.0)),
    ];
    let mut world = ProbeWorld::new(Asks::Policy, false);
    let mut agent = build(make(quick("sac", &more), "relu", &world, 0)).unwrap();
    live(&mut *agent, &mut world, 3000, &mut Stream::new(0, "environment", 0));
    let decisions = agent.policy(&[0.0; 4000], Some(&mut Stream::new(0, "test", 0))).unwrap();
    let entropy = -decisions.log_probs.iter().sum::<f64>() / 4000.0;
    assert!((entropy + 1.0).abs() < 0.3, "{entropy}");
    assert!(agent.temperature() < 0.4, "{}", agent.temperature());
}

#[test]
fn an_agent_that_cannot_take_the_actions_is_refused_in_a_sentence() {
    for (name, discrete, cure) in [("sac", true, "dqn, double-dqn"), ("dqn", false, "sac, td3, ddpg")] {
        let world = ProbeWorld::new(Asks::Value, discrete);
        let error = build(make(quick(name, &[]), "relu", &world, 0)).err().unwrap().to_string();
        assert!(error.starts_with(&format!("agent.name = \"{name}\"")) && error.contains(cure), "{error}");
    }
}

/// A reset at a decision gives the networks new start values and leaves the buffer.
#[test]
fn a_reset_starts_the_networks_anew() {
    for name in ["sac", "td3", "dqn"] {
        let world = ProbeWorld::new(Asks::Value, name == "dqn");
        let after = |resets: &[i64], decisions| {
            let more =
                [("resets", Value::Integers(resets.to_vec())), ("learning_starts", Value::Integer(400))];
            let mut agent = build(make(quick(name, &more), "relu", &world, 1)).unwrap();
            live(&mut *agent, &mut world.clone(), decisions, &mut Stream::new(1, "environment", 0));
            assert_eq!(agent.buffer().len(), decisions);
            value(&*agent, 0.7)
        };
        assert_eq!(after(&[], 300), after(&[], 10), "{name}");
        assert_ne!(after(&[300], 300), after(&[], 300), "{name}");
        assert_ne!(after(&[200, 300], 300), after(&[300], 300), "{name}");
    }
}

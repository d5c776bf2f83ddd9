//! Published returns as a slow check, which is asked for by name and takes its settings from the
//! environment: `ANCHOR=cartpole-swingup:100000:0 cargo test --release anchors -- --ignored --nocapture`.

use super::{choice, entries, live, make};
use crate::agents::{Agent, build};
use crate::environments::Environment;
use crate::random::Stream;
use crate::spec::Value;

/// SAC with jaxrl's values.
fn jaxrl(environment: &dyn Environment, activation: &str, seed: u64) -> Box<dyn Agent> {
    let mut made = make(choice(&entries(), "sac", &[]), activation, environment, seed);
    let orthogonal = |gain: f64| {
        let given = [
            ("hidden", Value::Integers(vec![256, 256])),
            ("initialization", Value::Text("orthogonal".to_owned())),
            ("head_gain", Value::Number(gain)),
        ];
        choice(&crate::nn::entries(), "mlp", &given)
    };
    (made.actor.network, made.critic.network) = (orthogonal(1.0), orthogonal(2.0f64.sqrt()));
    for network in [&mut made.actor, &mut made.critic] {
        network.optimizer.parameters.insert("learning_rate".to_owned(), Value::Number(3e-4));
    }
    build(made).unwrap()
}

#[test]
#[ignore = "takes an hour"]
fn sac_lies_in_the_envelope_of_published_returns() {
    let setting = std::env::var("ANCHOR").unwrap_or_else(|_| "cartpole-swingup:100000:0:relu:750".to_owned());
    let [name, steps, seed, activation, least] = setting.split(':').collect::<Vec<_>>()[..] else {
        panic!("ANCHOR is environment:steps:seed:activation:least return");
    };
    let (steps, seed): (usize, u64) = (steps.parse().unwrap(), seed.parse().unwrap());
    let mut world = crate::environments::build(name).unwrap();
    let mut agent = jaxrl(&*world, activation, seed);
    let mut draws = Stream::new(seed, "environment", 0);
    let (every, mut mean) = (5000, 0.0);
    for block in 1..=steps / every {
        let started = std::time::Instant::now();
        live(&mut *agent, &mut *world, every, &mut draws);
        let seconds = started.elapsed().as_secs_f64();
        let mut own = crate::environments::build(name).unwrap();
        let mut eval = Stream::new(seed, "evaluation", block as u64);
        let returns = crate::train::control::evaluate(&mut *agent, &mut *own, 10, &mut eval).unwrap();
        mean = returns.mean();
        println!(
            "{setting} {} return {mean:.1} ({:.0} to {:.0}) temperature {:.4} {seconds:.0} s",
            block * every,
            returns.min(),
            returns.max(),
            agent.temperature()
        );
    }
    assert!(mean >= least.parse().unwrap(), "{mean}");
}

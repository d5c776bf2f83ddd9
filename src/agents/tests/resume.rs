//! An agent taken from a state goes on to the same bits.

use super::probe_worlds::{Asks, ProbeWorld};
use super::{build, live, make, quick, text};
use crate::random::Stream;
use crate::spec::Value;
use crate::state::StateDict;

#[test]
fn a_resumed_agent_ends_in_the_undisturbed_bytes() {
    for (name, activation, more) in [
        ("sac", "rational", vec![("temperature", text("learned")), ("temperature_draws", text("fresh"))]),
        (
            "sac",
            "randomized-smooth-leaky",
            vec![("critics", Value::Integer(4)), ("target", text("random-2"))],
        ),
        ("td3", "relu", vec![("resets", Value::Integers(vec![150, 250]))]),
        ("ddpg", "tanh", vec![]),
        ("double-dqn", "relu", vec![("resets", Value::Integers(vec![250]))]),
    ] {
        let mut world = ProbeWorld::new(Asks::Both, name == "double-dqn");
        let template = world.clone();
        let fresh = || build(make(quick(name, &more), activation, &template, 5)).unwrap();
        let mut straight = fresh();
        let mut draws = Stream::new(5, "environment", 0);
        live(&mut *straight, &mut world, 200, &mut draws);
        let mut state = StateDict::default();
        straight.save(&mut state);
        let at = draws.position();
        live(&mut *straight, &mut world, 200, &mut draws);

        // It has lived otherwise before, so that nothing is right by chance.
        let mut resumed = fresh();
        live(
            &mut *resumed,
            &mut ProbeWorld::new(Asks::Policy, name == "double-dqn"),
            130,
            &mut Stream::new(6, "x", 0),
        );
        resumed.load(&state).unwrap();
        draws.seek(at);
        live(&mut *resumed, &mut world, 200, &mut draws);
        let mut states = [StateDict::default(), StateDict::default()];
        straight.save(&mut states[0]);
        resumed.save(&mut states[1]);
        assert_eq!(states[0], states[1], "{name}");
        assert!(states[0] != state);
    }
}

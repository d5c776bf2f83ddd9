//! What the loop does at a decision, against the environment itself.

use std::collections::HashMap;

use super::*;
use crate::agents::build;
use crate::agents::tests::{make, quick};
use crate::environments;
use crate::environments::repeat::ActionRepeat;
use crate::spec::Value;

/// Observations as the buffer keeps them, by their bits.
fn bits(observation: impl IntoIterator<Item = f32>) -> Vec<u32> {
    observation.into_iter().map(f32::to_bits).collect()
}

/// Every transition that is drawn from the buffer is what one step of the environment makes of the state that
/// it was stored in: reward, next observation and end, also where an episode terminates, reaches its limit,
/// or is cut off with its task.
#[test]
fn a_stored_transition_reproduces_by_one_step_of_the_environment() {
    for (name, agent, repeat) in [
        ("Hopper-v5", "sac", 1),
        ("reacher-easy", "td3", 2),
        ("MountainCar-v0", "dqn", 1),
        ("CartPole-v1", "double-dqn", 1),
    ] {
        let built = || ActionRepeat::new(environments::build(name).unwrap(), repeat);
        let never = [("learning_starts", Value::Integer(1_000_000)), ("buffer", Value::Integer(5000))];
        let mut agent = build(make(quick(agent, &never), "relu", &built(), 1)).unwrap();
        let mut world = World::new(Box::new(built()), Stream::new(1, "environment", 0));
        world.begin().unwrap();
        // State by observation: none comes twice, but for a start or one that came back to itself.
        let mut states: HashMap<Vec<u32>, StateDict> = HashMap::new();
        let (mut terminated, mut truncated) = (0, 0);
        for decision in 0..1500 {
            let before = StateDict::of(&*world.environment);
            let observed = bits(world.observation.iter().map(|&x| x as f32));
            let at = agent.buffer().len();
            let (losses, step) = live(&mut *agent, &mut world, decision == 700).unwrap();
            assert!(losses.is_none() && agent.buffer().len() == at + 1);
            states.insert(observed, before);
            terminated += usize::from(step.terminated);
            truncated += usize::from(step.truncated);
            if step.ended() {
                world.begin().unwrap();
            }
        }
        assert!(truncated > 0 || terminated > 10, "{name}: {terminated} {truncated}");
        let batch = agent.buffer().sample(10_000, &mut Stream::new(2, "test", 0));
        let (features, width) = (batch.observations.len() / batch.rows, batch.actions.len() / batch.rows);
        let mut copy = built();
        let mut next = vec![0.0; features];
        let mut ends = 0;
        for row in 0..batch.rows {
            let observation = &batch.observations[row * features..][..features];
            let state = &states[&bits(observation.iter().copied())];
            copy.load(state).unwrap();
            let action = &batch.actions[row * width..][..width];
            let mut draws = Stream::new(0, "test", 0);
            let step = if agent.discrete().is_some() {
                copy.step(Action::Discrete(action[0] as usize), &mut draws)
            } else {
                copy.step(Action::Continuous(&world.scale.outward(action)), &mut draws)
            }
            .unwrap();
            copy.observe(&mut next);
            assert_eq!(batch.rewards[row], step.reward as f32, "{name}");
            let stored = &batch.next_observations[row * features..][..features];
            assert_eq!(bits(stored.iter().copied()), bits(next.iter().map(|&x| x as f32)), "{name}");
            assert_eq!(batch.continues[row], if step.terminated { 0.0 } else { 1.0 }, "{name}");
            ends += usize::from(step.ended());
        }
        assert!(ends > 0, "{name}: no transition at an episode's end was looked at");
    }
}

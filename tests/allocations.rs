//! A step of an environment asks for no memory.

use plasticity_bench::environments::{Action, ActionSpace, build, entries};
use plasticity_bench::random::Stream;

/// What a stretch of code asks the allocator for, in blocks.
fn blocks(code: impl FnOnce()) -> u64 {
    allocation_counter::measure(code).count_total
}

#[test]
fn a_step_and_its_observation_allocate_nothing() {
    assert_eq!(blocks(|| drop(std::hint::black_box(vec![1.0]))), 1, "the counter counts");
    for entry in entries() {
        let name = entry.name;
        let mut environment = build(name).unwrap();
        let mut draws = Stream::new(9, "environment", 0);
        let mut observation = vec![0.0; environment.spaces().features()];
        let space = environment.spaces().action.clone();
        environment.reset(&mut draws).unwrap();
        let mut asked = 0;
        for number in 0..600 {
            let action: Vec<f64> = match &space {
                ActionSpace::Continuous(bounds) => bounds.iter().map(|_| draws.uniform(-1.0, 1.0)).collect(),
                ActionSpace::Discrete(count) => vec![draws.below(*count as u64) as f64],
            };
            let action = match space {
                ActionSpace::Continuous(_) => Action::Continuous(&action),
                ActionSpace::Discrete(_) => Action::Discrete(action[0] as usize),
            };
            if let Some(physics) = environment.physics().filter(|_| number % 20 == 19) {
                // Anywhere, in the ground and in itself: as many constraints as there are at most.
                let q: Vec<f64> = physics.qpos().iter().map(|_| draws.uniform(-1.0, 1.0)).collect();
                let (v, target) = (vec![0.0; physics.qvel().len()], physics.target().to_vec());
                physics.set(&q, &v, &target).unwrap();
            }
            let mut ended = false;
            asked += blocks(|| {
                // A state that left the numbers is an error with a name in it.
                if let Ok(step) = environment.step(action, &mut draws) {
                    environment.observe(&mut observation);
                    ended = step.ended();
                }
            });
            if ended {
                environment.reset(&mut draws).unwrap();
            }
        }
        assert_eq!(asked, 0, "{name}");
    }
}

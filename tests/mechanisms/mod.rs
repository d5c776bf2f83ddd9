//! Mechanisms from any state, under any action, in changed worlds, and models of any text: a step ends in
//! numbers or in the error for none, and a saved episode goes on to the same bits. The body of a fuzz target and
//! of a test.

use plasticity_bench::environments::planar::{Model, dynamics};
use plasticity_bench::environments::{
    Action, ActionSpace, Changes, Environment, EnvironmentError, build_changed, entries,
};
use plasticity_bench::random::Stream;
use plasticity_bench::state::StateDict;

/// Numbers of any bits; zeros when the data has ended.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> f64 {
        let (bytes, rest) = self.0.split_at(self.0.len().min(8));
        self.0 = rest;
        let mut all = [0; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        f64::from_le_bytes(all)
    }

    fn take(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next()).collect()
    }
}

fn model(text: &str) {
    let Ok(model) = Model::parse(text) else { return };
    let Ok(mut world) = dynamics(&model) else { return };
    world.step(&vec![1.0; model.actuators.len()], 3);
    world.rest();
}

/// Bits of the reward and the observation, or nothing where the state left the numbers.
fn step(environment: &mut dyn Environment, action: &[f64], draws: &mut Stream) -> Option<Vec<u64>> {
    match environment.step(Action::Continuous(action), draws) {
        Ok(step) => {
            let mut seen = vec![0.0; environment.spaces().features()];
            environment.observe(&mut seen);
            seen.push(step.reward);
            assert!(seen.iter().all(|x| x.is_finite()), "{seen:?}");
            Some(seen.iter().map(|x| x.to_bits()).collect())
        }
        Err(EnvironmentError::NotFinite(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Runs whatever the bytes say: the first is the environment's number, or one beyond for a model's text.
pub fn run(data: &[u8]) {
    let Some((&which, rest)) = data.split_first() else { return };
    let names = entries();
    let Some(entry) = names.get(usize::from(which)) else {
        if let Ok(text) = std::str::from_utf8(rest) {
            model(text);
        }
        return;
    };
    let mut numbers = Numbers(rest);
    let [gravity, mass, gear, damping, friction] = [0; 5].map(|_| numbers.next());
    // Most bits make no sound change: the world as it is, then.
    let changes = Changes { gravity, mass, gear, damping, friction, sliding: None };
    let built =
        build_changed(entry.name, &changes).or_else(|_| build_changed(entry.name, &Changes::default()));
    let mut environment = built.expect("an environment in its own world");
    let ActionSpace::Continuous(bounds) = environment.spaces().action.clone() else { return };
    let mut draws = Stream::new(0, "fuzz", 0);
    let physics = environment.physics().expect("a mechanism");
    let target = physics.target().to_vec();
    let joints = physics.qpos().len();
    let (q, v) = (numbers.take(joints), numbers.take(joints));
    if physics.set(&q, &v, &target).is_err() {
        return;
    }
    let action = numbers.take(bounds.len());
    if step(&mut *environment, &action, &mut draws).is_none() {
        return;
    }
    let mut saved = StateDict::default();
    environment.save(&mut saved);
    let mut loaded = build_changed(entry.name, &changes)
        .or_else(|_| build_changed(entry.name, &Changes::default()))
        .expect("it was built before");
    loaded.load(&saved).expect("a state of its own");
    let action = numbers.take(bounds.len());
    let ours = step(&mut *environment, &action, &mut draws.clone());
    assert_eq!(ours, step(&mut *loaded, &action, &mut draws));
}

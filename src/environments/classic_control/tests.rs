use super::*;

/// Steps of Gymnasium itself; the script that made them stands beside them.
const REFERENCE: &str = include_str!("../../../tests/reference/classic_control.csv");

fn build(name: &str) -> Box<dyn Environment> {
    crate::environments::build(name).unwrap()
}

const NAMES: [&str; 3] = ["CartPole-v1", "Acrobot-v1", "MountainCar-v0"];

fn far(a: f64, b: f64) -> f64 {
    (a - b).abs() / (1.0 + b.abs())
}

#[test]
fn single_steps_are_gymnasiums() {
    let floats = |text: &str| -> Vec<f64> { text.split(' ').map(|x| x.parse().unwrap()).collect() };
    let mut draws = Stream::new(0, "test", 0);
    let (mut rows, mut worst) = (0, 0.0f64);
    for line in REFERENCE.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let mut world = build(cells[0]);
        let (state, after, seen) = (floats(cells[1]), floats(cells[3]), floats(cells[4]));
        let half = state.len() / 2;
        world.physics().unwrap().set(&state[..half], &state[half..], &[]).unwrap();
        let step = world.step(Action::Discrete(cells[2].parse().unwrap()), &mut draws).unwrap();
        assert_eq!(step.reward, cells[5].parse::<f64>().unwrap(), "{line}");
        assert_eq!(step.terminated, cells[6] == "1", "{line}");
        let mut observation = vec![0.0; world.spaces().features()];
        world.observe(&mut observation);
        for (ours, theirs) in observation.iter().zip(&seen) {
            assert_eq!(f64::from(*ours as f32), *ours);
            // At most the last place of an f32: a sine may differ by the last place of an f64.
            assert!(far(*ours, *theirs) < 1e-7, "{line}: {ours} {theirs}");
        }
        let physics = world.physics().unwrap();
        for (ours, theirs) in physics.qpos().iter().chain(physics.qvel()).zip(&after) {
            worst = worst.max(far(*ours, *theirs));
        }
        rows += 1;
    }
    assert_eq!(rows, 240);
    assert!(worst < 1e-14, "{worst}");
}

#[test]
fn time_limits_truncate_and_ends_terminate() {
    for (name, limit) in [("Acrobot-v1", 500), ("MountainCar-v0", 200)] {
        let (mut world, mut draws) = (build(name), Stream::new(1, "test", 0));
        world.reset(&mut draws).unwrap();
        let steps: Vec<Step> =
            (0..limit).map(|_| world.step(Action::Discrete(1), &mut draws).unwrap()).collect();
        assert!(steps[..limit - 1].iter().all(|step| !step.ended() && step.reward == -1.0));
        assert_eq!(
            steps[limit - 1],
            Step { reward: -1.0, terminated: false, truncated: true, success: None }
        );
    }
    // The pole falls long before the limit when it is always pushed to the same side.
    let (mut world, mut draws) = (build("CartPole-v1"), Stream::new(1, "test", 0));
    for _ in 0..20 {
        world.reset(&mut draws).unwrap();
        let length = (1..100).find(|_| world.step(Action::Discrete(0), &mut draws).unwrap().terminated);
        assert!((8..=10).contains(&length.unwrap()), "{length:?}");
    }
    // A policy that pushes where the pole leans and turns keeps it up to the limit.
    world.reset(&mut draws).unwrap();
    for count in 1..=500 {
        let (state, speeds) = {
            let physics = world.physics().unwrap();
            (physics.qpos().to_vec(), physics.qvel().to_vec())
        };
        let lean = 3.0 * state[1] + speeds[1] + 0.1 * state[0] + 0.3 * speeds[0];
        let step = world.step(Action::Discrete(usize::from(lean > 0.0)), &mut draws).unwrap();
        assert_eq!(step, Step { reward: 1.0, terminated: false, truncated: count == 500, success: None });
    }
}

#[test]
fn an_episode_goes_on_from_the_middle_to_the_same_bits() {
    for name in NAMES {
        let (mut world, mut draws) = (build(name), Stream::new(3, "test", 0));
        world.reset(&mut draws).unwrap();
        world.step(Action::Discrete(0), &mut draws).unwrap();
        let mut state = StateDict::default();
        world.save(&mut state);
        let mut other = build(name);
        other.load(&state).unwrap();
        let mut copy = world.duplicate().unwrap();
        for count in 0..600 {
            let step = world.step(Action::Discrete(count % 2), &mut draws).unwrap();
            assert_eq!(other.step(Action::Discrete(count % 2), &mut draws).unwrap(), step);
            assert_eq!(copy.step(Action::Discrete(count % 2), &mut draws).unwrap(), step);
            let bits = |world: &mut dyn Environment| -> Vec<u64> {
                let physics = world.physics().unwrap();
                physics.qpos().iter().chain(physics.qvel()).map(|x| x.to_bits()).collect()
            };
            assert_eq!(bits(&mut *world), bits(&mut *other));
            if step.ended() {
                break;
            }
        }
    }
}

#[test]
fn no_state_panics_or_hangs_and_wrong_actions_are_sentences() {
    let mut draws = Stream::new(4, "test", 0);
    for name in NAMES {
        let mut world = build(name);
        let n = world.physics().unwrap().qpos().len();
        for extreme in [1e6, -1e6, 1e300, f64::INFINITY, f64::NAN] {
            for action in 0..2 {
                world.physics().unwrap().set(&vec![extreme; n], &vec![extreme; n], &[]).unwrap();
                match world.step(Action::Discrete(action), &mut draws) {
                    Ok(_) => assert!(world.physics().unwrap().qpos().iter().all(|x| x.is_finite())),
                    Err(error) => assert!(matches!(error, EnvironmentError::NotFinite(_)), "{error}"),
                }
            }
        }
        let error = world.step(Action::Discrete(3), &mut draws).unwrap_err().to_string();
        assert!(error.contains("one discrete action"), "{error}");
        assert!(world.step(Action::Continuous(&[0.0]), &mut draws).is_err());
        assert!(world.physics().unwrap().set(&[0.0; 3], &[0.0; 3], &[]).is_err());
    }
}

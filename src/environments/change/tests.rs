use super::*;
use crate::environments::{Action, ActionSpace, Physics};
use crate::spec::Value;
use crate::state::StateDict;

/// The family on an environment that is built in.
fn build(choice: &Choice, name: &str, seed: u64) -> Result<Box<dyn Change>, BuildError> {
    super::build(choice, &Named::new(name, None), seed)
}

/// A family's defaults, but for `own`.
fn choice(name: &str, own: &[(&str, Value)]) -> Choice {
    let entry = entries().into_iter().find(|entry| entry.name == name).unwrap();
    let mut all = Choice::of(&entry);
    for (name, value) in own {
        assert!(entry.parameters.iter().any(|parameter| parameter.name == *name), "{name}");
        all.parameters.insert((*name).to_owned(), value.clone());
    }
    all
}

/// What `switch` goes on with.
fn following(family: &str) -> Vec<(&'static str, Value)> {
    let names = Value::Names(["walker-walk", "walker-run"].map(str::to_owned).to_vec());
    if family == "switch" { vec![("environments", names)] } else { Vec::new() }
}

fn drawn() -> [(&'static str, Value); 1] {
    [("first_task", Value::Text("drawn".into()))]
}

/// Observations and rewards of some steps with a fixed action.
fn walk(world: &mut dyn Environment, steps: usize) -> Vec<u64> {
    let mut draws = Stream::new(5, "test", 0);
    world.reset(&mut draws).unwrap();
    go_on(world, steps, &mut draws)
}

fn go_on(world: &mut dyn Environment, steps: usize, draws: &mut Stream) -> Vec<u64> {
    let mut seen = vec![0.0; world.spaces().features()];
    let mut all = Vec::new();
    let held = match &world.spaces().action {
        ActionSpace::Continuous(bounds) => vec![0.5; bounds.len()],
        ActionSpace::Discrete(_) => Vec::new(),
    };
    for _ in 0..steps {
        let action = if held.is_empty() { Action::Discrete(1) } else { Action::Continuous(&held) };
        let step = world.step(action, draws).unwrap();
        world.observe(&mut seen);
        all.extend(seen.iter().chain([&step.reward]).map(|x| x.to_bits()));
    }
    all
}

#[test]
fn a_task_follows_from_seed_and_number() {
    for (family, environment) in [
        ("single", "cheetah-run"),
        ("switch", "walker-stand"),
        ("slippery", "cheetah-run"),
        ("observation-offset", "CartPole-v1"),
        ("dynamics", "cheetah-run"),
    ] {
        let tasks = |seed, order: &[usize]| -> Vec<Vec<u64>> {
            let change = build(&choice(family, &following(family)), environment, seed).unwrap();
            order.iter().map(|&index| walk(&mut *change.task(index).unwrap(), 3)).collect()
        };
        let forward = tasks(1, &[0, 1, 2]);
        let mut backward = tasks(1, &[2, 1, 0]);
        backward.reverse();
        assert_eq!(forward, backward, "{family}");
        let fixed = ["single", "switch"].contains(&family);
        assert_eq!(forward == tasks(2, &[0, 1, 2]), fixed, "{family}");
        assert_eq!(forward[1] == forward[2], family == "single", "{family}");
        assert_eq!(forward[0] == forward[1], family == "single", "{family}");
    }
}

#[test]
fn the_first_task_is_the_environment_as_it_is_unless_it_is_drawn() {
    for family in ["slippery", "observation-offset", "dynamics"] {
        let plain = walk(&mut *crate::environments::build("hopper-hop").unwrap(), 30);
        let first = |own: &[(&str, Value)]| {
            walk(&mut *build(&choice(family, own), "hopper-hop", 3).unwrap().task(0).unwrap(), 30)
        };
        assert_eq!(first(&[]), plain, "{family}");
        assert_ne!(first(&drawn()), plain, "{family}");
    }
}

#[test]
fn switch_goes_round_and_asks_for_equal_spaces() {
    let change = build(&choice("switch", &following("switch")), "walker-stand", 0).unwrap();
    let names: Vec<String> = (0..4).map(|index| change.describe(index)).collect();
    assert_eq!(names, ["walker-stand", "walker-walk", "walker-run", "walker-stand"]);
    let error = build(&choice("switch", &following("switch")), "cheetah-run", 0).err().unwrap().to_string();
    assert!(error.contains("walker-walk has other observations than cheetah-run"), "{error}");
    let error = build(&choice("switch", &[]), "walker-stand", 0).err().unwrap().to_string();
    assert!(error.contains("stream.environments"), "{error}");
    let error = build(&choice("single", &[]), "walker-fly", 0).err().unwrap().to_string();
    assert!(error.contains("walker-fly"), "{error}");
}

#[test]
fn friction_is_log_uniform_in_its_range() {
    let change = build(&choice("slippery", &drawn()), "walker-walk", 7).unwrap();
    let logs: Vec<f64> = (0..2000)
        .map(|index| {
            let friction: f64 = change.describe(index)["friction ".len()..].parse().unwrap();
            assert!((0.02..=2.0).contains(&friction));
            (friction / 0.02).ln() / (2.0f64 / 0.02).ln()
        })
        .collect();
    let mean = logs.iter().sum::<f64>() / 2000.0;
    let square = logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2000.0;
    // Mean 1/2 and variance 1/12 of a uniform draw, ± 4 standard errors.
    assert!((mean - 0.5).abs() < 0.026 && (square - 1.0 / 12.0).abs() < 0.007, "{mean} {square}");
    let wrong = [("low", Value::Number(3.0))];
    let error = build(&choice("slippery", &wrong), "walker-walk", 0).err().unwrap().to_string();
    assert!(error.contains("stream.low = 3 is above stream.high = 2"), "{error}");
}

/// What has no ground cannot be slippery: said in words, before a run begins.
#[test]
fn what_cannot_be_changed_is_refused() {
    for family in ["slippery", "dynamics"] {
        let error = build(&choice(family, &[]), "CartPole-v1", 0).err().unwrap().to_string();
        assert!(error.contains("CartPole-v1"), "{error}");
    }
}

#[test]
fn offsets_shift_what_is_seen_and_nothing_else() {
    let change = build(&choice("observation-offset", &[]), "CartPole-v1", 4).unwrap();
    let mut plain = crate::environments::build("CartPole-v1").unwrap();
    let mut shifted = change.task(1).unwrap();
    let offset: Vec<f64> =
        change.describe(1)["offset ".len()..].split(' ').map(|x| x.parse().unwrap()).collect();
    assert!(offset.iter().all(|x| *x != 0.0 && x.abs() < 10.0), "{offset:?}");
    for world in [&mut plain, &mut shifted] {
        world.reset(&mut Stream::new(0, "test", 0)).unwrap();
    }
    let (mut a, mut b) = ([0.0; 4], [0.0; 4]);
    plain.observe(&mut a);
    shifted.observe(&mut b);
    for i in 0..4 {
        assert_eq!(b[i], a[i] + offset[i]);
    }
    let state = |world: &mut Box<dyn Environment>| -> Vec<f64> {
        let physics: &mut dyn Physics = world.physics().unwrap();
        physics.qpos().to_vec()
    };
    assert_eq!(state(&mut plain), state(&mut shifted));
}

/// A changed world in the middle of an episode, saved and taken back into another of the same task.
#[test]
fn a_changed_episode_goes_on_from_the_middle_to_the_same_bits() {
    for family in ["slippery", "observation-offset", "dynamics"] {
        let change = build(&choice(family, &[]), "hopper-hop", 3).unwrap();
        let mut world = change.task(2).unwrap();
        walk(&mut *world, 40);
        let mut state = StateDict::default();
        world.save(&mut state);
        let mut other = change.task(2).unwrap();
        other.load(&state).unwrap();
        let mut copy = world.duplicate().unwrap();
        let mut draws = Stream::new(0, "test", 0);
        let straight = go_on(&mut *world, 40, &mut draws.clone());
        assert_eq!(go_on(&mut *other, 40, &mut draws.clone()), straight, "{family}");
        assert_eq!(go_on(&mut *copy, 40, &mut draws), straight, "{family}");
    }
}

//! Environments against MuJoCo 3.17 (`tests/reference/environments.py`), and what must hold of any of them.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use plasticity_bench::environments::{
    self, Action, ActionSpace, Changes, Environment, EnvironmentError, Figure, build, build_changed,
};
use plasticity_bench::random::Stream;
use plasticity_bench::state::StateDict;

/// Largest |Δ| / (1 + |x|) of any number.
const TOLERANCE: f64 = 1e-9;

struct Row {
    environment: String,
    changes: Vec<f64>,
    start: bool,
    before: [Vec<f64>; 3],
    action: Vec<f64>,
    after: [Vec<f64>; 2],
    observation: Vec<f64>,
    reward: f64,
    terminated: bool,
    contacts: Option<usize>,
}

/// The committed rows, or those of the file that `ENVIRONMENT_ROWS` names.
fn rows() -> Vec<Row> {
    let packed = std::env::var("ENVIRONMENT_ROWS").map_or_else(
        |_| include_bytes!("reference/environments.csv.gz").to_vec(),
        |path| std::fs::read(path).unwrap(),
    );
    let mut text = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records = reader.records().map(|record| {
        let record = record.unwrap();
        let cell = |name: &str| {
            let Some(column) = header.iter().position(|column| column == name) else { return String::new() };
            record[column].to_owned()
        };
        let numbers =
            |name: &str| cell(name).split_whitespace().map(|x| x.parse().unwrap()).collect::<Vec<f64>>();
        Row {
            environment: cell("environment"),
            changes: numbers("changes"),
            start: cell("kind") == "start",
            before: ["qpos", "qvel", "target"].map(numbers),
            action: numbers("action"),
            after: ["qpos1", "qvel1"].map(numbers),
            observation: numbers("observation"),
            reward: cell("reward").parse().unwrap_or(0.0),
            terminated: cell("terminated") == "1",
            contacts: cell("contacts").parse().ok(),
        }
    });
    records.collect()
}

fn observation(environment: &dyn Environment) -> Vec<f64> {
    let mut observation = vec![f64::NAN; environment.spaces().features()];
    environment.observe(&mut observation);
    observation
}

fn far(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let each = ours.iter().zip(theirs).map(|(a, b)| {
        let far = (a - b).abs() / (1.0 + b.abs());
        if far.is_nan() { f64::INFINITY } else { far }
    });
    each.fold(0.0, f64::max)
}

fn changed(name: &str, changes: &[f64]) -> Box<dyn Environment> {
    let &[gravity, mass, gear, damping, friction, ref sliding @ ..] = changes else {
        return build(name).unwrap();
    };
    let sliding = sliding.first().copied();
    build_changed(name, &Changes { gravity, mass, gear, damping, friction, sliding }).unwrap()
}

#[test]
fn a_step_is_mujocos() {
    let mut built: BTreeMap<String, Box<dyn Environment>> = BTreeMap::new();
    let mut seen: BTreeMap<String, (usize, usize, f64)> = BTreeMap::new();
    let mut draws = Stream::new(0, "environment", 0);
    let mut wrong = Vec::new();
    for (number, row) in rows().into_iter().enumerate() {
        let name = row.environment;
        let kind = format!("{name}{}", if row.changes.is_empty() { "" } else { ", changed" });
        if !row.changes.is_empty() || !built.contains_key(&kind) {
            built.insert(kind.clone(), changed(&name, &row.changes));
        }
        let environment = built.get_mut(&kind).unwrap();
        let [q, v, target] = &row.before;
        environment.physics().unwrap().set(q, v, target).unwrap();
        let mut off = 0.0f64;
        if !row.start {
            let step = environment.step(Action::Continuous(&row.action), &mut draws).unwrap();
            let physics = environment.physics().unwrap();
            off = off.max(far(physics.qpos(), &row.after[0])).max(far(physics.qvel(), &row.after[1]));
            off = off.max(far(&[step.reward], &[row.reward]));
            let contacts = physics.contacts();
            if step.terminated != row.terminated || row.contacts.is_some_and(|theirs| theirs != contacts) {
                let (theirs, ours) = ((row.terminated, row.contacts), (step.terminated, contacts));
                wrong.push(format!("row {number} of {kind}: {ours:?} in place of {theirs:?}"));
            }
        }
        off = off.max(far(&observation(&**environment), &row.observation));
        let (count, touching, most) = seen.entry(kind.clone()).or_default();
        *count += 1;
        *touching += usize::from(row.contacts > Some(0));
        *most = most.max(off);
        if off > TOLERANCE {
            wrong.push(format!("row {number} of {kind} is off by {off:.1e}"));
        }
    }
    for (name, (count, touching, most)) in &seen {
        println!("{name}: {count} rows, {touching} in contact after them, off by {most:.1e}");
    }
    assert!(wrong.is_empty(), "{} rows: {:#?}", wrong.len(), &wrong[..wrong.len().min(30)]);
    assert_eq!(seen.keys().filter(|kind| !kind.ends_with("changed")).count(), 31);
}

/// Those that are mechanisms with motors.
fn mechanisms() -> impl Iterator<Item = (&'static str, Box<dyn Environment>)> {
    let all = environments::entries().into_iter().map(|entry| (entry.name, build(entry.name).unwrap()));
    all.filter(|(_, environment)| matches!(environment.spaces().action, ActionSpace::Continuous(_)))
}

/// A uniform action; where there are no bounds, one within ±1.
fn random_action(space: &ActionSpace, draws: &mut Stream) -> Vec<f64> {
    let ActionSpace::Continuous(bounds) = space else { panic!("a mechanism has a continuous action") };
    let within = |x: f64| if x.is_finite() { x } else { x.signum() };
    bounds.iter().map(|&(low, high)| draws.uniform(within(low), within(high))).collect()
}

fn steps(environment: &mut dyn Environment, count: usize, draws: &mut Stream) -> Vec<u64> {
    let space = environment.spaces().action.clone();
    let mut bits = Vec::new();
    for _ in 0..count {
        let action = random_action(&space, draws);
        let step = environment.step(Action::Continuous(&action), draws).unwrap();
        bits.push(step.reward.to_bits());
        bits.extend(observation(environment).iter().map(|x| x.to_bits()));
        if step.ended() {
            environment.reset(draws).unwrap();
        }
    }
    bits
}

#[test]
fn a_saved_episode_goes_on_to_the_same_bits() {
    for (name, mut environment) in mechanisms() {
        let mut draws = Stream::new(1, "environment", 0);
        environment.reset(&mut draws).unwrap();
        steps(&mut *environment, 25, &mut draws);
        let mut saved = StateDict::default();
        environment.save(&mut saved);
        let mut loaded = build(name).unwrap();
        loaded.load(&saved).unwrap();
        let mut copy = environment.duplicate().unwrap();
        let now = observation(&*environment);
        assert_eq!(now, observation(&*loaded), "{name}");
        assert_eq!(now, observation(&*copy), "{name}");
        let ahead = steps(&mut *environment, 60, &mut draws.clone());
        assert_eq!(ahead, steps(&mut *loaded, 60, &mut draws.clone()), "{name}");
        assert_eq!(ahead, steps(&mut *copy, 60, &mut draws.clone()), "{name}");
        let [mut a, mut b] = [StateDict::default(), StateDict::default()];
        environment.save(&mut a);
        loaded.save(&mut b);
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn an_episode_is_cut_off_at_its_limit() {
    let mut environment = build("pendulum-swingup").unwrap();
    let mut draws = Stream::new(2, "environment", 0);
    for _ in 0..2 {
        environment.reset(&mut draws).unwrap();
        for number in 1..=1000 {
            let step = environment.step(Action::Continuous(&[0.5]), &mut draws).unwrap();
            assert_eq!((step.truncated, step.terminated), (number == 1000, false));
        }
    }
}

/// Steps with random actions from states of every size. They end, and in numbers or the error for none.
fn extremes(rounds: usize) {
    for (name, mut environment) in mechanisms() {
        let mut draws = Stream::new(3, name, 0);
        let space = environment.spaces().action.clone();
        let target = environment.physics().unwrap().target().to_vec();
        let joints = environment.physics().unwrap().qpos().len();
        let mut broken = 0;
        for _ in 0..rounds {
            let size = libm::exp10(draws.uniform(-1.0, 6.0));
            let speed = libm::exp10(draws.uniform(-1.0, 6.0));
            let q: Vec<f64> = (0..joints).map(|_| size * draws.normal()).collect();
            let v: Vec<f64> = (0..joints).map(|_| speed * draws.normal()).collect();
            environment.physics().unwrap().set(&q, &v, &target).unwrap();
            for _ in 0..5 {
                let action = random_action(&space, &mut draws);
                match environment.step(Action::Continuous(&action), &mut draws) {
                    Ok(step) => assert!(step.reward.is_finite(), "{name}"),
                    Err(EnvironmentError::NotFinite(_)) => {
                        broken += 1;
                        break;
                    }
                    Err(error) => panic!("{error}"),
                }
                assert!(observation(&*environment).iter().all(|x| x.is_finite()), "{name}");
            }
        }
        println!("{name}: {broken} of {rounds} states left the numbers");
    }
}

#[test]
fn no_state_is_too_extreme() {
    extremes(60);
}

#[test]
#[ignore = "minutes"]
fn no_state_is_too_extreme_at_length() {
    extremes(200_000);
}

#[test]
fn what_is_no_number_ends_in_an_error() {
    for (name, mut environment) in mechanisms() {
        let mut draws = Stream::new(4, "environment", 0);
        environment.reset(&mut draws).unwrap();
        let mut action = random_action(&environment.spaces().action.clone(), &mut draws);
        action[0] = f64::NAN;
        let step = environment.step(Action::Continuous(&action), &mut draws);
        assert!(matches!(step, Err(EnvironmentError::NotFinite(_))), "{name}: {step:?}");
        // And it goes on after a reset.
        environment.reset(&mut draws).unwrap();
        steps(&mut *environment, 3, &mut draws);

        let physics = environment.physics().unwrap();
        let (mut q, v, target) =
            (physics.qpos().to_vec(), physics.qvel().to_vec(), physics.target().to_vec());
        q[0] = f64::INFINITY;
        assert!(matches!(physics.set(&q, &v, &target), Err(EnvironmentError::NotFinite(_))), "{name}");
        let error = physics.set(&q[1..], &v, &target).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        let error = environment.step(Action::Continuous(&[0.0; 99]), &mut draws).unwrap_err();
        assert!(error.to_string().starts_with(&format!("an action of {name} is ")), "{error}");
        let error = environment.step(Action::Discrete(0), &mut draws).unwrap_err();
        assert!(matches!(error, EnvironmentError::Action(_)), "{error}");
    }
}

#[test]
fn long_random_rollouts_stay_finite() {
    for (_, mut environment) in mechanisms() {
        let mut draws = Stream::new(5, "environment", 0);
        environment.reset(&mut draws).unwrap();
        steps(&mut *environment, 2000, &mut draws);
    }
}

#[test]
fn changes_and_names_are_checked() {
    for (changes, what) in [
        (Changes { mass: 0.0, ..Changes::default() }, "mass is 0"),
        (Changes { friction: -1.0, ..Changes::default() }, "friction is -1"),
        (Changes { gravity: f64::NAN, ..Changes::default() }, "gravity is NaN"),
        (Changes { sliding: Some(f64::INFINITY), ..Changes::default() }, "sliding is inf"),
    ] {
        let error = build_changed("walker-walk", &changes).err().unwrap().to_string();
        assert!(error.contains(what), "{error}");
    }
    let error = build("walker-fly").err().unwrap().to_string();
    assert!(error.contains("walker-fly") && error.contains("list environments"), "{error}");
}

/// Returns of uniformly random policies, as measured on `dm_control` itself: mean and standard deviation over
/// 30 episodes, 12 for the swimmers, 100 for cup and `turn_easy`, most of whose return is the luck of the start.
const FLOORS: [(&str, f64, f64); 20] = [
    ("cartpole-balance", 345.0, 110.0),
    ("cartpole-balance_sparse", 47.0, 30.0),
    ("cartpole-swingup", 24.0, 40.0),
    ("pendulum-swingup", 0.0, 10.0),
    ("reacher-easy", 57.0, 89.0),
    ("reacher-hard", 4.0, 15.0),
    ("acrobot-swingup", 6.0, 12.0),
    ("point_mass-easy", 12.0, 60.0),
    ("ball_in_cup-catch", 54.9, 217.2),
    ("cheetah-run", 3.7, 3.0),
    ("hopper-stand", 2.3, 10.0),
    ("hopper-hop", 0.2, 2.0),
    ("walker-stand", 126.0, 60.0),
    ("walker-walk", 32.0, 25.0),
    ("walker-run", 22.0, 10.0),
    ("finger-spin", 0.2, 2.0),
    ("finger-turn_easy", 188.6, 302.2),
    ("finger-turn_hard", 132.0, 198.0),
    ("swimmer-swimmer6", 202.0, 230.0),
    ("swimmer-swimmer15", 203.0, 277.0),
];

/// Returns of a uniformly random policy.
fn returns(name: &str, episodes: usize) -> Vec<f64> {
    let mut environment = build(name).unwrap();
    let space = environment.spaces().action.clone();
    let mut draws = Stream::new(6, "environment", 0);
    let mut returns = Vec::new();
    for _ in 0..episodes {
        environment.reset(&mut draws).unwrap();
        let mut sum = 0.0;
        loop {
            let action = random_action(&space, &mut draws);
            let step = environment.step(Action::Continuous(&action), &mut draws).unwrap();
            sum += step.reward;
            if step.ended() {
                break;
            }
        }
        returns.push(sum);
    }
    returns
}

/// Whether means over so many episodes lie within four standard errors of the difference to those over 30.
fn random_returns(episodes: usize) {
    for (name, mean, deviation) in FLOORS {
        let (returns, count) = (returns(name, episodes), episodes as f64);
        let ours = returns.iter().sum::<f64>() / count;
        let spread = (returns.iter().map(|x| (x - ours).powi(2)).sum::<f64>() / count).sqrt();
        let most = 4.0 * deviation * (1.0 / count + 1.0 / 30.0).sqrt();
        println!("{name}: {ours:.1} ± {spread:.1}, dm_control {mean}, at most {most:.1} from it");
        assert!((ours - mean).abs() < most, "{name}: {ours:.1} is not {mean} ± {most:.1}");
    }
}

#[test]
fn a_few_random_episodes_return_what_they_do_in_dm_control() {
    random_returns(3);
}

#[test]
#[ignore = "30 episodes of each"]
fn random_policies_return_what_they_do_in_dm_control() {
    random_returns(30);
}

/// Whether the axes of two capsules cross well within both.
fn cross(figures: &[Figure]) -> bool {
    let axes: Vec<[[f64; 2]; 2]> = figures
        .iter()
        .filter_map(|figure| match figure {
            Figure::Capsule { from, to, .. } => Some([*from, *to]),
            _ => None,
        })
        .collect();
    let side =
        |[a, b]: [[f64; 2]; 2], p: [f64; 2]| (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
    // Neighbours of a chain share a joint and never touch.
    (0..axes.len()).any(|i| {
        (i + 2..axes.len()).any(|j| {
            let (a, b) = (axes[i], axes[j]);
            side(a, b[0]) * side(a, b[1]) < -1e-6 && side(b, a[0]) * side(b, a[1]) < -1e-6
        })
    })
}

/// Where axes of capsules cross, the normal is what rounding makes of it in MuJoCo at ten metres and more; here
/// a step is the same everywhere. `docs/environments.md` says so.
#[test]
fn a_step_far_from_the_origin_is_the_same_step() {
    const FAR: f64 = 1024.0;
    let (mut crossing, mut touching) = (0, 0);
    for row in rows() {
        let name = row.environment.as_str();
        if row.start || !row.changes.is_empty() || !["hopper-hop", "cheetah-run"].contains(&name) {
            continue;
        }
        let mut environment = build(name).unwrap();
        let [mut q, v, target] = row.before;
        q[0] += FAR;
        environment.physics().unwrap().set(&q, &v, &target).unwrap();
        crossing += usize::from(cross(&environment.physics().unwrap().figures()));
        let step = environment.step(Action::Continuous(&row.action), &mut Stream::new(0, "test", 0)).unwrap();
        let physics = environment.physics().unwrap();
        touching += physics.contacts();
        let mut q = physics.qpos().to_vec();
        q[0] -= FAR;
        let off = far(&q, &row.after[0]).max(far(physics.qvel(), &row.after[1]));
        let off = off
            .max(far(&observation(&*environment), &row.observation))
            .max(far(&[step.reward], &[row.reward]));
        assert!(off < 1e-8, "{name}: {off:.1e}");
    }
    println!("{crossing} states with crossing capsules");
    assert!(crossing > 5 && touching > 100, "{crossing} {touching}");
}

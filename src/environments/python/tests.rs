use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::environments::repeat::ActionRepeat;

fn launch(interpreter: &str, seconds: f64) -> Launch {
    let patience = Duration::from_secs_f64(seconds);
    Launch { interpreter: OsString::from(interpreter), start: patience, answer: patience }
}

/// Why a program by this shell script does not come up.
fn refused(script: &str) -> String {
    Program::start(script, "some/world", &launch("sh", 1.0)).err().expect("a program that fails").to_string()
}

/// The interpreter that has a package; without one the test says that it is skipped.
fn python_with(package: &str) -> Option<Launch> {
    let launch = Launch::new(None).unwrap();
    let found = Command::new(&launch.interpreter).args(["-c", &format!("import numpy, {package}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(launch);
    }
    eprintln!("skipped: {} has no {package}", launch.interpreter.display());
    None
}

#[test]
fn what_does_not_come_up_is_told_with_its_cure() {
    let error = build("x", &launch("no-such-python", 1.0)).err().unwrap().to_string();
    assert!(error.contains("no-such-python cannot be run") && error.contains("PLASTICITY_PYTHON"), "{error}");
    let crashed = refused("echo once >&2; echo it broke >&2; exit 3");
    assert!(crashed.starts_with("python:some/world: its program ended"), "{crashed}");
    assert!(crashed.contains('3') && crashed.ends_with("its last line on stderr: it broke"), "{crashed}");
    let closed = refused("exec >&-; exec sleep 600");
    assert!(closed.contains("it closed its output and did nothing more"), "{closed}");
    let printed = refused("echo hello, this is no frame");
    assert!(printed.contains("what it wrote is no answer"), "{printed}");
    let began = Instant::now();
    let hung = refused("exec sleep 600");
    assert!(
        hung.contains("did not answer within 1 s") && hung.contains("PLASTICITY_PYTHON_TIMEOUT"),
        "{hung}"
    );
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn patience_is_a_number_of_seconds() {
    let seconds = |text| child::patience(text).map(|patience| patience.as_secs()).map_err(|e| e.to_string());
    assert_eq!((seconds(None), seconds(Some("7"))), (Ok(60), Ok(7)));
    for wrong in ["0", "soon", "-1", "1.5", ""] {
        let error = seconds(Some(wrong)).unwrap_err();
        assert!(error.starts_with(&format!("PLASTICITY_PYTHON_TIMEOUT is \"{wrong}\"")), "{error}");
    }
}

/// A Python that finds no package says which line installs it.
#[test]
fn a_missing_package_names_the_line_that_installs_it() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3");
        return;
    }
    // Isolated and without site packages: there is not even numpy.
    let script = format!("import sys\nsys.path[:] = [p for p in sys.path if 'packages' not in p]\n{SERVER}");
    for (name, cure) in
        [("dm_control/walker-walk", "pip install numpy"), ("CartPole-v1", "pip install numpy")]
    {
        let error = Program::start(&script, name, &launch("python3", 60.0)).err().unwrap().to_string();
        assert!(error.contains("cannot import numpy") && error.contains(cure), "{error}");
    }
    let fake = "import sys, types\n\
                sys.path[:] = [p for p in sys.path if 'packages' not in p]\n\
                sys.modules['numpy'] = types.ModuleType('numpy')\n";
    for (name, cure) in [
        ("dm_control/walker-walk", "pip install dm_control==1.0.50 mujoco==3.17.0"),
        ("metaworld/reach-v3", "pip install metaworld==3.1.1 packaging"),
        ("gymnasium/CartPole-v1", "pip install 'gymnasium[mujoco]'"),
    ] {
        let script = format!("{fake}{SERVER}");
        let error = Program::start(&script, name, &launch("python3", 60.0)).err().unwrap().to_string();
        assert!(error.contains(cure), "{error}");
    }
}

/// A program of one action and one number that says its steps, and at the third does as it is told.
const COUNTER: &str = "
import struct, sys, time
def send(p):
    sys.stdout.buffer.write(struct.pack('<I', len(p)) + p); sys.stdout.buffer.flush()
send(b'I' + struct.pack('<IIBIQBd', 1, 1, 1, 2, 0, 0, 0.0) + b'it is a test')
steps = 0
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4: break
    kind = sys.stdin.buffer.read(struct.unpack('<I', head)[0])[:1]
    steps = steps + 1 if kind == b'A' else 0
    if steps == 3:
        if sys.argv[1] == 'crash': sys.exit('the third step')
        if sys.argv[1] == 'hang': time.sleep(600)
        if sys.argv[1] == 'refuse':
            send(b'Ethree is too many'); continue
        if sys.argv[1] == 'nan': steps = float('nan')
    send(b'O' + struct.pack('<dBBBIIIBd', 1.0, 0, 0, 0, 0, 0, 0, 0, float(steps)))
";

#[test]
fn a_program_that_fails_in_the_middle_ends_its_run_in_words() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3");
        return;
    }
    let mut draws = Stream::new(0, "test", 0);
    for (how, words) in [
        ("crash", "its last line on stderr: the third step"),
        ("hang", "did not answer within 3 s"),
        ("refuse", "python:refuse: three is too many"),
        ("nan", "not finite"),
    ] {
        let mut world = Program::start(COUNTER, how, &launch("python3", 3.0)).unwrap();
        assert_eq!(world.spaces().action, ActionSpace::Discrete(2));
        world.reset(&mut draws).unwrap();
        for count in 1..3 {
            let step = world.step(Action::Discrete(1), &mut draws).unwrap();
            assert_eq!(step, Step { reward: 1.0, terminated: false, truncated: false, success: None });
            let mut seen = [0.0];
            world.observe(&mut seen);
            assert_eq!(seen, [f64::from(count)]);
        }
        let error = world.step(Action::Discrete(1), &mut draws).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        // Given up for good, or able to go on; never a panic.
        let again = world.step(Action::Discrete(1), &mut draws);
        assert_eq!(again.is_err(), how != "refuse", "{how}");
        assert!(world.step(Action::Discrete(2), &mut draws).is_err());
        assert!(world.step(Action::Continuous(&[1.0]), &mut draws).is_err());
        assert!(world.physics().is_none() && world.duplicate().is_none());
    }
    let world = Program::start(COUNTER, "calm", &launch("python3", 3.0)).unwrap();
    let mut state = StateDict::default();
    world.save(&mut state);
    let mut other = Program::start(COUNTER, "calm", &launch("python3", 3.0)).unwrap();
    let error = other.load(&state).unwrap_err().to_string();
    assert!(error.contains("was not saved") && error.contains("it is a test"), "{error}");
}

/// An action within the bounds of an environment, drawn.
fn drawn(spaces: &Spaces, draws: &mut Stream) -> Vec<f64> {
    match &spaces.action {
        ActionSpace::Continuous(bounds) => {
            bounds.iter().map(|&(low, high)| draws.uniform(low.max(-1.0), high.min(1.0))).collect()
        }
        ActionSpace::Discrete(count) => vec![draws.below(*count as u64) as f64],
    }
}

fn act<'a>(spaces: &Spaces, numbers: &'a [f64]) -> Action<'a> {
    match spaces.action {
        ActionSpace::Continuous(_) => Action::Continuous(numbers),
        ActionSpace::Discrete(_) => Action::Discrete(numbers[0] as usize),
    }
}

/// Rust's and the original's next step from one state, and how far they are from each other.
fn compare(ours: &mut dyn Environment, theirs: &mut Program, draws: &mut Stream) -> f64 {
    let spaces = ours.spaces().clone();
    let physics = ours.physics().unwrap();
    let (qpos, qvel, target) = (physics.qpos().to_vec(), physics.qvel().to_vec(), physics.target().to_vec());
    physics.set(&qpos, &qvel, &target).unwrap();
    theirs.set(&qpos, &qvel, &target).unwrap();
    assert_eq!(theirs.target(), target);
    let action = drawn(&spaces, draws);
    let step = ours.step(act(&spaces, &action), draws).unwrap();
    let other = theirs.step(act(&spaces, &action), draws).unwrap();
    assert_eq!((step.terminated, step.truncated), (other.terminated, other.truncated));
    let mut seen = vec![0.0; spaces.features()];
    ours.observe(&mut seen);
    let physics = ours.physics().unwrap();
    let mine = [physics.qpos(), physics.qvel(), physics.target(), &seen, &[step.reward]].concat();
    let original = [&theirs.qpos, &theirs.qvel, &theirs.target, &theirs.observation, &[other.reward][..]];
    let original = original.concat();
    assert_eq!(mine.len(), original.len());
    mine.iter().zip(&original).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max)
}

/// The same task through the pipe and in Rust, step by step from the same states with the same actions.
#[test]
fn rust_and_the_original_agree_through_the_pipe() {
    let pairs = [
        ("dm_control", "dm_control/walker-walk", "walker-walk", 1e-9),
        ("dm_control", "dm_control/cheetah-run", "cheetah-run", 1e-9),
        // The solver's tolerance of 1e-8, with which MuJoCo stops before the exact answer.
        ("imageio, mujoco, gymnasium", "HalfCheetah-v5", "HalfCheetah-v5", 1e-6),
    ];
    for (package, outside, name, bound) in pairs {
        let Some(launch) = python_with(package) else { continue };
        let mut theirs = Program::start(SERVER, outside, &launch).unwrap();
        let mut ours = crate::environments::build(name).unwrap();
        assert_eq!(ours.spaces().observation, theirs.spaces().observation);
        assert_eq!(ours.spaces().action, theirs.spaces().action);
        assert_eq!(ours.spaces().step_limit, theirs.spaces().step_limit);
        let mut draws = Stream::new(14, "test", 0);
        ours.reset(&mut draws).unwrap();
        let (mut contacts, mut worst) = (0, 0.0f64);
        for _ in 0..60 {
            worst = worst.max(compare(&mut *ours, &mut theirs, &mut draws));
            contacts += ours.physics().unwrap().contacts();
        }
        eprintln!("{name}: {worst:e} over 60 steps, {contacts} contacts");
        assert!(contacts > 0 && worst < bound, "{name}: {worst:e}, {contacts} contacts");
    }
}

/// What a task draws beside the state, the place of a disc, crosses the pipe both ways.
#[test]
fn targets_are_set_through_the_pipe() {
    let Some(launch) = python_with("dm_control") else { return };
    for (name, rewards) in [
        ("reacher-easy", true),
        ("finger-turn_hard", false),
        ("swimmer-swimmer6", false),
        ("finger-spin", false),
    ] {
        let mut theirs = Program::start(SERVER, &format!("dm_control/{name}"), &launch).unwrap();
        let mut ours = crate::environments::build(name).unwrap();
        let mut draws = Stream::new(2, "test", 0);
        let (mut worst, mut rewarded) = (0.0f64, 0);
        for number in 0..30 {
            ours.reset(&mut draws).unwrap();
            if rewards && number % 2 == 0 {
                // The finger's own place: 1, where a target that stays elsewhere gives 0.
                let physics = ours.physics().unwrap();
                let (qpos, qvel, mut target) =
                    (physics.qpos().to_vec(), physics.qvel().to_vec(), physics.target().to_vec());
                let mut seen = vec![0.0; 6];
                ours.observe(&mut seen);
                (target[0], target[1]) = (target[0] - seen[2], target[1] - seen[3]);
                ours.physics().unwrap().set(&qpos, &qvel, &target).unwrap();
                rewarded += 1;
            }
            worst = worst.max(compare(&mut *ours, &mut theirs, &mut draws));
        }
        assert_eq!(rewarded, if rewards { 15 } else { 0 });
        eprintln!("{name}: {worst:e}");
        // The solver's tolerance, where a limit or a contact is active; nothing otherwise.
        assert!(worst < 1e-5, "{name}: {worst:e}");
        let wrong = theirs.set(&[0.0; 2], &[0.0; 2], &[]).unwrap_err().to_string();
        assert!(wrong.contains("numbers of a target"), "{wrong}");
    }
}

/// A package that looks like `metaworld` from here: a task with a goal that is solved from the third step on.
const FAKE_METAWORLD: &str = r#"
import sys, types
import numpy as np
from gymnasium import Env, spaces

class Reach(Env):
    observation_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
    max_path_length = 5
    def __init__(self, seed=None):
        self.goal = 0.0
    def seed(self, seed):
        self.goal = (seed % 7) / 7
    def reset(self, seed=None, options=None):
        assert not self._freeze_rand_vec and self.seeded_rand_vec
        self.steps = 0
        return np.array([0.0, self.goal]), {}
    def step(self, action):
        self.steps += 1
        solved = float(self.steps == 3)
        return np.array([self.steps / 10, self.goal]), 1.0, False, self.steps == 5, {"success": solved}

class MjModel:
    pass

class MjData:
    def __init__(self):
        self.xpos = np.zeros((2, 3))

class Door(Reach):
    """Its reward is how far it went from a start that goes with it, as starts in MetaWorld do."""
    def __init__(self, seed=None):
        self.data = MjData()
    def reset(self, seed=None, options=None):
        self.start = self.data.xpos[1]
        return super().reset(seed)
    def step(self, action):
        self.data.xpos += action
        observation, _, *rest = super().step(action)
        return observation, abs(self.data.xpos[1] - self.start).sum(), *rest

mujoco = types.ModuleType("mujoco")
mujoco.set_mju_user_warning = lambda hear: None
for kind in (MjModel, MjData):
    kind.__module__ = "mujoco"
    setattr(mujoco, kind.__name__, kind)
sys.modules["mujoco"] = mujoco
fake = types.ModuleType("metaworld.env_dict")
fake.ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE = {"reach-v3-goal-observable": Reach, "door-v3-goal-observable": Door}
sys.modules["metaworld"] = types.ModuleType("metaworld")
sys.modules["metaworld.env_dict"] = fake
"#;

#[test]
fn a_success_is_told_where_the_environment_tells_it() {
    let Some(launch) = python_with("gymnasium") else { return };
    let script = format!("{FAKE_METAWORLD}{SERVER}");
    let mut world = Program::start(&script, "metaworld/reach-v3", &launch).unwrap();
    assert_eq!((world.spaces().step_limit, &world.spaces().observation[..]), (Some(5), &[2][..]));
    let mut draws = Stream::new(0, "test", 0);
    for _ in 0..2 {
        world.reset(&mut draws).unwrap();
        let steps: Vec<Step> =
            (0..5).map(|_| world.step(Action::Continuous(&[0.5]), &mut draws).unwrap()).collect();
        let success: Vec<_> = steps.iter().map(|step| step.success).collect();
        assert_eq!(success, [false, false, true, false, false].map(Some));
        assert!(steps[4].truncated);
    }
    let error = Program::start(&script, "metaworld/fly-v3", &launch).err().unwrap().to_string();
    assert!(error.contains("MetaWorld has no task fly-v3; it has door-v3, reach-v3"), "{error}");
    // Held over two steps, a success in the first of them counts.
    let mut held = ActionRepeat::new(Box::new(world), 3);
    held.reset(&mut draws).unwrap();
    let steps = [0, 1].map(|_| held.step(Action::Continuous(&[0.5]), &mut draws).unwrap());
    assert_eq!(steps.map(|step| (step.reward, step.success)), [(3.0, Some(true)), (2.0, Some(false))]);
}

/// Rewards of `MetaWorld`'s door-lock, soccer and three more tasks once were others after a state was loaded.
#[test]
fn arrays_that_look_at_a_state_do_so_after_it_is_loaded() {
    let Some(launch) = python_with("gymnasium") else { return };
    let script = format!("{FAKE_METAWORLD}{SERVER}");
    let mut world = Program::start(&script, "metaworld/door-v3", &launch).unwrap();
    let mut draws = Stream::new(0, "test", 0);
    world.reset(&mut draws).unwrap();
    world.step(Action::Continuous(&[0.5]), &mut draws).unwrap();
    let mut state = StateDict::default();
    world.save(&mut state);
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(world.step(Action::Continuous(&[0.5]), &mut draws).unwrap().reward, 0.0);
        }
        world.load(&state).unwrap();
    }
}

/// An interpreter is what the spec names, whatever is installed.
#[cfg(unix)]
#[test]
fn a_named_interpreter_runs_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let interpreter = super::fake::interpreter(folder.path(), &[1], 2, 10);
    let path = interpreter.to_str().unwrap();
    let named = crate::environments::Named::new("python:gymnasium/Any-v0", Some(path));
    let mut world = named.build().unwrap();
    let step = world.step(Action::Discrete(1), &mut Stream::new(0, "test", 0)).unwrap();
    assert_eq!((step.reward, step.success), (1.0, None));
    named.other("python:gymnasium/Other-v0").build().unwrap();
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    assert_eq!(asked, "gymnasium/Any-v0\ngymnasium/Other-v0\n");
    // The spec's own before any variable; without it python3, or the variable's.
    assert_eq!(Launch::new(Some(path)).unwrap().interpreter, path);
    assert_ne!(Launch::new(None).unwrap().interpreter, path);
}

/// Real packages: a reset follows from its seed, and an episode goes on from the middle to the same bits.
#[test]
fn real_environments_repeat_and_go_on_from_the_middle() {
    let names = [
        ("dm_control", "dm_control/cheetah-run", 17, None),
        ("dm_control", "dm_control/reacher-easy", 6, None),
        ("gymnasium", "CartPole-v1", 4, Some(500)),
        ("imageio, mujoco, gymnasium", "gymnasium/Hopper-v5", 11, Some(1000)),
    ];
    for (package, name, features, limit) in names {
        let Some(launch) = python_with(package) else { continue };
        let mut world = Program::start(SERVER, name, &launch).unwrap();
        let spaces = world.spaces().clone();
        assert_eq!(spaces.observation, [features], "{name}");
        if limit.is_some() {
            assert_eq!(spaces.step_limit, limit);
        }
        let mut other = Program::start(SERVER, name, &launch).unwrap();
        let mut draws = Stream::new(1, "test", 0);
        world.reset(&mut draws.clone()).unwrap();
        other.reset(&mut draws).unwrap();
        assert_eq!(world.observation, other.observation, "{name}");
        for _ in 0..4 {
            let action = drawn(&spaces, &mut draws);
            world.step(act(&spaces, &action), &mut draws).unwrap();
        }
        assert_eq!(world.unsaveable, None, "{name}");
        let mut state = StateDict::default();
        world.save(&mut state);
        other.load(&state).unwrap();
        assert_eq!(world.observation, other.observation);
        for _ in 0..20 {
            let action = drawn(&spaces, &mut draws);
            let step = world.step(act(&spaces, &action), &mut draws).unwrap();
            assert_eq!(other.step(act(&spaces, &action), &mut draws).unwrap(), step, "{name}");
            assert_eq!(world.observation, other.observation, "{name}");
            if step.ended() {
                break;
            }
        }
    }
}

/// A world of pictures of 12 by 12 pixels with one half bright: the right action says which.
const PICTURES: &str = "
import random, struct, sys
def send(p):
    sys.stdout.buffer.write(struct.pack('<I', len(p)) + p); sys.stdout.buffer.flush()
send(b'I' + struct.pack('<IIIIBIQBd', 3, 1, 12, 12, 1, 2, 0, 1, 1.0) + b'it is a test')
side = 0
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4: break
    request = sys.stdin.buffer.read(struct.unpack('<I', head)[0])
    reward = 0.0
    if request[:1] == b'A':
        reward = 1.0 if struct.unpack('<d', request[1:])[0] == side else -1.0
    else:
        side = random.Random(struct.unpack('<I', request[1:])[0]).randrange(2)
    row = bytes([255 * (1 - side)] * 6 + [255 * side] * 6)
    send(b'O' + struct.pack('<dBBBIIIB', reward, request[:1] == b'A', 0, 0, 0, 0, 0, 2) + row * 12)
";

/// DQN with the network of Atari's frames learns from what comes through the pipe as pictures.
#[test]
fn dqn_sees_pictures_through_the_pipe() {
    use crate::agents::tests::{choice, live, make, quick};
    use crate::spec::Value;

    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: there is no python3");
        return;
    }
    let mut world = Program::start(PICTURES, "pictures", &launch("python3", 10.0)).unwrap();
    assert_eq!(world.spaces().observation, [1, 12, 12]);
    let mut made = make(quick("dqn", &[]), "relu", &world, 2);
    let given = [
        ("channels", Value::Integers(vec![4, 8])),
        ("kernels", Value::Integers(vec![4, 2])),
        ("strides", Value::Integers(vec![2, 1])),
        ("hidden", Value::Integers(vec![16])),
    ];
    made.actor.network = choice(&crate::nn::entries(), "nature-cnn", &given);
    let mut agent = crate::agents::build(made).unwrap();
    live(&mut *agent, &mut world, 600, &mut Stream::new(3, "environment", 0));
    assert_eq!(agent.updates(), agent.updates_after(600));
    for side in 0..2usize {
        let picture: Vec<f32> =
            (0..144).map(|pixel| if (pixel % 12 < 6) == (side == 0) { 1.0 } else { 0.0 }).collect();
        // Pixels are parts of 255, as the world sends them.
        let q = |action: usize| agent.q(&picture, &[action as f32]).unwrap()[0][0];
        assert!((q(side) - 1.0).abs() < 0.2, "{side}: {} and {}", q(0), q(1));
        assert!(q(1 - side) < 0.0, "{side}: {} and {}", q(0), q(1));
    }
}

/// The real thing, where it is installed: frames of DQN's shape, which repeat and go on from the middle.
#[test]
fn frames_of_a_game_are_those_of_dqn() {
    let Some(launch) = python_with("gymnasium, ale_py, cv2") else { return };
    let mut world = Program::start(SERVER, "ALE/Pong-v5", &launch).unwrap();
    assert_eq!(world.spaces().observation, [4, 84, 84]);
    assert_eq!(world.spaces().action, ActionSpace::Discrete(6));
    assert_eq!(world.unsaveable, None);
    let mut draws = Stream::new(1, "test", 0);
    let mut other = Program::start(SERVER, "ALE/Pong-v5", &launch).unwrap();
    world.reset(&mut draws).unwrap();
    for number in 0..40 {
        world.step(Action::Discrete(number % 6), &mut draws).unwrap();
    }
    assert!(world.observation.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    let frames: Vec<&[f64]> = world.observation.chunks_exact(84 * 84).collect();
    assert!(frames[0] != frames[3], "four steps between two frames move something");
    let mut state = StateDict::default();
    world.save(&mut state);
    other.load(&state).unwrap();
    for number in 0..20 {
        let step = world.step(Action::Discrete(number % 6), &mut draws).unwrap();
        assert_eq!(other.step(Action::Discrete(number % 6), &mut draws).unwrap(), step);
        assert!(world.observation == other.observation);
    }
}

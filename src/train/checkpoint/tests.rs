use std::fs;

use super::*;
use crate::sha256::{self, Prefixes};
use crate::state::{StateError, Stateful, Values};

/// A part with a tensor and a count, as a second loop could have it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    weight: Vec<f32>,
    count: u64,
}

impl Stateful for Part {
    fn save(&self, state: &mut StateDict) {
        if !self.weight.is_empty() {
            state.insert_tensor("layers.0.weight", &[1, self.weight.len()], self.weight.clone());
        }
        state.insert_u64("count", self.count);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        if !self.weight.is_empty() {
            state.copy_f32s("layers.0.weight", &mut self.weight)?;
        }
        self.count = state.u64("count")?;
        Ok(())
    }
}

/// Rows that are always there.
struct NoRows;

impl Rows for NoRows {
    fn resume(&mut self, _: &Prefixes) -> anyhow::Result<()> {
        Ok(())
    }

    fn holds(&self, _: &Prefixes) -> anyhow::Result<bool> {
        Ok(true)
    }

    fn commit(&mut self) -> anyhow::Result<Prefixes> {
        Ok(Prefixes::new())
    }
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Open {
    episodes: Vec<f64>,
}

fn checkpoints(dir: &Path) -> Checkpoints {
    Checkpoints::new(dir, Keep::Last.into())
}

fn save(dir: &Path, task: usize) {
    let part = Part { weight: vec![0.5], count: task as u64 };
    let parts = vec![("", StateDict::of(&part))];
    checkpoints(dir).save::<()>(Position::before(task), parts, None, &mut NoRows).unwrap();
}

fn restore(dir: &Path) -> Result<Option<Saved>, TrainError> {
    checkpoints(dir).restore(&NoRows, &Signals::none())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("checkpoints")).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn any_number_of_parts_and_a_record_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let learner = Part { weight: vec![1.0, 2.0], count: 3 };
    let world = Part { weight: Vec::new(), count: u64::MAX };
    let agent = Part { weight: vec![-0.0], count: 0 };
    let states: [(&str, &dyn Stateful); 3] = [("", &learner), ("world", &world), ("agent", &agent)];
    let parts = states.map(|(name, part)| (name, StateDict::of(part))).to_vec();
    let (position, open) = (Position { task: 2, step: 7 }, Open { episodes: vec![0.1, -3.5] });
    checkpoints(folder.path()).save(position, parts, Some(&open), &mut NoRows).unwrap();
    let stem = "task-0002-step-00000007";
    let kinds = [
        "agent.safetensors",
        "agent.state.safetensors",
        "safetensors",
        "state.safetensors",
        "toml",
        "world.state.safetensors",
    ];
    assert_eq!(names(folder.path()), kinds.map(|kind| format!("{stem}.{kind}")));

    let saved = restore(folder.path()).unwrap().unwrap();
    assert_eq!((saved.position, saved.record::<Open>().unwrap()), (position, Some(open)));
    for (name, part) in [("", learner), ("world", world), ("agent", agent)] {
        let mut read = Part { weight: vec![9.0; part.weight.len()], count: 9 };
        saved.load(name, &mut read).unwrap();
        assert_eq!(read, part);
    }
    assert!(!saved.has("fresh"));
    let mut other = Part { weight: vec![0.0; 3], count: 0 };
    let error = saved.load("", &mut other).unwrap_err().to_string();
    assert!(
        error.contains("layers.0.weight has 2 values in place of 3") && error.contains("--fresh"),
        "{error}"
    );
}

#[test]
fn files_of_others_neither_break_a_resume_nor_are_they_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    for task in 0..3 {
        save(dir, task);
    }
    let at = |name: &str| dir.join("checkpoints").join(name);
    let foreign = ["notes.txt", "task-0001.safetensors.bak", "task-2.toml", "task-9.safetensors"];
    for name in foreign {
        fs::copy(at("task-0002.toml"), at(name)).unwrap();
    }
    fs::create_dir(at("task-0009.toml")).unwrap();
    assert_eq!(restore(dir).unwrap().unwrap().position, Position::before(2));
    save(dir, 3);
    save(dir, 4);
    let mut expected: Vec<String> = [3, 4]
        .iter()
        .flat_map(|task| {
            ["safetensors", "state.safetensors", "toml"].map(|kind| format!("task-000{task}.{kind}"))
        })
        .collect();
    expected.extend(foreign.map(str::to_owned));
    expected.push("task-0009.toml".to_owned());
    expected.sort();
    assert_eq!(names(dir), expected);
}

#[test]
fn a_folder_in_a_files_place_is_named_with_its_cure() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    save(dir, 1);
    let file = dir.join("checkpoints/task-0001.safetensors");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let error = restore(dir).err().unwrap().to_string();
    assert!(
        error.contains("task-0001.safetensors is in the way") && error.contains("move it away"),
        "{error}"
    );
    fs::create_dir(dir.join("checkpoints/task-0002.toml")).unwrap();
    let parts = || vec![("", StateDict::of(&Part::default()))];
    let error = checkpoints(dir).save::<()>(Position::before(2), parts(), None, &mut NoRows).unwrap_err();
    assert!(error.to_string().contains("task-0002.toml is in the way"), "{error}");

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("checkpoints"), "").unwrap();
    let error =
        checkpoints(other.path()).save::<()>(Position::before(0), parts(), None, &mut NoRows).unwrap_err();
    assert!(error.to_string().contains("checkpoints is in the way"), "{error}");
}

#[test]
fn a_checkpoint_of_another_format_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    save(dir, 1);
    let above = "format = 3\ntask = 2\nstep = 0\n";
    let sealed = format!("{above}# SHA-256 of all above: {}\n", sha256::of(above.as_bytes()));
    fs::write(dir.join("checkpoints/task-0002.toml"), sealed).unwrap();
    let before = names(dir);
    let error = restore(dir).err().unwrap().to_string();
    assert!(
        error.contains("format 3") && error.contains("format 4 only") && error.contains("--fresh"),
        "{error}"
    );
    assert_eq!(names(dir), before);
}

#[test]
fn a_state_that_is_not_taken_back_is_an_error() {
    use crate::methods::{Method, Methods};

    struct Forgetful;

    impl Method for Forgetful {
        fn save(&self, state: &mut StateDict) {
            state.insert("age", Values::F32(vec![1.0]));
        }
    }

    let mut methods = Methods::of("forgetful", Box::new(Forgetful));
    let mut state = StateDict::default();
    state.insert("forgetful.age", Values::F32(vec![2.0]));
    assert_eq!(methods.load(&state).unwrap_err().to_string(), "forgetful was not taken back as it was saved");
    state.insert("forgetful.age", Values::F32(vec![1.0]));
    methods.load(&state).unwrap();
}

/// A buffer's worth of numbers is written behind the loop's back: whole once `finish` returns, and the
/// checkpoint before stays until then.
#[test]
fn a_large_state_is_written_while_the_loop_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut own = checkpoints(dir);
    for task in 0..3u64 {
        let part = Part { weight: vec![task as f32; LARGE / 4 + 1], count: task };
        own.save::<()>(Position::before(task as usize), vec![("", StateDict::of(&part))], None, &mut NoRows)
            .unwrap();
    }
    own.finish().unwrap();
    let mut read = Part { weight: vec![9.0; LARGE / 4 + 1], count: 9 };
    let saved = restore(dir).unwrap().unwrap();
    saved.load("", &mut read).unwrap();
    assert_eq!((saved.position, read.count, read.weight[LARGE / 8]), (Position::before(2), 2, 2.0));
    assert_eq!(names(dir).len(), 6);

    // What went wrong is said by whoever waits for it, the next save or the end.
    fs::create_dir(dir.join("checkpoints/task-0003.toml")).unwrap();
    let state = || vec![("", StateDict::of(&read))];
    own.save::<()>(Position::before(3), state(), None, &mut NoRows).unwrap();
    let error = own.save::<()>(Position::before(4), state(), None, &mut NoRows).unwrap_err();
    assert!(error.to_string().contains("task-0003.toml is in the way"), "{error}");
    own.finish().unwrap();
}

/// What a checkpoint of a full replay buffer costs: `cargo test --release a_million -- --ignored --nocapture`.
/// Nothing is held to a time here.
#[test]
#[ignore = "writes 97 MB, to be looked at"]
fn a_million_transitions_are_written_behind_the_loop() {
    use crate::agents::{Buffer, Transition};

    let mut buffer = Buffer::new(17, 6, 1_000_000);
    let mut draws = crate::random::Stream::new(0, "test", 0);
    let mut before: Vec<f64> = (0..17).map(|_| draws.normal()).collect();
    for step in 0..1_000_000 {
        let after: Vec<f64> = (0..17).map(|_| draws.normal()).collect();
        let (terminated, truncated) = (false, step % 1000 == 999);
        let (observation, next_observation) = (&before[..], &after[..]);
        let reward = draws.unit();
        let action = &[0.5; 6];
        buffer.push(&Transition { observation, action, reward, next_observation, terminated, truncated });
        before = after;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut own = checkpoints(folder.path());
    for task in 0..3 {
        let begun = Instant::now();
        let state = StateDict::of(&buffer);
        let taken = begun.elapsed();
        own.save::<()>(Position::before(task), vec![("agent", state)], None, &mut NoRows).unwrap();
        let held = begun.elapsed();
        own.finish().unwrap();
        println!("taken in {taken:.2?}, the loop held for {held:.2?}, on disk after {:.2?}", begun.elapsed());
    }
    let file = folder.path().join("checkpoints/task-0002.agent.state.safetensors");
    let bytes = fs::metadata(file).unwrap().len();
    println!("{} transitions in {bytes} bytes", buffer.len());
    assert!(bytes < 110_000_000, "{bytes}");
    let begun = Instant::now();
    let mut again = Buffer::new(17, 6, 1_000_000);
    restore(folder.path()).unwrap().unwrap().load("agent", &mut again).unwrap();
    println!("read back in {:.2?}", begun.elapsed());
    assert!(StateDict::of(&again) == StateDict::of(&buffer));
}

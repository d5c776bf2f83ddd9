//! Kills of networks whose state is more than weights: running statistics of norms, and streams that split
//! the classes and keep an accuracy matrix.

use super::*;

const SPLIT: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"standardize\" }
stream = { family = \"split-classes\", tasks = 2, classes_per_task = 5, examples_per_class = 8, steps = 120, batch_size = 4 }
optimizer = \"adam\"
probes = { names = [\"srank\"], samples = 16, plasticity_gap = true }
[grid]
activation = [\"rational\"]
network = [{ kind = \"resnet18\", width = 2 }, { kind = \"cnn\", channels = [4], hidden = [8] }, \
{ kind = \"vit\", patch = 14, width = 8, depth = 2, heads = 2 }]
seeds = 0
";

fn is_begun(out: &Path) -> bool {
    let Ok(locks) = fs::read_dir(out.join("tiny/.locks")) else { return false };
    locks.flatten().any(|lock| fs::File::open(lock.path()).is_ok_and(|file| file.try_lock().is_err()))
}

/// The second and third task begin with 80 steps in which the task before goes over into them: a kill lies in them
/// more often than not.
const GRADUAL: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"unit\" }
optimizer = \"adam\"
network = { kind = \"mlp\", hidden = [16] }
activation = \"relu\"
stream = { family = \"shuffled-labels\", tasks = 3, examples = 64, steps = 120, batch_size = 8 }
probes = { names = [\"srank\"], samples = 16, plasticity_gap = true }
[grid]
seeds = 0
";

#[test]
fn kills_of_normed_and_convolutional_networks_on_split_classes_lose_nothing() {
    // Tasks, probes, steps, the matrix, the coefficients and a checkpoint of all three.
    kills_lose_nothing(SPLIT, 18, 12);
}

#[test]
fn kills_in_a_gradual_transition_lose_nothing() {
    for form in ["mixture", "labels"] {
        let spec = GRADUAL
            .replace("tasks = 3,", &format!("tasks = 3, transition = \"{form}\", transition_steps = 80,"));
        // Tasks, probes, steps and a checkpoint.
        kills_lose_nothing(&spec, 4, 5);
    }
}

/// Runs of `spec`, which write so many `files`, end with their bytes after so many kills as are `wanted` or more.
fn kills_lose_nothing(spec: &str, files: usize, wanted: usize) {
    let folder = folder_with(spec);
    let at = folder.path();
    let begun = Instant::now();
    let (code, stderr) = outcome(at, "whole", &["--quiet"]);
    assert_eq!(code, Some(0), "{stderr}");
    let longest = begun.elapsed().as_secs_f64();
    let whole = results(&at.join("whole"));
    assert_eq!(whole.len(), files, "{:?}", whole.keys());
    let mut moments = Stream::new(2, "test", 0);
    let (mut kills, mut rounds) = (0, 0);
    while kills < wanted {
        rounds += 1;
        let name = format!("round-{rounds}");
        let out = at.join(&name);
        loop {
            let mut child = start(at, &name, &["--quiet", "--checkpoint-every", "0.02"]);
            if kills < wanted {
                // A kill before anything is begun would show nothing.
                wait_until("a run has begun", || is_begun(&out) || child.try_wait().unwrap().is_some());
                sleep(Duration::from_secs_f64(moments.uniform(0.0, longest / 2.0)));
                child.kill().unwrap(); // SIGKILL
            }
            let status = child.wait().unwrap();
            if status.signal() != Some(9) {
                assert_eq!(status.code(), Some(0));
                break;
            }
            kills += 1;
        }
        assert!(results(&out) == whole, "after {kills} kills");
    }
    println!("{kills} kills in {rounds} rounds");
}

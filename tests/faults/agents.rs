//! Kills of agents, whose state is more than networks: a replay buffer, an environment in the middle of its
//! episode, what the value probes remember. And the same bytes on however many threads and jobs, and however
//! much is looked at.

use super::*;

const AGENTS: &str = "\
name = \"tiny\"
environment = { name = \"pendulum-swingup\" }
stream = { family = \"single\", tasks = 3, steps = 300 }
agent = { name = \"sac\", learning_starts = 200, batch_size = 16, buffer = 500 }
network = { kind = \"mlp\", hidden = [16, 16] }
activation = { name = \"rational\" }
evaluation = { every = 150, episodes = 1 }
probes = { names = [\"srank\"], samples = 16 }
[[variants]]
[[variants]]
environment = { name = \"CartPole-v1\" }
agent = { name = \"double-dqn\", learning_starts = 200, batch_size = 16, train_frequency = 1 }
activation = { name = \"randomized-smooth-leaky\" }
";

/// Every CSV file of the runs but `times.csv`, and what their last checkpoints hold.
fn all_bytes(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for run in run_folders(out) {
        let checkpoint = ["agent.safetensors", "agent.state.safetensors", "observer.state.safetensors"];
        let checkpoint = checkpoint.map(|kind| format!("checkpoints/task-0003.{kind}"));
        let rows = FILES.iter().map(|file| file.name.to_owned()).filter(|name| name != TimeRow::FILE);
        for name in rows.chain(checkpoint) {
            let path = run.join(name);
            let Ok(bytes) = fs::read(&path) else { continue };
            files.insert(path.strip_prefix(out).unwrap().to_owned(), bytes);
        }
    }
    files
}

/// So many kills at moments drawn from `seed`, over as many rounds as they take.
fn killed(kills: usize, seed: u64) {
    let folder = folder_with(AGENTS);
    let at = folder.path();
    let run = |out: &str, more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(at).args(["run", "spec.toml", "--quiet", "--jobs", "2", "--out", out]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let begun = Instant::now();
    let output = run("whole", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let longest = begun.elapsed().as_secs_f64();
    let whole = all_bytes(&at.join("whole"));
    // Tasks, probes, coefficients, episodes, evaluations and the checkpoint of SAC; DQN has no coefficients, and a
    // network without shapes of its own beside it.
    assert!(whole.len() >= 12, "{:?}", whole.keys());
    let mut moments = Stream::new(seed, "test", 0);
    let (mut left, mut rounds, mut within) = (kills, 0, 0);
    while left > 0 {
        rounds += 1;
        let out = format!("round-{rounds}");
        loop {
            let mut child = run(&out, &["--checkpoint-every", "0.02"]).spawn().unwrap();
            if left > 0 {
                sleep(Duration::from_secs_f64(moments.uniform(0.01, longest)));
                child.kill().unwrap(); // SIGKILL
            }
            let status = child.wait().unwrap();
            if status.signal() != Some(9) {
                assert_eq!(status.code(), Some(0));
                break;
            }
            left -= 1;
            let open = |run: &PathBuf| {
                let files = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
                files.into_iter().any(|file| file.file_name().to_string_lossy().contains("-step-"))
            };
            within += usize::from(run_folders(&at.join(&out)).iter().any(open));
        }
        assert!(all_bytes(&at.join(&out)) == whole, "after {} kills", kills - left);
    }
    println!("{kills} kills in {rounds} rounds, {within} of them with a checkpoint within a task");
    assert!(within > 0, "no kill came where it could have done harm");
}

#[test]
fn kills_of_agents_lose_nothing() {
    killed(8, 3);
}

/// `cargo test --release --test faults fifty_kills_of_agents -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn fifty_kills_of_agents_lose_nothing() {
    killed(50, 4);
}

/// Batches of 256 in layers of 256: candle would spread them over threads.
#[test]
fn agents_have_the_same_bytes_on_any_number_of_threads_and_jobs() {
    let spec = AGENTS
        .replace("hidden = [16, 16]", "hidden = [256]")
        .replace("batch_size = 16", "batch_size = 256")
        .replace("learning_starts = 200", "learning_starts = 280")
        .replace("tasks = 3, steps = 300", "tasks = 1, steps = 300")
        .replace("buffer = 500", "buffer = 5000");
    let folder = folder_with(&spec);
    let at = folder.path();
    let run = |out: &str, jobs: &str, threads: &str, more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command
            .current_dir(at)
            .args(["run", "spec.toml", "--quiet", "--jobs", jobs, "--out", out])
            .args(more);
        command.env("RAYON_NUM_THREADS", threads).env("CANDLE_NUM_THREADS", threads);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        all_bytes(&at.join(out))
    };
    let one = run("one", "1", "1", &[]);
    assert!(one.len() >= 6, "{:?}", one.keys());
    assert!(one == run("jobs", "2", "1", &[]), "two jobs");
    assert!(one == run("threads", "1", "2", &[]), "two threads");
}

/// Evaluations and probes leave no trace in what was trained and lived through.
#[test]
fn agents_have_the_same_episodes_and_weights_whether_they_are_looked_at_or_not() {
    let folder = folder_with(AGENTS);
    let at = folder.path();
    let mut both = Vec::new();
    for (out, more) in
        [("probed", &[][..]), ("unprobed", &["--set", "evaluation.episodes=0", "--set", "probes.names=[]"])]
    {
        let mut command = Command::new(PROGRAM);
        command.current_dir(at).args(["run", "spec.toml", "--quiet", "--out", out]).args(more);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        // The folders' names follow from all settings, so the runs are told apart by their agents.
        let mut runs = BTreeMap::new();
        for run in run_folders(&at.join(out)) {
            let name = run.file_name().unwrap().to_str().unwrap().to_owned();
            let agent = if name.starts_with("sac") { "sac" } else { "double-dqn" };
            let episodes = fs::read_to_string(run.join("episodes.csv")).unwrap().replace(&name, "run");
            let last = |kind: &str| fs::read(run.join(format!("checkpoints/task-0003.{kind}"))).unwrap();
            runs.insert(agent, (episodes, last("agent.safetensors"), last("agent.state.safetensors")));
        }
        assert_eq!(runs.len(), 2);
        both.push(runs);
    }
    assert!(both[0] == both[1]);
}

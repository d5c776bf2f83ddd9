//! The program as a user meets it: exit codes, and what goes to stdout and what to stderr.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Trains for a blink on generated digits.
const SPEC: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"unit\" }
stream = { family = \"shuffled-labels\", tasks = 2, examples = 32, steps = 8, batch_size = 4 }
network = { kind = \"mlp\", hidden = [8] }
optimizer = \"adam\"
probes = { names = [\"srank\"], samples = 16 }
[grid]
seeds = \"0..2\"
activation = [\"relu\", \"tanh\"]
";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plasticity-bench"));
    command
        .current_dir(folder)
        .args(arguments)
        // No data from this machine, and no network.
        .env("PLASTICITY_DATA_DIR", folder.join("none"))
        .env("HF_HOME", folder.join("hub"))
        .env("HF_HUB_OFFLINE", "1")
        .env_remove("COLUMNS");
    command
}

fn program(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// Exit code, stdout, stderr.
fn outcome(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = program(folder, arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn folder_with(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spec.toml"), spec).unwrap();
    folder
}

fn run_folders(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.join("results/tiny"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

#[test]
fn a_grid_is_run_once_and_its_record_can_be_run_again() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let (code, stdout, stderr) = outcome(at, &["run", "spec.toml", "--jobs", "2"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("online accuracy") && stdout.contains("tanh"), "{stdout}");
    let runs = run_folders(at);
    assert_eq!(runs.len(), 4, "{runs:?}");

    let (code, again, stderr) = outcome(at, &["run", "spec.toml"]);
    assert_eq!((code, again), (0, stdout));
    assert!(stderr.contains("all finished before"), "{stderr}");

    // The record resolves to the same run: nothing is left to do, and no folder is added.
    let record = format!("results/tiny/{}/run.toml", runs[3]);
    let (code, _, stderr) = outcome(at, &["run", &record]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("1 run, all finished before"), "{stderr}");
    assert_eq!(run_folders(at), runs);

    let (code, _, stderr) = outcome(at, &["run", "spec.toml", "--log-steps"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("4 of the runs were finished before and have no steps.csv"), "{stderr}");
    let (_, stdout, _) = outcome(at, &["run", "spec.toml", "--dry-run"]);
    assert!(stdout.contains("Nothing is left to do.") && !stdout.contains("core-hours"), "{stdout}");

    // What is written is the same to the byte, but for the times.
    let (code, _, stderr) = outcome(at, &["run", "spec.toml", "--quiet", "--out", "again"]);
    assert_eq!(code, 0, "{stderr}");
    for (run, file) in runs.iter().flat_map(|run| ["tasks.csv", "probes.csv"].map(|file| (run, file))) {
        let read = |out: &str| fs::read(at.join(out).join("tiny").join(run).join(file)).unwrap();
        assert_eq!(read("results"), read("again"), "{run} {file}");
    }
}

#[test]
fn a_record_is_held_against_what_the_run_gives_now() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, &["run", "spec.toml", "--quiet", "--log-steps"]).0, 0);
    let (code, stdout, stderr) = outcome(at, &["reproduce", "results", "--quiet"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("4 of 4 runs came to the same rows; 88 rows of 12 files"), "{stdout}");
    let (code, stdout, stderr) = outcome(at, &["reproduce", "results", "--runs", "2"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.starts_with("2 of 2 runs came to the same rows; ") && stderr.contains("all finished before")
    );

    // One cell of one run, as someone might have changed it who keeps no checkpoints.
    let run = at.join("results/tiny").join(&run_folders(at)[3]);
    let tasks = run.join("tasks.csv");
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let text = fs::read_to_string(&tasks).unwrap();
    let column = text.lines().next().unwrap().split(',').position(|name| name == "online_accuracy").unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[2].split(',').collect();
    cells[column] = "0.125001";
    lines[2] = cells.join(",");
    fs::write(&tasks, lines.join("\n") + "\n").unwrap();
    let (code, stdout, stderr) = outcome(at, &["reproduce", "results", "--quiet"]);
    assert_eq!(code, 6, "{stderr}");
    assert!(stdout.contains("tasks.csv line 3, online_accuracy: 0.125001, "), "{stdout}");
    assert!(stdout.contains("3 of 4 runs came to the same rows; 88 rows of 12 files"), "{stdout}");

    // Rows that are lacking are told before any training, and the other runs are compared.
    fs::write(&tasks, lines[..2].join("\n") + "\n").unwrap();
    let (code, stdout, stderr) = outcome(at, &["reproduce", "results", "--quiet", "--runs", "1"]);
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("cannot be trained again: tasks.csv has rows of 1 of the 2 tasks"), "{stderr}");
    assert!(stdout.starts_with("1 of 1 run came to the same rows"), "{stdout}");
    let record = run.join("run.toml");
    fs::write(&record, fs::read_to_string(&record).unwrap().replace("shuffled-labels", "no-family")).unwrap();
    let (code, stdout, stderr) = outcome(at, &["reproduce", "results"]);
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("cannot be trained again: ") && stderr.contains("no-family"), "{stderr}");
    assert!(stdout.starts_with("3 of 3 runs came to the same rows"), "{stdout}");

    // New runs are no record of their own.
    let (code, _, stderr) = outcome(at, &["reproduce", "reproduced"]);
    assert!(code == 2 && stderr.contains("it lies in the folder of the new runs (--out)"), "{stderr}");
    assert!(stderr.contains("none of the runs can be trained again"), "{stderr}");
    assert_eq!(outcome(at, &["reproduce", "nowhere"]).0, 2);
}

#[test]
fn a_record_that_cannot_be_read_names_its_cure() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let one = ["run", "spec.toml", "--seeds", "0", "--set", "activation=relu"];
    assert_eq!(outcome(at, &one).0, 0);
    let record = at.join("results/tiny").join(&run_folders(at)[0]).join("run.toml");
    fs::write(&record, "status = ").unwrap();
    for _ in 0..2 {
        let (code, _, stderr) = outcome(at, &one);
        assert_eq!(code, 4, "{stderr}");
        assert!(stderr.contains("run.toml cannot be read as the record of a run"), "{stderr}");
        assert!(stderr.contains("put it right, or start the run anew with --fresh"), "{stderr}");
    }
    let (code, _, stderr) = outcome(at, &[&one[..], &["--fresh"]].concat());
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn quiet_says_nothing_and_a_dry_run_writes_nothing() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let (code, stdout, stderr) = outcome(at, &["run", "spec.toml", "--dry-run", "--seeds", "0..10"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("tiny: 20 runs, into results\n") && stdout.contains("0..10"), "{stdout}");
    assert!(!at.join("results").exists());

    let arguments =
        ["run", "spec.toml", "--quiet", "--set", "grid.seeds=3", "--set", "activation=relu", "--log-steps"];
    assert_eq!(outcome(at, &arguments), (0, String::new(), String::new()));
    let runs = run_folders(at);
    assert_eq!(runs.len(), 1, "{runs:?}");
    let steps = fs::read_to_string(at.join("results/tiny").join(&runs[0]).join("steps.csv")).unwrap();
    assert_eq!(steps.lines().count(), 1 + 2 * 8);
}

#[test]
fn wrong_usage_and_wrong_specs_end_with_2() {
    let folder = folder_with(&SPEC.replace("tasks = 2", "taks = 2"));
    let at = folder.path();
    let (code, stdout, stderr) = outcome(at, &["run", "spec.toml"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        stderr.starts_with(
            "error: spec.toml:3: the task family `shuffled-labels` takes no key `taks`; did you mean `tasks`?"
        ),
        "{stderr}"
    );
    fs::write(at.join("spec.toml"), SPEC).unwrap();
    fs::write(at.join("file"), "").unwrap();
    for (arguments, said) in [
        (vec!["run", "absent.toml"], "error: the spec absent.toml cannot be read\n  because: "),
        (
            vec!["run", "spec.toml", "--set", "stream.tasks=0"],
            "error: --set stream.tasks=0: stream.tasks = 0 is out of range",
        ),
        (vec!["run", "spec.toml", "--seeds", "x"], "error: --seeds: the seeds \"x\" cannot be read"),
        (vec!["run", "spec.toml", "--seeds", "-1"], "error: --seeds: the seeds \"-1\" cannot be read"),
        (
            vec!["submit", "spec.toml", "--engine", "commands", "--time", "abc"],
            "error: invalid value 'abc' for '--time <D-HH:MM:SS>': expected minutes",
        ),
        (vec!["run", "spec.toml", "--device", "cuda:1"], "error: --device cuda:1 cannot be used"),
        (vec!["run", "spec.toml", "--device", "gpu"], "error: invalid value 'gpu'"),
        (vec!["run", "spec.toml", "--jobs", "0"], "error: invalid value '0'"),
        (vec!["run", "spec.toml", "--shard", "3/2"], "error: invalid value '3/2'"),
        (vec!["run", "spec.toml", "--out", "file"], "error: results cannot be written to file"),
        (
            vec!["run", "spec.toml", "--set", "network.hidden=[7]", "--set", "activation=crelu"],
            "error: --set activation=crelu: crelu",
        ),
        (
            vec!["tasks", "export", "spec.toml", "--out", "x"],
            "error: the following required arguments were not provided",
        ),
        (
            vec!["tasks", "export", "spec.toml", "--out", "x", "--seed", "0", "--tasks", "1..9"],
            "error: tasks 1..9 were asked for",
        ),
        (
            vec!["tasks", "export", "spec.toml", "--out", "x", "--seed", "0", "--tasks", "2..1"],
            "error: invalid value '2..1'",
        ),
        (vec!["data", "fetch", "mnits"], "error: there is no data set `mnits` (did you mean `mnist`?)"),
        (vec!["list", "activation"], "error: invalid value 'activation'"),
        (
            vec!["environments", "rollout", "walker-fly", "--policy", "zero", "--out", "x.csv"],
            "error: there is no environment walker-fly",
        ),
        (vec!["report"], "error: the following required arguments were not provided"),
        (vec!["report", "absent"], "error: "),
        (vec!["publish"], "error: unrecognized subcommand"),
    ] {
        let (code, stdout, stderr) = outcome(at, &arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(said), "{arguments:?}: {stderr}");
    }
    assert!(!at.join("results").exists());
}

#[test]
fn missing_data_end_with_3_before_anything_is_written() {
    let folder = folder_with(&SPEC.replace("generated-digits", "mnist"));
    for arguments in [
        vec!["run", "spec.toml"],
        vec!["data", "fetch", "mnist"],
        vec!["data", "verify", "mnist"],
        vec!["tasks", "export", "spec.toml", "--seed", "0", "--out", "x"],
    ] {
        let (code, stdout, stderr) = outcome(folder.path(), &arguments);
        assert_eq!((code, stdout.as_str()), (3, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains("the data set `mnist` was not found"), "{stderr}");
    }
    assert!(!folder.path().join("results").exists());
}

/// What is wrong with the first file shows before any other is read, so the others may be empty here.
#[test]
fn corrupt_batches_of_cifar_end_with_3_before_anything_is_written() {
    let folder = folder_with(&SPEC.replace("generated-digits", "cifar10"));
    let at = folder.path();
    let batches = at.join("sets/cifar-10-batches-bin");
    fs::create_dir_all(&batches).unwrap();
    for name in ["data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        fs::write(batches.join(name).with_extension("bin"), "").unwrap();
    }
    let record = [&[3_u8] as &[u8], &[127; 3072]].concat();
    let cut = [record.as_slice(), &record[..100]].concat();
    let label = [record.as_slice(), &[10; 3073]].concat();
    for (bytes, found) in [(cut, "an end of file before that"), (label, "label 10 in record 1")] {
        let path = batches.join("data_batch_1.bin");
        fs::write(&path, bytes).unwrap();
        for arguments in [["run", "spec.toml"].as_slice(), &["data", "verify", "cifar10"]] {
            let arguments = [arguments, &["--data-dir", "sets"]].concat();
            let (code, _, stderr) = outcome(at, &arguments);
            assert_eq!(code, 3, "{arguments:?}: {stderr}");
            let said = [
                "data_batch_1.bin",
                "is not what it should be: expected",
                found,
                "Replace it with a fresh copy",
            ];
            assert!(said.iter().all(|part| stderr.contains(part)), "{arguments:?}: {stderr}");
        }
    }
    assert!(!at.join("results").exists());
}

/// A name becomes a folder: none of these may become one elsewhere.
#[test]
fn names_that_lead_out_of_the_output_folder_end_with_2() {
    let folder = folder_with(SPEC);
    let outside = folder.path().join("work");
    fs::create_dir(&outside).unwrap();
    for name in ["../x", "/tmp/x", "..", ".", ".hidden", "a/b", "a\\\\b", "", "C:x", "x\\u0000", "é"] {
        let set = format!("name=\"{name}\"");
        let (code, _, stderr) = outcome(&outside, &["run", "../spec.toml", "--set", &set]);
        assert_eq!(code, 2, "{name}: {stderr}");
        assert!(stderr.contains("cannot be the name of a folder") || stderr.contains("name"), "{stderr}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().chain(fs::read_dir(&outside).unwrap()).collect();
    assert_eq!(left.len(), 2, "the spec and the folder alone: {left:?}");
}

#[test]
fn a_failed_run_ends_with_4_and_is_named() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, &["run", "spec.toml", "--quiet"]).0, 0);
    // A file where a run's folder belongs: that run cannot be written, the others can.
    let first = at.join("results/tiny").join(&run_folders(at)[0]);
    fs::remove_dir_all(&first).unwrap();
    fs::write(&first, "").unwrap();
    let (code, _, stderr) = outcome(at, &["run", "spec.toml", "--quiet"]);
    assert_eq!(code, 4, "{stderr}");
    let name = first.file_name().unwrap().to_str().unwrap();
    assert!(stderr.contains(&format!("error: the run results/tiny/{name} failed: ")), "{stderr}");
}

#[test]
fn an_export_needs_one_stream() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let arguments = ["tasks", "export", "spec.toml", "--seed", "1", "--tasks", "0..1", "--out", "export"];
    let (code, stdout, stderr) = outcome(at, &arguments);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("shuffled-labels of seed 1, tasks 0..1: 32 training examples"), "{stdout}");
    assert!(at.join("export/inputs.safetensors").is_file());

    let mut arguments = arguments.to_vec();
    arguments.extend(["--set", "grid.stream.batch_size=[1, 2]"]);
    let (code, _, stderr) = outcome(at, &arguments);
    assert_eq!(code, 2);
    assert!(stderr.starts_with("error: the runs of tiny do not share one stream"), "{stderr}");
}

#[test]
fn the_lists_are_whole_and_outlive_a_closed_pipe() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    fs::create_dir(at.join("benchmarks")).unwrap();
    fs::rename(at.join("spec.toml"), at.join("benchmarks/tiny.toml")).unwrap();
    fs::write(at.join("benchmarks/wrong.toml"), "name = 3").unwrap();
    let (code, stdout, _) = outcome(at, &["list"]);
    assert_eq!(code, 0);
    for word in [
        "leaky_relu",
        "slope",
        "random-labels",
        "shrink-and-perturb",
        "srank",
        "tiny",
        "not valid:",
        "fashion-mnist",
        "mlp",
        "adamw",
        "CartPole-v1",
        "slippery",
        "overestimation-mdp",
    ] {
        assert!(stdout.contains(word), "{word}\n{stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 120), "{stdout}");
    let (_, benchmarks, _) = outcome(at, &["list", "benchmarks"]);
    assert!(benchmarks.contains("tiny") && !benchmarks.contains("leaky_relu"), "{benchmarks}");

    let script = format!("'{}' list | head -n 1", env!("CARGO_BIN_EXE_plasticity-bench"));
    let output =
        Command::new("bash").args(["-o", "pipefail", "-c", &script]).current_dir(at).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn data_list_and_verify_tell_of_every_set() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, _) = outcome(folder.path(), &["data", "list"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("generated-textures") && stdout.contains("data fetch"), "{stdout}");
    let (code, stdout, stderr) = outcome(folder.path(), &["data", "verify", "generated-digits"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("generated-digits: 6000 training and 1000 test images"), "{stdout}");
}

#[test]
fn status_tells_what_stands_below_a_folder() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, &["run", "spec.toml", "--quiet"]).0, 0);
    let run = at.join("results/tiny").join(&run_folders(at)[0]);
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    fs::write(run.join("run.toml"), record.replacen("status = \"done\"", "status = \"running\"", 1)).unwrap();
    let (code, stdout, stderr) = outcome(at, &["status"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let name = run.file_name().unwrap().to_str().unwrap();
    let line = format!("tiny/{name} unfinished, 2 of 2 tasks done, about 0 s left\n");
    assert!(stdout.starts_with(&line), "{stdout}");
    let row = stdout.lines().find(|line| line.contains(" tiny ")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[1..8], ["tiny", "4", "3", "0", "0", "0", "1"], "{stdout}");

    let (_, of_one, _) = outcome(at, &["status", run.to_str().unwrap(), "--summary"]);
    assert!(!of_one.contains("unfinished, ") && of_one.contains(" tiny "), "{of_one}");
    let (code, _, stderr) = outcome(at, &["status", "absent"]);
    assert!(code == 2 && stderr.starts_with("error: there is no folder absent"), "{stderr}");
    // A watch ends once no run is left, as here after one drawing; each variant has its line.
    fs::write(run.join("run.toml"), &record).unwrap();
    let (code, watched, stderr) = outcome(at, &["status", "--watch", "0.1"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{watched}");
    assert!(watched.contains("over tasks") && watched.contains(" tanh "), "{watched}");
    assert_eq!(watched.matches("computing left").count(), 1, "{watched}");
    fs::create_dir(at.join("empty")).unwrap();
    let (code, _, stderr) = outcome(at, &["status", "empty"]);
    assert!(code == 2 && stderr.starts_with("error: there is no run below empty"), "{stderr}");
}

/// A full disk under stderr, a closed pipe, a terminal that is gone: the exit code must be that of the
/// command, not that of a panic over what could not be said.
#[cfg(target_os = "linux")]
#[test]
fn a_stderr_that_takes_nothing_changes_no_exit_code() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let one = ["run", "spec.toml", "--seeds", "0", "--set", "activation=relu"];
    assert_eq!(outcome(at, &one).0, 0);
    // A folder in the place of its lock: the run fails before it has begun.
    let [run] = &run_folders(at)[..] else { panic!("one run") };
    let (results, locks) = (at.join("results/tiny"), at.join("results/tiny/.locks"));
    fs::remove_dir_all(results.join(run)).unwrap();
    fs::remove_file(locks.join(run)).unwrap();
    fs::create_dir(locks.join(run)).unwrap();
    let code = |arguments: &[&str]| {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        command(at, arguments).stderr(full).output().unwrap().status.code().unwrap()
    };
    assert_eq!(code(&["run", "missing.toml"]), 2);
    assert_eq!(code(&one), 4);
    assert_eq!(code(&[&one[..], &["--quiet"]].concat()), 4);
}

/// An agent in an environment of Python, by the interpreter that the spec names: here a script that has said
/// its answers before it is asked (spaces of one number and two actions, then steps with reward 1).
#[cfg(unix)]
#[test]
fn a_spec_names_the_interpreter_of_environments_outside() {
    use std::os::unix::fs::PermissionsExt;
    let spec = "\
name = \"tiny\"
environment = { name = \"python:gymnasium/Any-v0\", python = \"./python\" }
stream = { family = \"single\", tasks = 1, steps = 40 }
agent = { name = \"dqn\", learning_starts = 10, batch_size = 4 }
network = { kind = \"mlp\", hidden = [4] }
activation = \"relu\"
evaluation = { every = 20, episodes = 2 }
";
    let frame = |payload: &[u8]| [&(payload.len() as u32).to_le_bytes(), payload].concat();
    let spaces = [
        &b"I"[..],
        &[1, 0, 0, 0, 1, 0, 0, 0],
        &[1, 2, 0, 0, 0],
        &5u64.to_le_bytes(),
        &[0],
        &0f64.to_le_bytes(),
        b"it is a file",
    ];
    // The tenth byte after the reward says that the step is a success.
    let mut said = [&[0, 0, 2][..], &[0; 13]].concat();
    said.extend(0.25f64.to_le_bytes());
    let step = [&b"O"[..], &1f64.to_le_bytes(), &said].concat();
    let folder = folder_with(spec);
    let at = folder.path();
    fs::write(at.join("frames"), [frame(&spaces.concat()), frame(&step).repeat(100)].concat()).unwrap();
    fs::write(at.join("python"), "#!/bin/sh\ncat frames\ncat > /dev/null\n").unwrap();
    fs::set_permissions(at.join("python"), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, _, stderr) = outcome(at, &["run", "spec.toml"]);
    assert_eq!(code, 0, "{stderr}");
    let runs = run_folders(at);
    let run = at.join("results/tiny").join(&runs[0]);
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(record.contains("python = \"./python\""), "{record}");
    // What an environment says of success has columns of its own.
    let column = |file: &str, name: &str| {
        let text = fs::read_to_string(run.join(file)).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let place = lines.next().unwrap().iter().position(|column| *column == name).unwrap();
        lines.map(|cells| cells[place].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(column("episodes.csv", "success"), ["true"]);
    assert_eq!(column("evaluations.csv", "success_rate"), ["1.0", "1.0"]);
    // Another interpreter makes no other run.
    let (code, _, stderr) = outcome(at, &["run", "spec.toml", "--set", "environment.python=elsewhere"]);
    assert!(code == 0 && stderr.contains("all finished before"), "{stderr}");
    assert_eq!(run_folders(at), runs);

    let without = spec.replace("steps = 40", "steps = 30").replace(", python = \"./python\"", "");
    fs::write(at.join("without.toml"), without).unwrap();
    let mut variable = command(at, &["run", "without.toml"]);
    assert_eq!(variable.env("PLASTICITY_PYTHON", "./python").output().unwrap().status.code(), Some(0));
    for (setting, words) in [
        ("environment.python=nowhere", "nowhere cannot be run"),
        (
            "environment={name=\"walker-walk\",python=\"p\"}",
            "walker-walk runs without one: leave the key out",
        ),
        ("environment.python=3", "the path of a file"),
    ] {
        let (code, _, stderr) =
            outcome(at, &["run", "without.toml", "--set", "stream.steps=31", "--set", setting]);
        assert!(code != 0 && stderr.contains(words), "{setting}: {code} {stderr}");
    }
}

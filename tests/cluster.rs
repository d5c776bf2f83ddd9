//! Grids handed to others: the commands are run by shells elsewhere, and the results are those of a plain
//! `run`. Slurm itself is tested in tests/slurm.sh.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_plasticity-bench");
const SPEC: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"unit\" }
stream = { family = \"shuffled-labels\", tasks = 2, examples = 32, steps = 8, batch_size = 4 }
network = { kind = \"mlp\", hidden = [8] }
optimizer = \"adam\"
probes = { names = [\"srank\"], samples = 16 }
[grid]
seeds = \"0..3\"
activation = [\"relu\", \"tanh\"]
";
/// What a careless script would break on.
const HOSTILE: &str = "it's \"100%\" $HOME; `true` & more";

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).env_remove("PLASTICITY_DATA_DIR");
    command.env_remove("SLURM_CPUS_PER_TASK");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Stdout of a command that succeeds.
fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", text(&stderr));
    text(&stdout)
}

/// A folder with a hostile name and the spec in it.
fn work() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join(HOSTILE);
    fs::create_dir(&work).unwrap();
    fs::write(work.join("spec.toml"), SPEC).unwrap();
    (folder, work)
}

/// Rows by run.
fn results(out: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(out.join("tiny")).unwrap() {
        let run = entry.unwrap().path();
        let name = run.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with('.') && name != "report" {
            let tasks = fs::read_to_string(run.join("tasks.csv")).unwrap();
            let probes = fs::read_to_string(run.join("probes.csv")).unwrap();
            all.insert(name, tasks + &probes);
        }
    }
    all
}

#[test]
fn commands_can_be_run_from_anywhere_and_again() {
    let (folder, work) = work();
    said(&mut program(&work, &["run", "spec.toml", "--out", "local", "--quiet"]));
    let submit =
        ["submit", "spec.toml", "--out", "theirs", "--engine", "commands", "--chunks", "3", "--cpus", "2"];
    let told = said(&mut program(&work, &submit));
    assert!(told.starts_with("tiny: 6 runs in 3 tasks with 2 cores; about "), "{told}");
    assert!(told.contains("parallel --joblog"), "{told}");

    // The spec may change while commands wait.
    fs::write(work.join("spec.toml"), "name = 3").unwrap();
    let file = work.join("theirs/tiny/.submit/1/commands.txt");
    let lines = fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    for _ in 0..2 {
        let mut xargs = Command::new("xargs");
        xargs.args(["-d", "\\n", "-n", "1", "-P", "2", "-a"]).arg(&file).args(["sh", "-c"]);
        said(xargs.current_dir(folder.path()).env_remove("SLURM_CPUS_PER_TASK"));
        assert_eq!(results(&work.join("theirs")), results(&work.join("local")));
    }
    assert_eq!(results(&work.join("local")).len(), 6);

    fs::write(work.join("spec.toml"), SPEC).unwrap();
    let told = said(&mut program(&work, &submit));
    assert_eq!(told, "tiny: nothing is left to do, so nothing was submitted\n");
    // More seeds: chunks in which all is done are left out, and the settings are handed on.
    let more = [&submit[..], &["--seeds", "0..4", "--set", "optimizer.learning_rate=1e-3"]].concat();
    let told = said(&mut program(&work, &more));
    assert!(told.starts_with("tiny: 2 runs in 2 tasks"), "{told}");
    let lines = fs::read_to_string(work.join("theirs/tiny/.submit/2/commands.txt")).unwrap();
    assert!(lines.lines().all(|line| line.contains(" --set 'optimizer.learning_rate=1e-3' --seeds 0..4 ")));
}

/// A stand-in that does with its arguments what the manual says of `hq submit --each-line`.
const HQ: &str = r#"#!/bin/bash
for argument; do
    case $argument in --each-line=*) file=${argument#*=} ;; esac
    shift
    [ "$argument" = -- ] && break
done
export HQ_TASK_ID=0
while IFS= read -r HQ_ENTRY; do export HQ_ENTRY; "$@"; HQ_TASK_ID=$((HQ_TASK_ID + 1)); done <"$file"
echo 41
"#;

#[test]
fn hyperqueue_is_given_a_line_a_task() {
    let (folder, work) = work();
    let hq = folder.path().join("hq");
    fs::write(&hq, HQ).unwrap();
    fs::set_permissions(&hq, fs::Permissions::from_mode(0o755)).unwrap();
    said(&mut program(&work, &["run", "spec.toml", "--out", "local", "--quiet"]));
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let submit = ["submit", "spec.toml", "--engine", "hyperqueue", "--chunks", "2"];
    let told = said(program(&work, &submit).env("PATH", path));
    assert!(told.contains("Submitted to hyperqueue: 41\n"), "{told}");
    assert_eq!(results(&work.join("results")), results(&work.join("local")));
    let kept = work.join("results/tiny/.submit/1");
    assert!(fs::read_to_string(kept.join("task-1.txt")).unwrap().contains("online accuracy"));
    assert!(fs::read_to_string(kept.join("submission.toml")).unwrap().contains("jobs = [\"41\"]"));
}

#[test]
fn an_engine_that_is_not_here_is_told_and_its_scripts_are_written() {
    let (_folder, work) = work();
    let submit = ["submit", "spec.toml", "--engine", "slurm"];
    let output = program(&work, &submit).env("PATH", "/nowhere").output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.starts_with("error: sbatch could not be started: ") && stderr.contains("--dry-run"),
        "{stderr}"
    );
    let told = said(program(&work, &[&submit[..], &["--dry-run"]].concat()).env("PATH", "/nowhere"));
    assert!(told.contains("/results/tiny/.submit/2/slurm.sh\n") && !told.contains("Submitted"), "{told}");
    let output = program(&work, &["submit", "spec.toml", "--engine", "pbs"]).output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("there is no engine pbs: expected one of slurm, hyperqueue, commands"),
        "{stderr}"
    );
    let listed = said(&mut program(&work, &["list", "engines"]));
    assert!(["slurm", "hyperqueue", "commands"].iter().all(|name| listed.contains(name)), "{listed}");
}

#[test]
fn within_a_slurm_task_there_are_as_many_workers_as_it_has_cores() {
    let (_folder, work) = work();
    let opening = |cores: &str, more: &[&str]| {
        let mut run = program(&work, &[&["run", "spec.toml", "--fresh"], more].concat());
        let output = run.env("SLURM_CPUS_PER_TASK", cores).output().unwrap();
        text(&output.stderr).lines().next().unwrap().to_owned()
    };
    assert_eq!(opening("5", &[]), "6 runs, 5 at a time");
    assert_eq!(opening("5", &["--jobs", "2"]), "6 runs, 2 at a time");
    assert!(opening("many", &[]).starts_with("error: SLURM_CPUS_PER_TASK is \"many\""));
}

#[test]
fn failed_runs_are_tried_again_unless_that_is_not_wanted() {
    let (_folder, work) = work();
    let one = ["run", "spec.toml", "--seeds", "0", "--set", "activation=relu"];
    said(&mut program(&work, &one));
    let run = fs::read_dir(work.join("results/tiny")).unwrap().map(|entry| entry.unwrap().path());
    let run = run.into_iter().find(|run| run.join("run.toml").is_file()).unwrap();
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    let failed = record.replace("status = \"done\"", "status = \"failed\"\nerror = \"no room left\"");
    fs::write(run.join("run.toml"), &failed).unwrap();

    let told = said(&mut program(&work, &[&one[..], &["--dry-run"]].concat()));
    assert!(told.contains("Failed before, to be tried again: 1 of 1.\n"), "{told}");
    let output = program(&work, &[&one[..], &["--no-retry"]].concat()).output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "a failed run stays one: {stderr}");
    assert!(stderr.starts_with("1 run, 1 failed before and left alone\n"), "{stderr}");
    assert!(stderr.contains("failed: before, and was left alone: no room left"), "{stderr}");
    assert_eq!(fs::read_to_string(run.join("run.toml")).unwrap(), failed);

    said(&mut program(&work, &one));
    let record = fs::read_to_string(run.join("run.toml")).unwrap();
    assert!(record.contains("status = \"done\"") && !record.contains("no room left"), "{record}");
}

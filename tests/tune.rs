//! `tune` from end to end: the best settings are those that a plain grid shows, whatever interrupts the search.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// One rate learns nothing, one something, and one diverges.
const SPEC: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"unit\" }
stream = { family = \"shuffled-labels\", tasks = 2, examples = 64, steps = 60, batch_size = 8 }
network = { kind = \"mlp\", hidden = [16] }
optimizer = { name = \"sgd\", weight_decay = 1e-3 }
probes = { names = [\"srank\"], samples = 16 }
[grid]
seeds = \"0..2\"
[tune]
seeds = [100, 101]
metric = \"total_online_accuracy\"
[tune.search]
optimizer.learning_rate = [0.0, 0.3, 1e6, 0.03]
[[variants]]
activation = \"tanh\"
[[variants]]
activation = \"relu\"
method = \"l2-init\"
tune = { \"method.strength\" = [1e-3, 100.0], optimizer.learning_rate = [0.0, 0.3] }
";

/// Exit code, stdout, stderr.
fn outcome(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plasticity-bench"));
    command.current_dir(folder).args(arguments).env_remove("PLASTICITY_DATA_DIR").env_remove("COLUMNS");
    command
}

fn folder_with(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spec.toml"), spec).unwrap();
    folder
}

/// What stands in the CSV of every run below `out`, and the spec of the best.
fn bytes(out: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for name in ["tiny", "tiny-tune"] {
        let Ok(runs) = fs::read_dir(out.join(name)) else { continue };
        for run in runs.map(|run| run.unwrap().path()) {
            for file in ["tasks.csv", "probes.csv"].map(|file| run.join(file)) {
                if let Ok(text) = fs::read_to_string(&file) {
                    all.insert(file.strip_prefix(out).unwrap().display().to_string(), text);
                }
            }
        }
    }
    for file in ["tiny-tune/best.toml", "tiny-tune/tuning.toml"] {
        all.insert(file.to_owned(), fs::read_to_string(out.join(file)).unwrap_or_default());
    }
    all
}

/// Online accuracy by activation and value of `key`, mean over tasks and seeds: read from the rows of a plain
/// grid, none of whose code chooses anything. A run that diverged has none.
fn measured(out: &Path, key: &str) -> BTreeMap<String, Vec<f64>> {
    let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for run in fs::read_dir(out).unwrap().map(|run| run.unwrap().path()) {
        let Ok(spec) = fs::read_to_string(run.join("run.toml")) else { continue };
        let line = |key: &str| {
            let line = spec.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
            line.split_once(" = ").unwrap().1.to_owned()
        };
        let rows = fs::read_to_string(run.join("tasks.csv")).unwrap();
        let column =
            rows.lines().next().unwrap().split(',').position(|name| name == "online_accuracy").unwrap();
        let cells: Vec<f64> =
            rows.lines().skip(1).filter_map(|row| row.split(',').nth(column)?.parse().ok()).collect();
        let mean =
            if line("status") == "\"done\"" { cells.iter().sum::<f64>() / 2.0 } else { f64::NEG_INFINITY };
        all.entry(line(key)).or_default().push(mean);
    }
    all
}

#[test]
fn the_best_of_a_search_is_the_best_of_a_plain_grid() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let (code, stdout, stderr) = outcome(at, &["tune", "spec.toml", "--jobs", "2"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stderr.contains("tanh: 1 of 4 settings lost:\n  optimizer.learning_rate=1e6 (2 diverged)"),
        "{stderr}"
    );
    assert!(
        stdout.contains("tiny-tune: the best of 4 settings") && stdout.contains("best of n = 2"),
        "{stdout}"
    );
    assert!(stdout.contains("online accuracy"), "the report's runs: {stdout}");

    let plain = SPEC.split("[tune]").next().unwrap().replace("0..2", "100..102")
        + "activation = [\"tanh\"]\noptimizer.learning_rate = [0.0, 0.3, 1e6, 0.03]\n";
    fs::write(at.join("plain.toml"), plain.replace("tiny", "plain")).unwrap();
    assert_eq!(outcome(at, &["run", "plain.toml", "--quiet"]).0, 0);
    let measured = measured(&at.join("results/plain"), "learning_rate");
    let mean = |values: &Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let best = measured.iter().max_by(|a, b| mean(a.1).total_cmp(&mean(b.1))).unwrap();
    assert_eq!((measured.len(), best.1.len()), (4, 2));

    let chosen = fs::read_to_string(at.join("results/tiny-tune/best.toml")).unwrap();
    let rates: Vec<&str> = chosen.lines().filter_map(|line| line.strip_prefix("learning_rate = ")).collect();
    assert_eq!(rates[0], best.0, "{chosen}");
    assert!(chosen.contains("strength = 0.001\n") && chosen.contains("seeds = [0, 1]\n"), "{chosen}");
    // The tuning runs are the grid's, and the report's are those of a run of the spec that was written.
    let accuracy = format!("{:.4}", mean(best.1));
    assert!(stdout.contains(&accuracy), "{accuracy}: {stdout}");
    let spec = "results/tiny-tune/best.toml";
    let (code, _, stderr) = outcome(at, &["run", spec]);
    assert!(code == 0 && stderr.contains("4 runs, all finished before"), "{stderr}");

    let (code, stdout, _) = outcome(at, &["report", "results", "--out", "page"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("best of n = 4") && stdout.contains(&accuracy), "{stdout}");
    let page = fs::read_to_string(at.join("page/index.html")).unwrap();
    assert!(page.contains("The best of n settings: tiny-tune") && page.contains("best-of-n-tiny-tune.svg"));
    // In full: a mean of 4 scores of which a lost one counts as 0.
    let one = measured.values().map(|values| mean(values).max(0.0)).sum::<f64>() / 4.0;
    assert!(page.contains(&format!("{one:.4}")), "best of 1: {one}");
    let (code, again, stderr) = outcome(at, &["tune", "spec.toml"]);
    assert!(code == 0 && stderr.contains("all finished before") && again.contains("best of 4"), "{stderr}");
}

#[test]
fn killed_and_sharded_searches_end_in_the_same_bytes() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, &["tune", "spec.toml", "--quiet", "--out", "whole"]).0, 0);
    let whole = bytes(&at.join("whole"));
    assert_eq!(whole.len(), (16 + 4) * 2 + 2);

    let mut kills = 0;
    for doubled in 0.. {
        let arguments =
            ["tune", "spec.toml", "--quiet", "--out", "killed", "--jobs", "1", "--checkpoint-every", "0.01"];
        let mut child = command(at, &arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(60 << doubled));
        if child.try_wait().unwrap().is_some() {
            assert!(child.wait().unwrap().success());
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    assert!(kills > 0);
    assert_eq!(bytes(&at.join("killed")), whole);

    let shard = |i: &str, stage: &[&str]| {
        outcome(at, &[&["tune", "spec.toml", "--out", "shards", "--shard", i], stage].concat())
    };
    let (code, _, stderr) = shard("1/2", &[]);
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains("8 of the tuning runs have no result yet"), "{stderr}");
    assert!(!at.join("shards/tiny-tune/best.toml").exists());
    assert_eq!(shard("2/2", &["--stage", "tuning"]).0, 0);
    assert!(!at.join("shards/tiny").exists());
    assert_eq!(shard("2/2", &["--stage", "report"]).0, 0);
    assert_eq!(shard("1/2", &[]).0, 0);
    assert_eq!(bytes(&at.join("shards")), whole);
}

#[test]
fn wrong_searches_are_refused_before_anything_runs() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    for (arguments, said) in [
        (
            vec!["run", "spec.toml"],
            "error: spec.toml has a [tune] section, which `plasticity-bench tune` carries out",
        ),
        (
            vec!["tune", "spec.toml", "--seeds", "101"],
            "error: --seeds: seed 101 is a seed of [tune] and of the report",
        ),
        (
            vec!["tune", "spec.toml", "--set", "tune.metric=accuracy"],
            "error: spec.toml:9: tune.metric = \"accuracy\" is no metric of the report: take one of normalized_return, ",
        ),
        (
            vec!["tune", "spec.toml", "--set", "tune.better=lower"],
            "error: spec.toml:9: of total_online_accuracy, higher is better, and tune.better says lower",
        ),
        (
            vec!["tune", "spec.toml", "--set", "tune.search.optimizer.beta1=[0.1]"],
            "error: --set tune.search.optimizer.beta1=[0.1]: the optimizer `sgd` takes no key `beta1`",
        ),
    ] {
        let (code, stdout, stderr) = outcome(at, &arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(said), "{arguments:?}: {stderr}");
    }
    let plain = SPEC.split("[tune]").next().unwrap().to_owned() + "activation = [\"relu\"]\n";
    fs::write(at.join("plain.toml"), plain).unwrap();
    let (code, _, stderr) = outcome(at, &["tune", "plain.toml"]);
    assert!(code == 2 && stderr.contains("plain.toml has no [tune] section"), "{stderr}");
    let (code, stdout, _) = outcome(at, &["tune", "spec.toml", "--dry-run"]);
    assert!(code == 0 && stdout.starts_with("tiny-tune: 16 runs"), "{stdout}");
    assert!(
        stdout.contains("Then the best of 4 settings by online accuracy, for each of 2 variants"),
        "{stdout}"
    );
    assert!(!at.join("results").exists());
}

#[test]
#[cfg(unix)]
fn a_search_is_submitted_stage_by_stage() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let submit = ["submit", "spec.toml", "--engine", "commands", "--chunks", "2"];
    for (stage, name, runs) in [("tuning", "tiny-tune", 16), ("report", "tiny", 4)] {
        let (code, stdout, stderr) = outcome(at, &submit);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.starts_with(&format!("{name}: {runs} runs in 2 tasks")), "{stdout}");
        let file = at.join("results").join(name).join(".submit/1/commands.txt");
        let commands = fs::read_to_string(file).unwrap();
        assert!(commands.lines().all(|line| line.contains(&format!("--stage {stage}"))), "{commands}");
        for line in commands.lines() {
            assert!(
                Command::new("sh").args(["-c", line]).current_dir(at).status().unwrap().success(),
                "{line}"
            );
        }
    }
    let (_, stdout, _) = outcome(at, &submit);
    assert_eq!(stdout, "tiny: nothing is left to do, so nothing was submitted\n");
    assert_eq!(outcome(at, &["tune", "spec.toml", "--quiet", "--out", "whole"]).0, 0);
    assert_eq!(bytes(&at.join("results")), bytes(&at.join("whole")));
}

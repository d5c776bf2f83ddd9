//! Files that come back otherwise than they were written, clocks that jump, and two processes at once.

use std::time::SystemTime;

use super::*;

/// A run that was killed when its last two checkpoints were both within a task: its folder.
fn killed(folder: &Path, out: &str) -> PathBuf {
    let within = |run: &PathBuf| {
        let manifests = manifests(run);
        manifests.len() >= 2 && manifests.iter().all(|path| path.to_string_lossy().contains("-step-"))
    };
    let runs = || run_folders(&folder.join(out));
    for _ in 0..20 {
        let mut child = start(folder, out, &["--quiet", "--checkpoint-every", "0.02"]);
        wait_until("there are checkpoints to fall back on", || {
            runs().iter().any(within) || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(run) = runs().into_iter().find(within) {
            return run;
        }
        // The task ended between the look and the kill.
        fs::remove_dir_all(folder.join(out)).unwrap();
    }
    panic!("no kill came within a task");
}

/// Manifests of a run's checkpoints, the newest last.
fn manifests(run: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    found.sort();
    found
}

#[test]
fn a_damaged_tail_of_the_rows_is_cut_off_or_made_again() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let whole = results(&at.join("whole"));

    // Behind what the checkpoint relies on: half a row, a row of another file, bytes that are no text.
    let run = killed(at, "behind");
    for (name, tail) in [
        ("tasks.csv", b"tiny,half a r".as_slice()),
        ("probes.csv", b"\0\0\0\0\0\0"),
        ("steps.csv", b"r,0,99999,0.5,0.5\n\xff\xfe"),
    ] {
        let path = run.join(name);
        fs::write(&path, [fs::read(&path).unwrap_or_default().as_slice(), tail].concat()).unwrap();
    }
    let (code, stderr) = outcome(at, "behind", &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(results(&at.join("behind")) == whole);

    // Within it, at the same length: what a power cut can leave. The checkpoint before still relies on
    // less.
    let run = killed(at, "within");
    let manifest: toml::Table = fs::read_to_string(manifests(&run).last().unwrap()).unwrap().parse().unwrap();
    let bytes = manifest["files"]["steps.csv"]["bytes"].as_integer().unwrap() as usize;
    let mut steps = fs::read(run.join("steps.csv")).unwrap();
    steps[bytes - 20..].fill(0);
    fs::write(run.join("steps.csv"), steps).unwrap();
    let (code, stderr) = outcome(at, "within", &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("was passed over: rows that it relies on are gone or changed"), "{stderr}");
    assert!(results(&at.join("within")) == whole);

    // A manifest that still reads, with another number in it.
    let run = killed(at, "number");
    let newest = manifests(&run).pop().unwrap();
    let text = fs::read_to_string(&newest).unwrap();
    let other = text.replacen("bytes = ", "bytes = 1", 1);
    assert_ne!(text, other);
    fs::write(&newest, other).unwrap();
    let (code, stderr) = outcome(at, "number", &[]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("is damaged and was passed over"), "{stderr}");
    assert!(results(&at.join("number")) == whole);
}

/// As a clock leaves them that was decades ahead, or behind 1970, and was set right in between.
#[test]
fn times_of_a_clock_that_was_set_back_change_nothing() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let decades = Duration::from_hours(80 * 365 * 24);
    for (name, time) in [("ahead", SystemTime::now() + decades), ("behind", SystemTime::now() - decades)] {
        let run = killed(at, name);
        let text = fs::read_to_string(run.join("run.toml")).unwrap();
        let (before, rest) = text.split_once("started = \"").unwrap();
        let year = if name == "ahead" { "2106" } else { "1946" };
        fs::write(run.join("run.toml"), format!("{before}started = \"{year}{}", &rest[4..])).unwrap();
        for below in ["", "checkpoints"] {
            for entry in fs::read_dir(run.join(below)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    fs::OpenOptions::new().write(true).open(path).unwrap().set_modified(time).unwrap();
                }
            }
        }
        let (code, stderr) = outcome(at, name, &[]);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(!stderr.contains("passed over"), "{stderr}");
        assert!(results(&at.join(name)) == results(&at.join("whole")), "{name}");
        let record: toml::Table = fs::read_to_string(run.join("run.toml")).unwrap().parse().unwrap();
        assert!(record["run"]["started"].as_str().unwrap().starts_with(year));
        assert!(record["run"]["seconds"].as_float().unwrap() > 0.0);
        let times = record::read::<TimeRow>(&run).unwrap();
        assert_eq!(times.len(), 3);
        assert!(times.iter().all(|row| row.seconds > 0.0 && row.seconds < 600.0), "{times:?}");
        for command in [["status", name].as_slice(), &["report", name, "--out", "report"]] {
            let output = Command::new(PROGRAM).current_dir(at).args(command).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{command:?}: {output:?}");
        }
    }
}

#[test]
fn processes_that_start_together_share_the_runs_and_do_each_once() {
    let folder =
        folder_with(&SPEC.replace("seeds = 0", "seeds = \"0..3\"").replace("steps = 2000", "steps = 300"));
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let (mut done, mut left) = (0, 0);
    let children = [(); 3].map(|()| start(at, "shared", &[]));
    let mut codes = Vec::new();
    for child in children {
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        codes.push(status.code().unwrap());
        assert!([0, 5].contains(&codes[codes.len() - 1]), "{stderr}");
        done += stderr.lines().filter(|line| line.contains(" task 3/3 ")).count();
        left += stderr.matches("left to another process, which is running it").count();
        left += stderr.matches("finished by another process meanwhile").count();
    }
    // The last to come may find some finished before it looks, and each asks twice for those of others.
    assert!(done == 6 && left <= 24, "{done} done, {left} left to others");
    assert!(codes.contains(&0), "the last to end has nothing left to leave to others: {codes:?}");
    assert!(results(&at.join("shared")) == results(&at.join("whole")));
}

//! The program under faults: killed, told to end, without room, without rights, twice at once. After each
//! of them the runs go on, and end with the bytes of runs that nothing happened to.
#![cfg(unix)]

mod agents;
mod damage;
mod limits;
mod locks;
mod networks;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use plasticity_bench::random::Stream;
use plasticity_bench::record::{self, FILES, Row, TimeRow};

const PROGRAM: &str = env!("CARGO_BIN_EXE_plasticity-bench");
const KILLS: usize = 50;

/// About two seconds of computing in all; draws in every step, and pairs a fresh network.
const SPEC: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"unit\" }
stream = { family = \"shuffled-labels\", tasks = 3, examples = 64, steps = 2000, batch_size = 8 }
network = { kind = \"mlp\", hidden = [32, 32] }
optimizer = \"adam\"
probes = { names = [\"srank\", \"update_norm\"], samples = 16, plasticity_gap = true }
[grid]
activation = [\"randomized-smooth-leaky\", \"relu\"]
seeds = 0
";

fn arguments(folder: &Path, out: &str, more: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(["run", "spec.toml", "--log-steps", "--jobs", "2", "--out", out]);
    command.args(more).stdin(Stdio::null());
    command
}

/// Runs to the end: exit code and stderr.
fn outcome(folder: &Path, out: &str, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = arguments(folder, out, more).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn start(folder: &Path, out: &str, more: &[&str]) -> Child {
    arguments(folder, out, more).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn folder_with(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spec.toml"), spec).unwrap();
    folder
}

fn run_folders(out: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(out.join("tiny")) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
    folders.sort();
    folders
}

/// Every CSV file but `times.csv` by its path below `out`, and the last checkpoints. A matrix is there for
/// families that split the classes alone, and a missing file is missed by the count.
fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for run in run_folders(out) {
        let last = (0..9).rev().map(|task| format!("checkpoints/task-000{task}.safetensors"));
        let last = last.into_iter().find(|name| run.join(name).is_file()).unwrap();
        let rows = FILES.iter().map(|file| file.name).filter(|&name| name != TimeRow::FILE);
        for name in rows.chain([last.as_str()]) {
            let path = run.join(name);
            let Ok(bytes) = fs::read(&path) else { continue };
            files.insert(path.strip_prefix(out).unwrap().to_owned(), bytes);
        }
    }
    assert!(!files.is_empty());
    files
}

fn status_of(run: &Path) -> Option<String> {
    let text = fs::read_to_string(run.join("run.toml")).ok()?;
    Some(text.parse::<toml::Table>().unwrap()["run"]["status"].as_str().unwrap().to_owned())
}

/// All files of the runs that say they are done.
fn finished(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for run in run_folders(out).into_iter().filter(|run| status_of(run).as_deref() == Some("done")) {
        for name in ["run.toml", "tasks.csv", "times.csv", "probes.csv", "steps.csv"] {
            files.insert(run.join(name), fs::read(run.join(name)).unwrap());
        }
    }
    files
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn fifty_kills_at_random_moments_lose_nothing_and_count_nothing_twice() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let whole = results(&at.join("whole"));
    assert_eq!(whole.len(), 8);
    let (mut kills, mut rounds) = (0, 0);
    let mut moments = Stream::new(1, "test", 0);
    let mut longest = 300.0;
    while kills < KILLS {
        rounds += 1;
        let name = format!("round-{rounds}");
        let out = at.join(&name);
        let mut before = BTreeMap::new();
        loop {
            if kills == KILLS {
                let (code, stderr) = outcome(at, &name, &["--quiet"]);
                assert_eq!(code, Some(0), "{stderr}");
                break;
            }
            let mut child = start(at, &name, &["--quiet", "--checkpoint-every", "0.01"]);
            // Longer where the machine is so slow that all of them come before the first step.
            longest *= 1.01;
            sleep(Duration::from_secs_f64(moments.uniform(1.0, longest) / 1e3));
            child.kill().unwrap(); // SIGKILL
            let status = child.wait().unwrap();
            let now = finished(&out);
            assert!(
                before.iter().all(|(path, bytes)| now.get(path) == Some(bytes)),
                "a finished run changed"
            );
            before = now;
            if status.signal() != Some(9) {
                assert_eq!(status.code(), Some(0));
                break;
            }
            kills += 1;
        }
        assert!(results(&out) == whole, "after {kills} kills");
        for run in run_folders(&out) {
            let torn = |path: &Path| path.extension().is_some_and(|end| end == "partial");
            let left = |folder: &Path| fs::read_dir(folder).unwrap().any(|f| torn(&f.unwrap().path()));
            assert!(!left(&run) && !left(&run.join("checkpoints")), "a partial file stays");
        }
    }
    println!("{kills} kills in {rounds} rounds");
}

#[test]
fn a_terminated_process_leaves_within_seconds_and_the_run_goes_on_within_its_task() {
    // One task of seconds, so that the signal comes within it.
    let folder =
        folder_with(&SPEC.replace("steps = 2000", "steps = 12000").replace("tasks = 3", "tasks = 1"));
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    for signal in ["-TERM", "-INT", "-HUP"] {
        let out = at.join(signal);
        let mut child = start(at, &format!("./{signal}"), &[]);
        wait_until("both runs have begun", || {
            let begun = run_folders(&out);
            begun.len() == 2 && begun.iter().all(|run| run.join("checkpoints/task-0000.toml").is_file())
        });
        sleep(Duration::from_millis(100));
        let sent = Instant::now();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(130), "{signal}");
        assert!(sent.elapsed() < Duration::from_secs(5), "{signal}: {:?}", sent.elapsed());
        let within: Vec<f64> = run_folders(&out).iter().map(|run| seconds_within(run)).collect();
        assert_eq!(within.len(), 2);

        let (code, stderr) = outcome(at, &format!("./{signal}"), &[]);
        assert_eq!(code, Some(0), "{stderr}");
        for (run, before) in run_folders(&out).iter().zip(within) {
            let seconds = record::read::<TimeRow>(run).unwrap()[0].seconds;
            assert!(before > 0.0 && seconds > before, "seconds add up over attempts: {before} {seconds}");
        }
        assert!(results(&out) == results(&at.join("whole")), "{signal}");
    }
}

/// Seconds of the unfinished task in the newest checkpoint, which has to be within one.
fn seconds_within(run: &Path) -> f64 {
    let names = fs::read_dir(run.join("checkpoints")).unwrap().map(|f| f.unwrap().path());
    let within =
        |path: &PathBuf| path.to_str().unwrap().contains("-step-") && path.extension().unwrap() == "toml";
    let newest = names.filter(within).max().expect("there is a checkpoint within the task");
    let manifest: toml::Table = fs::read_to_string(newest).unwrap().parse().unwrap();
    manifest["open"]["seconds"].as_float().unwrap()
}

#[test]
fn a_second_process_leaves_the_runs_to_the_first_and_takes_over_once_that_is_killed() {
    let folder = folder_with(&SPEC.replace("steps = 2000", "steps = 20000"));
    let at = folder.path();
    let out = at.join("results");
    let mut first = start(at, "results", &["--quiet", "--checkpoint-every", "0.05"]);
    wait_until("both runs have begun", || {
        run_folders(&out).iter().filter(|run| run.join("checkpoints").is_dir()).count() == 2
    });
    let (code, stderr) = outcome(at, "results", &[]);
    assert!(first.try_wait().unwrap().is_none(), "the first process ended too early for this test");
    assert_eq!(code, Some(5), "{stderr}");
    assert_eq!(stderr.matches("left to another process, which is running it").count(), 2, "{stderr}");
    assert!(stderr.contains("2 of the runs are left to another process, which is running them"), "{stderr}");
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = start(at, "results", &["--quiet"]);
    let begun = Instant::now();
    wait_until("the second process goes on", || {
        let locks = out.join("tiny/.locks");
        fs::read_dir(locks)
            .unwrap()
            .all(|lock| fs::File::open(lock.unwrap().path()).unwrap().try_lock().is_err())
    });
    assert!(begun.elapsed() < Duration::from_secs(10));
    second.kill().unwrap();
    second.wait().unwrap();
}

/// A file system of its own in memory; gone with this.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where mounting is not permitted.
    fn mount(at: &'a Path, options: &str) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    fn resize(&self, size: &str) {
        let remount =
            Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(self.0).status();
        assert!(remount.unwrap().success());
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_fails_the_runs_in_a_sentence_and_with_room_they_go_on() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let disk = at.join("disk");
    fs::create_dir(&disk).unwrap();
    // Full from the first file, with the first checkpoint, and at two moments of the training.
    for size in ["4k", "200k", "900k", "1500k"] {
        let Some(small) = SmallDisk::mount(&disk, &format!("size={size}")) else {
            println!("skipped: file systems cannot be mounted here");
            return;
        };
        let (code, stderr) = outcome(at, "disk/out", &["--checkpoint-every", "0.05"]);
        assert!(matches!(code, Some(2 | 4)), "{size}: {code:?} {stderr}");
        assert!(stderr.contains("No space left on device"), "{size}: {stderr}");
        for run in run_folders(&disk.join("out")) {
            assert_ne!(status_of(&run).as_deref(), Some("done"), "{size}");
        }
        small.resize("64m");
        let (code, stderr) = outcome(at, "disk/out", &[]);
        assert_eq!(code, Some(0), "{size}: {stderr}");
        assert!(results(&disk.join("out")) == results(&at.join("whole")), "{size}");
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The program under a user whom permissions bind; `None` where there is no way to become one.
fn bound_by_permissions(folder: &Path) -> Option<Command> {
    let probe = folder.join("probe");
    fs::create_dir(&probe).unwrap();
    set_mode(&probe, 0o555);
    let mut command = if fs::write(probe.join("x"), "").is_err() {
        Command::new(PROGRAM)
    } else {
        const NOBODY: [&str; 5] = ["--reuid=65534", "--regid=65534", "--clear-groups", "--", PROGRAM];
        let tried = Command::new("setpriv").args(NOBODY).arg("--version").output();
        tried.ok().filter(|output| output.status.success())?;
        let mut command = Command::new("setpriv");
        command.args(NOBODY);
        command
    };
    command.current_dir(folder).args(["run", "spec.toml", "--log-steps", "--jobs", "2", "--out", "results"]);
    Some(command)
}

#[test]
fn a_folder_without_rights_is_named_and_a_failed_run_is_tried_again() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    set_mode(at, 0o777);
    let Some(mut command) = bound_by_permissions(at) else {
        println!("skipped: this user may write everywhere and cannot become another");
        return;
    };
    let mut go = || {
        let Output { status, stderr, .. } = command.output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    };
    let out = at.join("results");
    fs::create_dir(&out).unwrap();
    set_mode(&out, 0o555);
    let (code, stderr) = go();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.starts_with("error: results cannot be written to results;"), "{stderr}");
    assert!(stderr.contains("--out") && stderr.contains("Permission denied"), "{stderr}");

    set_mode(&out, 0o777);
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let first = run_folders(&at.join("whole"))[0].file_name().unwrap().to_owned();
    let barred = out.join("tiny").join(&first);
    fs::create_dir_all(&barred).unwrap();
    set_mode(&out.join("tiny"), 0o777);
    set_mode(&barred, 0o555);
    let (code, stderr) = go();
    assert_eq!(code, Some(4), "{stderr}");
    assert!(stderr.contains("Permission denied") && stderr.contains(first.to_str().unwrap()), "{stderr}");
    let done: Vec<_> = finished(&out).into_keys().collect();
    assert_eq!(done.len(), 5, "the other run is done: {done:?}");

    set_mode(&barred, 0o777);
    let (code, stderr) = go();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("2 runs, 1 finished before"), "{stderr}");
    assert!(results(&out) == results(&at.join("whole")));
}

/// The clock on the wall is for timestamps alone: were it read anywhere else, a jump could change a run.
#[test]
fn only_the_record_reads_the_clock_on_the_wall() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut readers = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read_to_string(&path).is_ok_and(|text| text.contains("SystemTime")) {
                readers.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    readers.sort();
    assert_eq!(readers, ["clock.rs", "run_file.rs"]);
}

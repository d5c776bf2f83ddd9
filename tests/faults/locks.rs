//! File systems without working locks, as a library that is loaded before the system's makes them.

use super::*;

/// `flock` that is refused, as on NFS without its lock service.
const REFUSED: &str = "#include <errno.h>\nint flock(int f, int o) { errno = ENOLCK; return -1; }\n";
/// `flock` that does nothing, as on NFS mounted with `nolock` on several machines.
const IDLE: &str = "int flock(int f, int o) { return 0; }\n";

/// The compiled library; `None` where there is no C compiler or nothing is loaded before the system's.
fn library(folder: &Path, name: &str, source: &str) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let (code, library) = (folder.join(name).with_extension("c"), folder.join(name).with_extension("so"));
    fs::write(&code, source).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &code]).status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn a_lock_that_is_refused_is_reported_and_the_runs_are_done() {
    let folder = folder_with(&SPEC.replace("steps = 2000", "steps = 100"));
    let at = folder.path();
    let Some(library) = library(at, "refused", REFUSED) else {
        println!("skipped: there is no C compiler here");
        return;
    };
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let Output { status, stderr, .. } =
        arguments(at, "unlocked", &[]).env("LD_PRELOAD", library).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.matches("runs without a lock").count(), 2, "{stderr}");
    assert!(stderr.contains("No locks available"), "{stderr}");
    assert!(results(&at.join("unlocked")) == results(&at.join("whole")));
}

#[test]
fn two_processes_that_locks_do_not_keep_apart_double_no_row() {
    let folder = folder_with(SPEC);
    let at = folder.path();
    let Some(library) = library(at, "idle", IDLE) else {
        println!("skipped: there is no C compiler here");
        return;
    };
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let whole = results(&at.join("whole"));
    let mut noticed = 0;
    for round in 0..4 {
        let out = format!("round-{round}");
        let begin = || {
            let mut command = arguments(at, &out, &["--quiet", "--checkpoint-every", "0.05"]);
            command.env("LD_PRELOAD", &library).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let first = begin();
        sleep(Duration::from_millis(30 + 100 * round));
        for child in [first, begin()] {
            let Output { status, stderr, .. } = child.wait_with_output().unwrap();
            let stderr = String::from_utf8(stderr).unwrap();
            assert!(matches!(status.code(), Some(0 | 4)), "{stderr}");
            noticed += stderr.matches("another process writes to the same run").count();
        }
        // Alone again, and anew where the two have left no checkpoint whose rows are there.
        let (code, stderr) = outcome(at, &out, &["--quiet"]);
        if code != Some(0) {
            assert!(code == Some(4) && stderr.contains("--fresh"), "{code:?} {stderr}");
            assert_eq!(outcome(at, &out, &["--quiet", "--fresh"]).0, Some(0));
        }
        assert!(results(&at.join(&out)) == whole, "round {round}");
    }
    println!("{noticed} times was the other process noticed");
}

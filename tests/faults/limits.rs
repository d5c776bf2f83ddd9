//! Writes that the system refuses after so many bytes, wherever that comes: what a full disk does, for
//! every user and at chosen places.

use super::*;

/// Its checkpoints have about 13 and 26 kB, its steps.csv about 80.
const SMALL: &str = "\
name = \"tiny\"
data = { dataset = \"generated-digits\", scaling = \"unit\" }
stream = { family = \"shuffled-labels\", tasks = 3, examples = 64, steps = 600, batch_size = 8 }
network = { kind = \"mlp\", hidden = [4, 4] }
optimizer = \"adam\"
probes = { names = [\"srank\"], samples = 16, plasticity_gap = true }
[grid]
activation = [\"randomized-smooth-leaky\", \"relu\"]
seeds = 0
";

/// The run with no file longer than `blocks` of 512 bytes (1024 in some shells).
fn limited(folder: &Path, out: &str, blocks: u32) -> (Option<i32>, String) {
    // Ignored, the signal becomes an error of the write that went too far.
    let script = "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"";
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-c", script, &blocks.to_string(), PROGRAM, "run", "spec.toml"]);
    command.args(["--log-steps", "--jobs", "2", "--out", out, "--checkpoint-every", "0.05"]);
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_write_that_is_refused_anywhere_fails_its_run_in_a_sentence_and_loses_nothing() {
    let folder = folder_with(SMALL);
    let at = folder.path();
    assert_eq!(outcome(at, "whole", &["--quiet"]).0, Some(0));
    let whole = results(&at.join("whole"));
    // The first file, the plan, the first checkpoint, moments, rows early and late.
    for blocks in [0, 1, 5, 15, 30, 52, 65, 75] {
        let name = format!("out-{blocks}");
        let (code, stderr) = limited(at, &name, blocks);
        assert!(matches!(code, Some(2 | 4)), "{blocks}: {code:?} {stderr}");
        assert!(stderr.contains("File too large") && stderr.contains("--out"), "{blocks}: {stderr}");
        for run in run_folders(&at.join(&name)) {
            assert_ne!(status_of(&run).as_deref(), Some("done"), "{blocks}");
        }
        let (code, stderr) = outcome(at, &name, &["--quiet"]);
        assert_eq!(code, Some(0), "{blocks}: {stderr}");
        assert!(results(&at.join(&name)) == whole, "{blocks}");
    }
}

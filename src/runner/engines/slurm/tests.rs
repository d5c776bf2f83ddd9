//! The scripts, and what is made of Slurm's answers.

use super::*;
use crate::runner::engines::submission::tests::submission;

#[test]
fn the_scripts_are_as_slurm_reads_them() {
    let files = (ENGINE.files)(&submission()).unwrap();
    assert_eq!(
        files[0].1,
        r#"#!/bin/bash
#SBATCH --job-name=shuffled-labels-mnist
#SBATCH --array=1-2,7
#SBATCH --cpus-per-task=4
#SBATCH --time=0-02:30:00
#SBATCH --mem=900M
#SBATCH --partition=short
#SBATCH --output="/scratch/it's 100%%/results/shuffled-labels-mnist/.submit/1/task-%a.txt"
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@60

# One task trains one share of the grid. It can be run again harmlessly: finished runs are skipped,
# interrupted ones go on from their last checkpoint. What is done stands in the results alone.

again=
trap 'again=yes; kill -TERM "$child"' USR1
# Slurm tells every process of the task itself: passed on, a second TERM would end the program at once.
trap : TERM

cd -- '/home/ada/my experiments' || exit 2
# As many runs side by side as SLURM_CPUS_PER_TASK says.
env 'PLASTICITY_DATA_DIR=/data/sets $old' /opt/plasticity-bench run '/scratch/it'\''s 100%/spec.toml' --seeds 0..10 --shard "$SLURM_ARRAY_TASK_ID/12" &
child=$!
# A trapped signal ends the wait, not the program.
while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done

if [ "$again" ] && [ "$code" -ne 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 100 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"#
    );
    assert_eq!(
        files[1].1,
        r#"#!/bin/bash
#SBATCH --job-name=shuffled-labels-mnist
#SBATCH --partition=short
#SBATCH --output="/scratch/it's 100%%/results/shuffled-labels-mnist/.submit/1/report.txt"
#SBATCH --open-mode=append
#SBATCH --requeue

cd -- '/home/ada/my experiments' || exit 2
exec env 'PLASTICITY_DATA_DIR=/data/sets $old' /opt/plasticity-bench report '/scratch/it'\''s 100%/results'
"#
    );
}

#[test]
fn what_slurm_cannot_take_is_refused() {
    let refused = |change: fn(&mut Submission)| {
        let mut broken = submission();
        change(&mut broken);
        (ENGINE.files)(&broken).unwrap_err().to_string()
    };
    let said = refused(|broken| broken.limits.account = Some("a\nb".into()));
    assert!(said.starts_with("--account \"a\\nb\" cannot be given to Slurm"), "{said}");
    let said = refused(|broken| broken.folder = r"/a\b".into());
    assert!(said.contains("backslash"), "{said}");
}

#[test]
fn states_are_counted_and_no_task_is_no_news() {
    let text = "RUNNING|None\nPENDING|Resources\nPENDING|Resources\nPENDING|Dependency\n";
    assert_eq!(counted(text).unwrap(), "1 running, 2 pending (Resources), 1 pending (Dependency)");
    assert_eq!(counted(""), None);
}

/// The script under bash with stand-ins for the program and for scontrol, told as Slurm tells it.
#[test]
fn near_the_time_limit_the_program_is_told_and_the_task_requeued() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let program = write(
        "program",
        "#!/bin/bash\ntrap 'echo told >>out; exit 130' TERM\necho $$ >pid\necho \"$@\" >out\nfor i in {1..200}; do sleep 0.05; done\n",
    );
    write("scontrol", "#!/bin/sh\necho \"$@\" >requeued\n");
    let mut submission = submission();
    submission.start_in = folder.path().display().to_string();
    submission.run = vec![program, "run".into()];
    let script = write("slurm.sh", &array(&submission).unwrap());
    for (signal, requeued) in [("-USR1", true), ("-TERM", false)] {
        let mut task = Command::new("bash")
            .arg(&script)
            .env("PATH", format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap()))
            .envs([("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_JOB_ID", "40")])
            .spawn()
            .unwrap();
        let out = folder.path().join("out");
        let begun = Instant::now();
        while !std::fs::read_to_string(&out).is_ok_and(|text| !text.is_empty()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the program was never started");
            thread::sleep(Duration::from_millis(10));
        }
        let tell = |signal: &str, pid: &str| {
            assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
        };
        tell(signal, &task.id().to_string());
        if signal == "-TERM" {
            // Slurm's own to the program, which the script must not have sent a moment ago.
            thread::sleep(Duration::from_millis(200));
            assert!(!std::fs::read_to_string(&out).unwrap().contains("told"));
            tell(signal, std::fs::read_to_string(folder.path().join("pid")).unwrap().trim());
        }
        assert_eq!(task.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "run --shard 7/12\ntold\n");
        let asked = std::fs::read_to_string(folder.path().join("requeued")).ok();
        assert_eq!(asked.as_deref(), requeued.then_some("requeue 40_7\n"), "{signal}");
        let _ = std::fs::remove_file(folder.path().join("requeued"));
        std::fs::remove_file(&out).unwrap();
    }
}

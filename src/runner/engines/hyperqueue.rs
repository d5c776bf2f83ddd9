//! `HyperQueue` (<https://it4innovations.github.io/hyperqueue>): many short tasks within allocations of a
//! cluster, or on one machine. Each line of a file is a task, handed to it in `HQ_ENTRY`.

use std::process::Command;

use anyhow::{Context, bail};

use super::quote::quote;
use super::{Engine, Record, Start, Submission};

const SCRIPT: &str = "hyperqueue.sh";
const TASKS: &str = "commands.txt";

/// The engine.
pub const ENGINE: Engine = Engine {
    name: "hyperqueue",
    summary: "a HyperQueue job (`hq submit --each-line`), one task a chunk; needs hq on PATH and a server",
    files,
    start: Start::Here(submit),
    look: |_: &Record| None,
};

fn files(submission: &Submission) -> anyhow::Result<Vec<(&'static str, String)>> {
    let path = |name: &str| quote(&submission.path(name).display().to_string());
    let (name, workers) = (quote(&submission.name), submission.workers);
    let script = format!(
        "#!/bin/sh\n\
         # Tasks can be run again harmlessly. hq's own state says nothing of the results (it ends with 0 when\n\
         # a task has failed): ask `plasticity-bench status`.\n\
         exec hq submit --output-mode=quiet --name={name} --cpus={workers} \\\n    \
         --each-line={} --stdout=none --stderr=none \\\n    \
         -- sh -c 'eval \"$HQ_ENTRY\" >>\"$0/task-$HQ_TASK_ID.txt\" 2>&1' {}\n",
        path(TASKS),
        quote(&submission.folder.display().to_string()),
    );
    Ok(vec![(SCRIPT, script), (TASKS, submission.commands()?)])
}

fn submit(submission: &Submission) -> anyhow::Result<Vec<String>> {
    let script = submission.path(SCRIPT);
    let output = Command::new("sh")
        .arg(&script)
        .output()
        .with_context(|| format!("{} could not be started", script.display()))?;
    if !output.status.success() {
        bail!(
            "hq has not taken {}: {}; start a server (`hq server start`) where hq is on PATH, or submit with \
             --dry-run and start the script by hand",
            script.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(vec![String::from_utf8_lossy(&output.stdout).trim().to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::engines::submission::tests::submission;

    #[test]
    fn the_script_hands_over_a_line_a_task() {
        let files = (ENGINE.files)(&submission()).unwrap();
        assert_eq!(
            files[0].1,
            r#"#!/bin/sh
# Tasks can be run again harmlessly. hq's own state says nothing of the results (it ends with 0 when
# a task has failed): ask `plasticity-bench status`.
exec hq submit --output-mode=quiet --name=shuffled-labels-mnist --cpus=4 \
    --each-line='/scratch/it'\''s 100%/results/shuffled-labels-mnist/.submit/1/commands.txt' --stdout=none --stderr=none \
    -- sh -c 'eval "$HQ_ENTRY" >>"$0/task-$HQ_TASK_ID.txt" 2>&1' '/scratch/it'\''s 100%/results/shuffled-labels-mnist/.submit/1'
"#
        );
        assert_eq!(files[1].1.lines().count(), 3);
    }
}

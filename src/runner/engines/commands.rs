//! One command line a chunk, for GNU parallel, xargs, or any engine that takes commands.

use std::path::Path;

use super::quote::quote;
use super::{Engine, Start};

const FILE: &str = "commands.txt";

/// The engine.
pub const ENGINE: Engine = Engine {
    name: "commands",
    summary: "a file of commands, one self-contained line a chunk, for GNU parallel or any other engine",
    files: |submission| Ok(vec![(FILE, submission.commands()?)]),
    start: Start::ByHand(start),
    look: |_| None,
};

fn start(file: &Path) -> String {
    let file = quote(&file.display().to_string());
    format!("Start it with, for example: parallel --joblog jobs.log --resume-failed < {file}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::engines::submission::tests::submission;

    #[test]
    fn each_chunk_is_a_line_that_needs_nothing_else() {
        let files = (ENGINE.files)(&submission()).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(
            files[0].1,
            r"cd -- '/home/ada/my experiments' && env 'PLASTICITY_DATA_DIR=/data/sets $old' /opt/plasticity-bench run '/scratch/it'\''s 100%/spec.toml' --seeds 0..10 --shard 1/12 --jobs 4
cd -- '/home/ada/my experiments' && env 'PLASTICITY_DATA_DIR=/data/sets $old' /opt/plasticity-bench run '/scratch/it'\''s 100%/spec.toml' --seeds 0..10 --shard 2/12 --jobs 4
cd -- '/home/ada/my experiments' && env 'PLASTICITY_DATA_DIR=/data/sets $old' /opt/plasticity-bench run '/scratch/it'\''s 100%/spec.toml' --seeds 0..10 --shard 7/12 --jobs 4
"
        );
    }

    #[test]
    fn a_path_that_would_break_the_line_is_refused() {
        let mut broken = submission();
        broken.start_in = "/home/two\nlines".into();
        let refused = (ENGINE.files)(&broken).unwrap_err().to_string();
        assert!(refused.contains("control character"), "{refused}");
    }
}

//! `status DIR`: what a folder of results holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::counts::{Counts, benchmark, table, word};
use super::{Exit, Failure, output, watch};
use crate::results::{self, Found, Outside, State};
use crate::runner::engines;
use crate::runner::{self, duration};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the results, of one benchmark or of one run
    #[arg(value_name = "DIR", default_value = "results")]
    dir: PathBuf,
    /// Print the table alone, not the runs that are not done
    #[arg(long)]
    summary: bool,
    /// Draw the table and every variant's scores over tasks again, every 2 seconds or as many as given, until
    /// no run is left
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "2",
        value_parser = super::grid::seconds,
        conflicts_with = "summary"
    )]
    watch: Option<f64>,
}

/// Prints a line for every run that is not done, then a table.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut benchmarks: BTreeMap<String, Counts> = BTreeMap::new();
    let folder = args.dir.canonicalize();
    let folder = folder.with_context(|| format!("there is no folder {}", args.dir.display()));
    let folder = folder.map_err(Failure::usage)?;
    if let Some(period) = args.watch {
        return watch::watch(&folder, Duration::from_secs_f64(period));
    }
    let outside = Outside { estimate: runner::estimate, is_running: runner::is_running };
    let mut tell = |found: &Found| {
        benchmarks.entry(benchmark(&found.dir)).or_default().add(found);
        if args.summary || found.state == State::Done {
            return Ok(());
        }
        let place = found.dir.strip_prefix(&folder).ok().filter(|place| !place.as_os_str().is_empty());
        output::print(&line(place.unwrap_or(&found.dir), found)).map_err(|failure| failure.error)
    };
    results::survey(&folder, outside, &mut tell).map_err(Failure::usage)?;
    let jobs = engines::look(&folder);
    for (submission, told) in &jobs {
        output::print(&format!(
            "{}: {told}",
            submission.strip_prefix(&folder).unwrap_or(submission).display()
        ))?;
    }
    if benchmarks.is_empty() && !jobs.is_empty() {
        output::print("No run has begun yet.")?;
        return Ok(Exit::Done);
    }
    if benchmarks.is_empty() {
        let absent = anyhow!("there is no run below {}; results are DIR/NAME/RUN", args.dir.display());
        return Err(Failure::usage(absent));
    }
    output::print(&table(&benchmarks))?;
    Ok(Exit::Done)
}

fn line(place: &Path, found: &Found) -> String {
    let mut parts = vec![format!("{} {}", place.display(), word(found.state))];
    parts.extend(found.tasks.map(|(done, all)| format!("{done} of {all} tasks done")));
    parts.extend(found.seconds_left.map(|seconds| format!("about {} left", duration(seconds))));
    let line = parts.join(", ");
    match &found.reason {
        Some(reason) => format!("{line}: {reason}"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(run: &str, state: State, seconds_left: Option<f64>, reason: Option<&str>) -> Found {
        let tasks = seconds_left.map(|_| (7, 50));
        let dir = Path::new("/r/bench").join(run);
        Found { dir, state, tasks, seconds_left, reason: reason.map(str::to_owned) }
    }

    #[test]
    fn runs_and_benchmarks_are_told_in_words() {
        let all = [
            found("a", State::Done, None, None),
            found("b", State::Running, Some(61.0), None),
            found("c", State::Failed, None, Some("no room left")),
            found("d", State::Diverged, None, Some("diverged in task 3 at step 17")),
            found("e", State::Unfinished, Some(8000.0), None),
        ];
        let lines: Vec<String> = all.iter().map(|f| line(f.dir.strip_prefix("/r").unwrap(), f)).collect();
        assert_eq!(
            lines,
            [
                "bench/a done",
                "bench/b running, 7 of 50 tasks done, about 1 min 01 s left",
                "bench/c failed: no room left",
                "bench/d diverged: diverged in task 3 at step 17",
                "bench/e unfinished, 7 of 50 tasks done, about 2 h 13 min left",
            ]
        );
        let mut counts = Counts::default();
        for found in &all {
            counts.add(found);
        }
        let table = table(&BTreeMap::from([(benchmark(&all[0].dir), counts)]));
        let row: Vec<&str> = table.lines().nth(3).unwrap().split_whitespace().collect();
        assert_eq!(row[..8], ["│", "bench", "5", "1", "1", "1", "1", "1"], "{table}");
        assert!(table.contains("2 h 14 min and 1 runs of unknown length"), "{table}");
    }
}

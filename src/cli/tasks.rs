//! `tasks export SPEC.toml --seed S --out DIR`

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Subcommand;

use super::data::Place;
use super::download::Download;
use super::spec_file::SpecArgs;
use super::{Exit, Failure, output};
use crate::data;
use crate::methods;
use crate::spec::Plan;
use crate::tasks;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the inputs, labels and order of a stream's tasks
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    spec: SpecArgs,
    /// Seed of the run whose stream is exported
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// Tasks to export, the end left out [default: all]
    #[arg(long, value_name = "I..J", value_parser = range)]
    tasks: Option<Range<usize>>,
    #[command(flatten)]
    place: Place,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Carries it out.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let Command::Export(export) = args.command;
    let plans = export.spec.read()?.plans(Some(&export.seed.to_string()))?;
    let plan = only_stream(&plans)?;
    plans.iter().try_for_each(methods::data::check_export).map_err(|error| Failure::usage(anyhow!(error)))?;
    let tasks = export.tasks.unwrap_or(0..plan.stream().tasks);
    let place = export.place.data_dir.as_deref();
    let set = data::load(&plan.data().dataset, place, &mut Download::new(false))?;
    let written = tasks::export(plan, Arc::new(set), tasks, &export.out)?;
    let files: Vec<String> = written.files.iter().map(|file| format!("  {}", file.display())).collect();
    output::print(&format!(
        "{} of seed {}, tasks {}..{}: {} training examples, {} test examples, {} steps\n{}",
        plan.stream().family.name,
        plan.seed,
        written.tasks.start,
        written.tasks.end,
        written.examples,
        written.test_examples,
        written.steps,
        files.join("\n")
    ))?;
    Ok(Exit::Done)
}

/// The stream that all runs of the grid share.
fn only_stream(plans: &[Plan]) -> Result<&Plan, Failure> {
    let first = &plans[0];
    if let Some(other) = plans.iter().find(|plan| !plan.is_supervised()) {
        return Err(Failure::usage(anyhow!(
            "{} trains on no images, so there is no stream of examples to export",
            other.name
        )));
    }
    let same = |plan: &Plan| (&plan.data(), &plan.stream()) == (&first.data(), &first.stream());
    if plans.iter().all(same) {
        return Ok(first);
    }
    Err(Failure::usage(anyhow!(
        "the runs of {} do not share one stream, so it is not clear which to export: settle the keys of \
         [data] and [stream] that differ with --set, as in --set stream.family={}",
        first.name,
        first.stream().family.name
    )))
}

fn range(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..").and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
    match ends {
        Some((start, end)) if start < end => Ok(start..end),
        _ => Err("expected I..J with I below J, as in 0..2 for tasks 0 and 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_tasks_leave_out_their_end() {
        assert_eq!(range("0..2"), Ok(0..2));
        for wrong in ["2", "2..2", "3..1", "..2", "0..=2", "a..b", "-1..2"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}

//! `report DIR…`

use std::path::PathBuf;

use super::{Exit, Failure, output};
use crate::catalogue::catalogue;
use crate::report::{self, export, published, tables};
use crate::results;
use crate::stderr::tell;
use crate::text_table::wrap;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Result folders: runs, benchmarks, or whatever `run --out` wrote to
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder of the report: index.html, tables and plots
    #[arg(long, value_name = "DIR", default_value = "report")]
    out: PathBuf,
    /// Set the results beside published figures, as in benchmarks/published.csv
    #[arg(long, value_name = "FILE.csv")]
    against: Option<PathBuf>,
    /// Print every table with all its columns, not the headline alone
    #[arg(long)]
    all: bool,
    /// Write every number of every run to one tidy table: .csv or .parquet
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Write event files for `TensorBoard`, a folder a run
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let published = match &args.against {
        Some(path) => published::read(path).map_err(Failure::usage)?,
        None => Vec::new(),
    };
    // What cannot be written later is told of before the reading, which may take minutes.
    args.export.as_deref().map(export::Format::of).transpose().map_err(Failure::usage)?;
    let gathered = results::gather(&args.folders, &catalogue()).map_err(Failure::usage)?;
    for problem in &gathered.problems {
        tell(format_args!("warning: {problem}"));
    }
    let all = report::tables(&gathered, &published);
    let width = Some(output::width());
    let shown = all.iter().filter_map(|table| if args.all { Some(table.clone()) } else { table.brief() });
    let drawn: Vec<String> = shown.map(|table| tables::terminal(&table, width)).collect();
    output::print(&drawn.join("\n"))?;
    if args.all {
        let definitions = tables::definitions(&all).replace("### ", "");
        let lines = definitions.lines().map(|line| wrap(line, output::width().into()));
        output::print(&lines.collect::<Vec<_>>().join("\n"))?;
    } else {
        output::print("All estimates, comparisons and definitions: --all, or the report.")?;
    }
    report::write(&gathered, &all, &args.out).map_err(Failure::usage)?;
    if let Some(path) = &args.export {
        export::export(&gathered, path).map_err(Failure::usage)?;
    }
    if let Some(folder) = &args.tensorboard {
        export::tensorboard(&gathered, folder).map_err(Failure::usage)?;
    }
    output::print(&format!("\nReport: {}", args.out.join("index.html").display()))?;
    Ok(Exit::Done)
}

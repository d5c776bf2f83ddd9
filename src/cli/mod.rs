//! The command line: one file a subcommand. Nothing else imports this room.

mod completions;
mod counts;
mod curves;
mod data;
mod device;
mod doctor;
mod download;
mod environments;
mod exit;
mod grid;
mod kind;
mod list;
mod man;
mod output;
mod reference;
mod report;
mod reproduce;
mod run;
mod spec_file;
mod status;
mod submit;
mod tasks;
mod threads;
mod training;
mod tune;
mod watch;
mod workers;

use clap::{Parser, Subcommand};

pub use exit::{Exit, Failure};
pub use threads::settle;

/// Benchmarks of loss of plasticity in continual learning.
///
/// Streams of tasks, rational activations constrained and not, probes, CSV. Start with:
/// plasticity-bench run benchmarks/quickstart.toml
#[derive(Debug, Parser)]
#[command(name = "plasticity-bench", version, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done (diverged runs included), 2 usage or spec, 3 data missing or corrupt, \
                  4 some run failed, 5 some run is left to another process, 6 rows differ \
                  (reproduce), 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train what a spec asks for; finished runs are skipped, unfinished and failed ones go on
    Run(run::Args),
    /// Try the same number of settings for every variant, and run the best of each on fresh seeds
    Tune(tune::Args),
    /// Hand a grid to a cluster's scheduler, chunk by chunk
    Submit(submit::Args),
    /// Show what is done, running, diverged, failed and unfinished below a folder, and the time left
    Status(status::Args),
    /// List, fetch and verify data sets
    Data(data::Args),
    /// Turn result folders into tables, plots and a page
    Report(report::Args),
    /// Train recorded runs again and compare every row
    Reproduce(reproduce::Args),
    /// Export a stream of tasks for other frameworks
    Tasks(tasks::Args),
    /// Step, roll out and draw environments
    Environments(environments::Args),
    /// Show what specs can name
    List(list::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write manual pages into a folder
    Man(man::Args),
    /// Show what this machine has: vectors, cores, memory, data, hub, Slurm
    Doctor(doctor::Args),
}

impl Cli {
    /// Carries the command out.
    ///
    /// # Errors
    /// With the exit code that the process should end with.
    pub fn execute(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Run(args) => run::run(&args),
            Command::Tune(args) => tune::run(&args),
            Command::Submit(args) => submit::run(&args),
            Command::Status(args) => status::run(&args),
            Command::Data(args) => data::run(args),
            Command::Report(args) => report::run(&args),
            Command::Reproduce(args) => reproduce::run(&args),
            Command::Tasks(args) => tasks::run(args),
            Command::Environments(args) => environments::run(&args),
            Command::List(args) => list::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
            Command::Doctor(args) => doctor::run(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declarations_are_sound() {
        Cli::command().debug_assert();
    }
}

//! `environments step|rollout|random|render`: anyone can check an environment against the original, and look at it.

mod draw;
mod gif;
mod policy;
mod random;
mod render;
mod rollout;
mod rows;
mod step;

use clap::Subcommand;

use super::{Exit, Failure};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take one control step from each row's state
    Step(step::Args),
    /// Write a trajectory
    Rollout(rollout::Args),
    /// Measure what uniformly drawn actions earn
    Random(random::Args),
    /// Draw a trajectory: a GIF, or some frames side by side
    Render(render::Args),
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Step(args) => step::run(args),
        Command::Rollout(args) => rollout::run(args),
        Command::Random(args) => random::run(args),
        Command::Render(args) => render::run(args),
    }
}

#[cfg(test)]
mod tests;

//! `environments step NAME --in rows.csv --out out.csv`

use std::path::PathBuf;

use anyhow::anyhow;

use super::policy::action;
use super::rows::{Columns, Table, action_width, cells, named, outcome, state, target};
use crate::cli::{Exit, Failure, output};
use crate::environments::{self, EnvironmentError};
use crate::random::Stream;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An environment, as `list environments` shows them
    name: String,
    /// States and actions: columns `qpos_0…`, `qvel_0…`, `action_0…`, and `target_0…` where the task has one
    #[arg(long = "in", value_name = "ROWS.csv")]
    input: PathBuf,
    /// What follows: `qpos_*`, `qvel_*`, `observation_*`, reward, terminated, truncated, a row for each
    #[arg(long, value_name = "OUT.csv")]
    out: PathBuf,
}

/// Carries it out. A row whose step leaves the finite numbers is empty in the output.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut world = environments::build(&args.name).map_err(Failure::usage)?;
    let space = world.spaces().action.clone();
    if world.physics().is_none() {
        return Err(Failure::usage(anyhow!(
            "{} has no state that can be set: `environments rollout` writes what it does from a seed",
            args.name
        )));
    }
    let (qpos, qvel) = state(&mut *world);
    let targets = target(&mut *world).len();
    let file = Columns::read(&args.input)?;
    let columns = [
        file.find("qpos", qpos.len())?,
        file.find("qvel", qvel.len())?,
        file.find("action", action_width(&*world))?,
        file.find("target", targets)?,
    ];
    let mut seen = vec![0.0; world.spaces().features()];
    let header = [
        named("qpos", qpos.len()),
        named("qvel", qvel.len()),
        named("observation", seen.len()),
        ["reward", "terminated", "truncated"].map(String::from).to_vec(),
    ]
    .concat();
    let mut table = Table::new(&header);
    let mut draws = Stream::new(0, "environment", 0);
    let mut lost = 0;
    for row in 0..file.len() {
        let read = |columns: &[usize]| {
            file.numbers(row, columns)?.ok_or_else(|| {
                Failure::usage(anyhow!("{}:{}: the row is not whole", args.input.display(), row + 2))
            })
        };
        let [qpos, qvel, numbers, target] =
            [read(&columns[0])?, read(&columns[1])?, read(&columns[2])?, read(&columns[3])?];
        let physics = world.physics().expect("it was one above");
        let stepped = match physics.set(&qpos, &qvel, &target) {
            Ok(()) => world.step(action(&numbers, &space)?, &mut draws),
            Err(error) => Err(error),
        };
        match stepped {
            Ok(step) => {
                world.observe(&mut seen);
                let (qpos, qvel) = state(&mut *world);
                table.push(&[cells(&qpos), cells(&qvel), cells(&seen), outcome(step)].concat());
            }
            Err(EnvironmentError::NotFinite(_)) => {
                lost += 1;
                table.push(&vec![String::new(); header.len()]);
            }
            Err(error) => return Err(Failure::usage(error)),
        }
    }
    table.write(&args.out)?;
    let note = match lost {
        0 => String::new(),
        lost => format!("; {lost} left the finite numbers, and their rows are empty"),
    };
    output::print(&format!("{}: {} steps in {}{note}", args.name, file.len(), args.out.display()))?;
    Ok(Exit::Done)
}

//! `environments rollout NAME --seed S --policy random|zero|FILE.csv [--steps N] --out out.csv`

use std::path::PathBuf;

use super::policy::{Policy, action};
use super::rows::{Table, action_width, cells, named, outcome, state, target};
use crate::cli::{Exit, Failure, output};
use crate::environments::{self, Environment, EnvironmentError, Step};
use crate::random::Stream;

/// What is played.
#[derive(Debug, clap::Args)]
pub struct Play {
    /// An environment, as `list environments` shows them
    pub name: String,
    /// Seed of the start and of random actions
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// random, zero, or a file with columns `action_0…`, a row a step
    #[arg(long, value_name = "POLICY")]
    pub policy: String,
    /// Steps at most [default: to the end of the episode, at most 1000]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
}

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    play: Play,
    /// A row a step, the start first: step, `qpos_*`, `qvel_*`, `target_*`, `action_*`, `observation_*`,
    /// reward, terminated, truncated, all as they are after the step; success last, empty where the environment
    /// does not say whether its task is solved
    #[arg(long, value_name = "OUT.csv")]
    out: PathBuf,
}

/// How a trajectory ended.
pub struct Played {
    /// Steps taken.
    pub steps: usize,
    /// Sum of the rewards.
    pub sum: f64,
    /// In words.
    pub end: &'static str,
}

impl Play {
    /// Plays one episode or a part of it; `each` sees the world at the start and after every step, with the
    /// action that led there.
    pub fn run(
        &self,
        mut each: impl FnMut(&mut dyn Environment, usize, Option<(&[f64], Step)>) -> Result<(), Failure>,
    ) -> Result<Played, Failure> {
        let mut world = environments::build(&self.name).map_err(Failure::usage)?;
        let space = world.spaces().action.clone();
        let mut policy = Policy::named(&self.policy, self.seed, &*world)?;
        let mut draws = Stream::new(self.seed, "environment", 0);
        world.reset(&mut draws).map_err(Failure::usage)?;
        each(&mut *world, 0, None)?;
        let most = self.steps.unwrap_or_else(|| world.spaces().step_limit.unwrap_or(1000));
        let mut played = Played { steps: 0, sum: 0.0, end: "not at its end" };
        while played.steps < most {
            let Some(numbers) = policy.act(played.steps, &space) else { break };
            let step = match world.step(action(&numbers, &space)?, &mut draws) {
                Err(EnvironmentError::NotFinite(_)) => {
                    played.end = "its state left the finite numbers";
                    break;
                }
                other => other.map_err(Failure::usage)?,
            };
            played.steps += 1;
            played.sum += step.reward;
            each(&mut *world, played.steps, Some((&numbers, step)))?;
            if step.ended() {
                played.end = if step.terminated { "terminated" } else { "truncated" };
                break;
            }
        }
        Ok(played)
    }
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut table = None;
    let mut seen = Vec::new();
    let played = args.play.run(|world, number, passed| {
        let (qpos, qvel) = state(world);
        let target = target(world);
        let width = action_width(world);
        seen.resize(world.spaces().features(), 0.0);
        world.observe(&mut seen);
        let table = table.get_or_insert_with(|| {
            let header = [
                vec!["step".to_owned()],
                named("qpos", qpos.len()),
                named("qvel", qvel.len()),
                named("target", target.len()),
                named("action", width),
                named("observation", seen.len()),
                ["reward", "terminated", "truncated", "success"].map(String::from).to_vec(),
            ];
            Table::new(&header.concat())
        });
        let (action, end) = match passed {
            Some((action, step)) => {
                let success = step.success.map_or_else(String::new, |success| success.to_string());
                (cells(action), [outcome(step), vec![success]].concat())
            }
            None => (vec![String::new(); width], vec![String::new(); 4]),
        };
        let state = [cells(&qpos), cells(&qvel), cells(&target)].concat();
        table.push(&[vec![number.to_string()], state, action, cells(&seen), end].concat());
        Ok(())
    })?;
    if let Some(table) = table {
        table.write(&args.out)?;
    }
    output::print(&format!(
        "{}, seed {}, {}: {} steps, return {}, {}; {}",
        args.play.name,
        args.play.seed,
        args.play.policy,
        played.steps,
        played.sum,
        played.end,
        args.out.display()
    ))?;
    Ok(Exit::Done)
}

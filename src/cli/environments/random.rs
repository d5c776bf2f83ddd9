//! `environments random [NAME …] --episodes N`: what uniformly drawn actions earn, the floor of an
//! environment's returns.

use super::policy::{Policy, action};
use crate::cli::{Exit, Failure, output};
use crate::environments::{self, Environment};
use crate::random::Stream;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Environments, as `list environments` shows them [default: all of them]
    names: Vec<String>,
    /// Episodes of each
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    episodes: u32,
    /// Seed of starts and actions
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

/// Steps of an episode without a limit of its own.
const MOST: usize = 1000;

/// Returns of so many episodes.
fn returns(world: &mut dyn Environment, seed: u64, episodes: u32) -> Result<Vec<f64>, Failure> {
    let space = world.spaces().action.clone();
    let mut policy = Policy::named("random", seed, world)?;
    let mut draws = Stream::new(seed, "environment", 0);
    let most = world.spaces().step_limit.unwrap_or(MOST);
    let mut returns = Vec::new();
    for _ in 0..episodes {
        world.reset(&mut draws).map_err(Failure::usage)?;
        let mut sum = 0.0;
        for number in 0..most {
            let numbers = policy.act(number, &space).expect("random actions have no end");
            let step = world.step(action(&numbers, &space)?, &mut draws).map_err(Failure::usage)?;
            sum += step.reward;
            if step.ended() {
                break;
            }
        }
        returns.push(sum);
    }
    Ok(returns)
}

/// Mean, standard error of it, least, most.
fn figures(returns: &[f64]) -> [f64; 4] {
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let least = returns.iter().copied().fold(f64::INFINITY, f64::min);
    let most = returns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [mean, (variance / n).sqrt(), least, most]
}

/// Carries it out: a line an environment, as soon as it is known.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let all = || environments::entries().into_iter().map(|entry| entry.name.to_owned()).collect();
    let names = if args.names.is_empty() { all() } else { args.names.clone() };
    output::print("environment,episodes,mean,standard_error,least,most")?;
    for name in names {
        let mut world = environments::build(&name).map_err(Failure::usage)?;
        let [mean, error, least, most] = figures(&returns(&mut *world, args.seed, args.episodes)?);
        output::print(&format!("{name},{},{mean:.4},{error:.4},{least:.4},{most:.4}", args.episodes))?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: mean 4, variance 4, its root by the root of 3.
    #[test]
    fn known_figures() {
        let [mean, error, least, most] = figures(&[2.0, 4.0, 6.0]);
        assert_eq!((mean, least, most), (4.0, 2.0, 6.0));
        assert!((error - 2.0 / 3f64.sqrt()).abs() < 1e-15);
    }

    /// Every floor that an environment states is near what its own random actions earn. Few episodes say
    /// little where a start decides, so a floor taken over from another task by mistake is found by its number.
    #[test]
    fn stated_floors_are_measured_ones() {
        let mut stated: Vec<f64> = Vec::new();
        for entry in environments::entries() {
            let mut world = environments::build(entry.name).unwrap();
            let Some(floor) = world.spaces().random_return else { continue };
            assert!(floor == 0.0 || !stated.contains(&floor), "{}: {floor} is another's", entry.name);
            stated.push(floor);
            let returns = returns(&mut *world, 17, 4).unwrap_or_else(|_| panic!("{}", entry.name));
            let [mean, error, ..] = figures(&returns);
            let range = world.spaces().returns.map_or(floor.abs(), |(least, most)| most - least);
            let apart = (mean - floor).abs();
            assert!(apart < 5.0 * error + 0.2 * range, "{}: {mean} ± {error} and not {floor}", entry.name);
        }
        assert!(stated.len() >= 25, "{}", stated.len());
    }
}

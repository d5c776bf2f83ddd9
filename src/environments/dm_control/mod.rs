//! The planar tasks of the DeepMind Control Suite under its names (Tassa et al. 2018, arXiv 1801.00690;
//! `dm_control` 1.0.50): observations, rewards, starts and lengths of episodes as there.
//!
//! Every reward lies in [0, 1], every episode is cut off after 1000 control steps and never terminates, but
//! for lqr's.

mod acrobot;
mod ball_in_cup;
mod cartpole;
mod cheetah;
mod finger;
mod hopper;
mod lqr;
mod pendulum;
mod point_mass;
mod reacher;
mod swimmer;
mod tolerance;
mod walker;

use super::Registered;

const SOURCE: &str = "dm_control 1.0.50; Tassa et al. 2018, arXiv 1801.00690";

/// Control steps of an episode.
const LIMIT: Option<usize> = Some(1000);
/// Least and greatest sum of the rewards of an episode.
const RETURNS: Option<(f64, f64)> = Some((0.0, 1000.0));
/// Greatest reward of a step.
const MOST: Option<f64> = Some(1.0);

/// All tasks.
pub fn registry() -> Vec<Registered> {
    let files = [
        pendulum::REGISTERED,
        cartpole::REGISTERED,
        acrobot::REGISTERED,
        point_mass::REGISTERED,
        reacher::REGISTERED,
        ball_in_cup::REGISTERED,
        cheetah::REGISTERED,
        hopper::REGISTERED,
        walker::REGISTERED,
        finger::REGISTERED,
        swimmer::REGISTERED,
        lqr::REGISTERED,
    ];
    files.concat()
}

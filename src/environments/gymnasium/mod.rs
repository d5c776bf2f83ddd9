//! Gymnasium's planar MuJoCo tasks, version 5 (Towers et al. 2024, arXiv 2407.17032; Gymnasium 1.4.0):
//! observations, rewards, ends and starts as there with the default settings.
//!
//! Gymnasium leaves MuJoCo's warm start on, so that its steps follow from more than state and action; here
//! they are those without.

mod inverted_double_pendulum;
mod inverted_pendulum;
mod runner;

use super::Registered;

const SOURCE: &str = "Gymnasium 1.4.0; Towers et al. 2024, arXiv 2407.17032";

/// Control steps of an episode.
const LIMIT: Option<usize> = Some(1000);

/// All tasks.
pub fn registry() -> Vec<Registered> {
    [runner::REGISTERED, inverted_pendulum::REGISTERED, inverted_double_pendulum::REGISTERED].concat()
}

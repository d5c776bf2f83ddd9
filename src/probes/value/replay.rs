//! Returns from states of the past: by the policy's own draw, by its mode, and by the action that the critics
//! like best. Each is followed by the policy, all three under the same noise.

use super::following::{Returns, follow, observe, worlds};
use super::q_gap::{Best, best};
use super::{ValueError, Visited};
use crate::agents::Beliefs;
use crate::environments::Environment;
use crate::random::Stream;

/// States looked at.
const STATES: usize = 64;

/// Of one moment.
pub struct Replay {
    /// States.
    pub count: usize,
    /// (count, features)
    pub states: Vec<f32>,
    /// (count, actions): drawn by the policy.
    pub actions: Vec<f32>,
    /// What followed on those.
    pub(super) drawn: Returns,
    /// The best actions that the critics see.
    pub(super) best: Best,
    /// What followed on the mode, and on the best.
    pub(super) of_mode: Returns,
    pub(super) of_best: Returns,
}

impl Replay {
    /// From states that were visited; `None` if there are none, or the environment cannot be copied or leaves
    /// the finite numbers.
    ///
    /// # Errors
    /// If the environment or candle fails.
    pub fn new(
        agent: &dyn Beliefs,
        environment: &dyn Environment,
        visited: &Visited,
        draws: &mut Stream,
    ) -> Result<Option<Self>, ValueError> {
        let picked = visited.pick(STATES);
        let count = picked.len();
        if count == 0 {
            return Ok(None);
        }
        let Some(here) = worlds(environment, &picked)? else { return Ok(None) };
        let states = observe(&here.iter().map(|world| &**world).collect::<Vec<_>>());
        let actions = agent.policy(&states, Some(draws))?.actions;
        let best = best(agent, &states, count, draws)?;
        // Copies of one generator, so that what differs is the first action.
        let returns = |first: &[f32]| match worlds(environment, &picked)? {
            Some(worlds) => follow(agent, worlds, first, &mut draws.clone()),
            None => Ok(None),
        };
        let (Some(drawn), Some(of_mode), Some(of_best)) =
            (returns(&actions)?, returns(&best.own)?, returns(&best.actions)?)
        else {
            return Ok(None);
        };
        Ok(Some(Self { count, states, actions, drawn, best, of_mode, of_best }))
    }
}

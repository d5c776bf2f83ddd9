//! Episodes of the policy as it acts in training, with what was earned after every step.

use super::ValueError;
use crate::agents::Beliefs;
use crate::agents::scale::Scale;
use crate::environments::{Action, Environment, EnvironmentError};
use crate::random::Stream;

/// Pairs come from an episode's first steps (REDQ: 350 of at most 1000): what is cut off after its end
/// weighs γ^650, about 0.0015, in the least.
const FIRST: usize = 350;
/// Decisions of an episode without a limit of its own.
const MOST: usize = 1000;

/// On-policy pairs (s, a) and what followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// Pairs.
    pub pairs: usize,
    /// (pairs, features)
    pub states: Vec<f32>,
    /// (pairs, actions), in the agent's scale.
    pub actions: Vec<f32>,
    /// (pairs): log π(a | s).
    pub log_probs: Vec<f64>,
    /// (pairs): reward of the step.
    pub rewards: Vec<f64>,
    /// (pairs, features)
    pub next_states: Vec<f32>,
    /// (pairs): whether the next state has a value.
    pub continues: Vec<bool>,
    /// (pairs): Σ γᵏ rₜ₊ₖ.
    pub hard: Vec<f64>,
    /// (pairs): the same less α log π of every later action; this step's own is not counted, as it is not
    /// in Q.
    pub soft: Vec<f64>,
}

/// One episode while it is walked through.
#[derive(Default)]
struct Walk {
    states: Vec<f32>,
    actions: Vec<f32>,
    log_probs: Vec<f64>,
    rewards: Vec<f64>,
    terminated: bool,
}

impl Rollout {
    /// Pairs of so many episodes, walked side by side from copies of `environment`; `None` if it cannot be
    /// copied or leaves the finite numbers.
    ///
    /// # Errors
    /// If the environment or candle fails.
    pub fn new(
        agent: &dyn Beliefs,
        environment: &dyn Environment,
        episodes: usize,
        draws: &mut Stream,
    ) -> Result<Option<Self>, ValueError> {
        let mut worlds = Vec::new();
        for _ in 0..episodes {
            let Some(mut world) = environment.duplicate() else { return Ok(None) };
            world.reset(draws)?;
            worlds.push(world);
        }
        let scale = Scale::new(&environment.spaces().action);
        let features = environment.spaces().features();
        let mut walks: Vec<Walk> = (0..episodes).map(|_| Walk::default()).collect();
        let mut going: Vec<usize> = (0..episodes).collect();
        let mut observation = vec![0.0; features];
        for _ in 0..environment.spaces().step_limit.unwrap_or(MOST) {
            let mut states = Vec::with_capacity(going.len() * features);
            for &number in &going {
                worlds[number].observe(&mut observation);
                states.extend(observation.iter().map(|&x| x as f32));
            }
            let decisions = agent.policy(&states, Some(draws))?;
            let width = decisions.actions.len() / going.len();
            let mut ended = Vec::new();
            for (row, &number) in going.iter().enumerate() {
                let action = &decisions.actions[row * width..][..width];
                let step = if agent.discrete().is_some() {
                    worlds[number].step(Action::Discrete(action[0] as usize), draws)
                } else {
                    worlds[number].step(Action::Continuous(&scale.outward(action)), draws)
                };
                let step = match step {
                    // A policy that throws the environment out of the numbers has no return to compare with.
                    Err(EnvironmentError::NotFinite(_)) => return Ok(None),
                    step => step?,
                };
                let walk = &mut walks[number];
                walk.states.extend_from_slice(&states[row * features..][..features]);
                walk.actions.extend_from_slice(action);
                walk.log_probs.push(decisions.log_probs[row]);
                walk.rewards.push(step.reward);
                walk.terminated = step.terminated;
                if step.ended() {
                    ended.push(number);
                }
            }
            going.retain(|number| !ended.contains(number));
            if going.is_empty() {
                break;
            }
        }
        let mut rollout = Self::default();
        for walk in &walks {
            rollout.add(walk, agent, features);
        }
        Ok(Some(rollout))
    }

    /// The pairs of an episode whose return was seen to its end, or nearly so.
    fn add(&mut self, walk: &Walk, agent: &dyn Beliefs, features: usize) {
        let (steps, gamma, alpha) = (walk.rewards.len(), agent.discount(), agent.temperature());
        let width = walk.actions.len() / steps;
        let (mut hard, mut soft) = (vec![0.0; steps], vec![0.0; steps]);
        for t in (0..steps).rev() {
            let after = if t + 1 < steps {
                (hard[t + 1], soft[t + 1] - alpha * walk.log_probs[t + 1])
            } else {
                (0.0, 0.0)
            };
            hard[t] = walk.rewards[t] + gamma * after.0;
            soft[t] = walk.rewards[t] + gamma * after.1;
        }
        // Of an episode that was cut off, the last steps saw too little of what follows.
        let usable = if walk.terminated { steps } else { steps.min(FIRST).min(steps * 35 / 100) };
        for t in 0..usable.min(FIRST) {
            let state = |t: usize| &walk.states[t * features..][..features];
            self.states.extend_from_slice(state(t));
            // After a terminal step nothing is asked of the next state; its own stands there.
            self.next_states.extend_from_slice(state((t + 1).min(steps - 1)));
            self.actions.extend_from_slice(&walk.actions[t * width..][..width]);
            self.continues.push(!(walk.terminated && t + 1 == steps));
        }
        let usable = usable.min(FIRST);
        self.log_probs.extend_from_slice(&walk.log_probs[..usable]);
        self.rewards.extend_from_slice(&walk.rewards[..usable]);
        self.hard.extend_from_slice(&hard[..usable]);
        self.soft.extend_from_slice(&soft[..usable]);
        self.pairs += usable;
    }
}

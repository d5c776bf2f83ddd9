//! Five smallest environments, each of which asks for one thing of an agent (after Andy Jones, "Debugging
//! reinforcement learning systems", 2021): a value, a value by observation, a discount, a policy, and a
//! policy by observation.

use crate::environments::{Action, ActionSpace, Environment, EnvironmentError, Spaces, Step};
use crate::random::Stream;
use crate::state::{StateDict, StateError, Stateful, Values};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Reward 1 at once: Q = 1.
    Value,
    /// Reward ±1 as seen: Q = observation.
    Observation,
    /// Reward 1 after two steps: Q = γ, then 1.
    Discount,
    /// The best action is 0.5, or action 1 of two.
    Policy,
    /// The best action is half the observation, or action 1 where it is above 0.
    Both,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct ProbeWorld {
    asks: Asks,
    spaces: Spaces,
    observation: f64,
}

impl ProbeWorld {
    pub fn new(asks: Asks, discrete: bool) -> Self {
        let action =
            if discrete { ActionSpace::Discrete(2) } else { ActionSpace::Continuous(vec![(-1.0, 1.0)]) };
        let spaces = Spaces {
            observation: vec![1],
            action,
            returns: Some((-1.0, 1.0)),
            max_reward: Some(1.0),
            step_limit: None,
            random_return: None,
        };
        Self { asks, spaces, observation: 0.0 }
    }
}

impl Environment for ProbeWorld {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError> {
        let coin = if draws.below(2) == 0 { -1.0 } else { 1.0 };
        self.observation = if matches!(self.asks, Asks::Observation | Asks::Both) { coin } else { 0.0 };
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, _: &mut Stream) -> Result<Step, EnvironmentError> {
        let hit = |best: f64| match action {
            Action::Continuous(a) => 1.0 - (a[0] - best).powi(2),
            Action::Discrete(number) => {
                if (number == 1) == (best > 0.0) {
                    1.0
                } else {
                    -1.0
                }
            }
        };
        let (reward, terminated) = match self.asks {
            Asks::Value => (1.0, true),
            Asks::Observation => (self.observation, true),
            Asks::Discount => (self.observation, self.observation == 1.0),
            Asks::Policy => (hit(0.5), true),
            Asks::Both => (hit(0.5 * self.observation), true),
        };
        if self.asks == Asks::Discount {
            self.observation = 1.0;
        }
        Ok(Step { reward, terminated, truncated: false, success: None })
    }

    fn observe(&self, observation: &mut [f64]) {
        observation[0] = self.observation;
    }

    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(self.clone()))
    }
}

impl Stateful for ProbeWorld {
    fn save(&self, state: &mut StateDict) {
        state.insert("observation", Values::F64(vec![self.observation]));
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        state.copy_f64s("observation", std::slice::from_mut(&mut self.observation))
    }
}

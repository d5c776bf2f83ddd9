//! Action repeat: a decision is held for several control steps.

use super::{Action, Environment, EnvironmentError, Physics, Spaces, Step};
use crate::random::Stream;
use crate::state::{StateDict, StateError, Stateful};

/// An environment each of whose steps is several steps of another with the same action: rewards are
/// summed, and it stops at the episode's end. Limits and bounds in [`Spaces`] are those of decisions.
pub struct ActionRepeat {
    inner: Box<dyn Environment>,
    times: usize,
    spaces: Spaces,
}

impl ActionRepeat {
    /// Holds each action for `times` steps, at least 1.
    #[must_use]
    pub fn new(inner: Box<dyn Environment>, times: usize) -> Self {
        let times = times.max(1);
        let mut spaces = inner.spaces().clone();
        // A sum over fewer steps than `times`, at the end of an episode, can be above a sum over all of
        // them where rewards are negative.
        spaces.max_reward =
            spaces.max_reward.map(|reward| if reward > 0.0 { reward * times as f64 } else { reward });
        // Measured with an action a step.
        spaces.random_return = spaces.random_return.filter(|_| times == 1);
        spaces.step_limit = spaces.step_limit.map(|limit| limit.div_ceil(times));
        Self { inner, times, spaces }
    }
}

impl Stateful for ActionRepeat {
    fn save(&self, state: &mut StateDict) {
        self.inner.save(state);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.inner.load(state)
    }
}

impl Environment for ActionRepeat {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError> {
        self.inner.reset(draws)
    }

    fn step(&mut self, action: Action<'_>, draws: &mut Stream) -> Result<Step, EnvironmentError> {
        let mut sum = self.inner.step(action, draws)?;
        for _ in 1..self.times {
            if sum.ended() {
                break;
            }
            sum = sum.then(self.inner.step(action, draws)?);
        }
        Ok(sum)
    }

    fn observe(&self, observation: &mut [f64]) {
        self.inner.observe(observation);
    }

    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        let inner = self.inner.duplicate()?;
        Some(Box::new(Self { inner, times: self.times, spaces: self.spaces.clone() }))
    }

    fn lift_limit(&mut self) {
        self.inner.lift_limit();
        self.spaces.step_limit = None;
    }

    fn physics(&mut self) -> Option<&mut dyn Physics> {
        self.inner.physics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environments::build;

    #[test]
    fn a_decision_is_so_many_steps_and_stops_at_the_end() {
        let mut draws = Stream::new(0, "test", 0);
        let mut world = ActionRepeat::new(build("MountainCar-v0").unwrap(), 3);
        assert_eq!((world.spaces().step_limit, world.spaces().max_reward), (Some(67), Some(-1.0)));
        world.reset(&mut draws).unwrap();
        let steps: Vec<Step> =
            (0..67).map(|_| world.step(Action::Discrete(1), &mut draws).unwrap()).collect();
        assert!(steps[..66].iter().all(|step| step.reward == -3.0 && !step.ended()));
        // 200 = 66 × 3 + 2.
        assert_eq!(steps[66], Step { reward: -2.0, terminated: false, truncated: true, success: None });

        let mut world = ActionRepeat::new(build("CartPole-v1").unwrap(), 4);
        assert_eq!((world.spaces().step_limit, world.spaces().max_reward), (Some(125), Some(4.0)));
        world.reset(&mut draws).unwrap();
        let mut state = StateDict::default();
        world.step(Action::Discrete(0), &mut draws).unwrap();
        world.save(&mut state);
        let mut again = ActionRepeat::new(build("CartPole-v1").unwrap(), 4);
        again.load(&state).unwrap();
        let mut copy = world.duplicate().unwrap();
        loop {
            let step = world.step(Action::Discrete(0), &mut draws).unwrap();
            assert_eq!(step, again.step(Action::Discrete(0), &mut draws).unwrap());
            assert_eq!(step, copy.step(Action::Discrete(0), &mut draws).unwrap());
            if step.ended() {
                break;
            }
        }
    }
}

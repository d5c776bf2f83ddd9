//! States of the environment that training went through, from which returns can be asked for: a state of the
//! replay buffer as TD3 takes it (Fujimoto et al. 2018), with all that its observation does not show.
//!
//! They are picked by their number alone, evenly over all that the buffer still holds, so no draw is needed
//! and nothing of training is touched.

use crate::environments::Environment;
use crate::state::{StateDict, StateError, Stateful, Values};

/// At least so many are kept once there were as many, and at most twice as many.
const KEPT: usize = 128;

/// The states.
#[derive(Clone, Debug, PartialEq)]
pub struct Visited {
    /// Decisions that the past reaches back.
    span: u64,
    /// Decisions between two that are kept.
    every: u64,
    passed: u64,
    /// Decision, and the state that it was made in; rising.
    states: Vec<(u64, StateDict)>,
}

impl Visited {
    /// None yet, of a past of `span` decisions.
    #[must_use]
    pub fn new(span: usize) -> Self {
        Self { span: span as u64, every: 1, passed: 0, states: Vec::new() }
    }

    /// Forgets all states: they are another environment's.
    pub fn clear(&mut self) {
        *self = Self::new(self.span as usize);
    }

    /// Takes note of the state that a decision is made in.
    pub fn pass(&mut self, environment: &dyn Environment) {
        let number = self.passed;
        self.passed += 1;
        // What cannot be copied (a program outside) is not asked for its state either.
        if !number.is_multiple_of(self.every) || environment.duplicate().is_none() {
            return;
        }
        self.states.push((number, StateDict::of(environment)));
        let oldest = self.passed.saturating_sub(self.span);
        self.states.retain(|(number, _)| *number >= oldest);
        if self.states.len() >= 2 * KEPT {
            self.every *= 2;
            self.states.retain(|(number, _)| number.is_multiple_of(self.every));
        }
    }

    /// At most `most` of them, evenly over the past.
    #[must_use]
    pub fn pick(&self, most: usize) -> Vec<&StateDict> {
        let count = self.states.len().min(most);
        (0..count).map(|i| &self.states[i * self.states.len() / count].1).collect()
    }
}

/// Entries of all states one behind the other: every state of an environment has the same ones.
impl Stateful for Visited {
    fn save(&self, state: &mut StateDict) {
        state.insert_u64("every", self.every);
        state.insert_u64("passed", self.passed);
        state.insert("numbers", Values::U64(self.states.iter().map(|(number, _)| *number).collect()));
        let Some((_, first)) = self.states.first() else { return };
        let mut joined = first.clone();
        for (_, other) in &self.states[1..] {
            joined.append(other);
        }
        state.insert_under("states", joined);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.every = state.u64("every")?;
        self.passed = state.u64("passed")?;
        let numbers = state.u64s("numbers")?;
        let joined = state.part("states");
        let states = joined.split(numbers.len())?;
        self.states = numbers.iter().copied().zip(states).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environments::{Action, build};
    use crate::random::Stream;

    fn numbers(visited: &Visited) -> Vec<u64> {
        visited.states.iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn states_lie_evenly_over_the_past_and_old_ones_go() {
        let world = build("pendulum-swingup").unwrap();
        let mut visited = Visited::new(1000);
        for _ in 0..255 {
            visited.pass(&*world);
        }
        assert_eq!(numbers(&visited), (0..255).collect::<Vec<_>>());
        for _ in 255..5000 {
            visited.pass(&*world);
        }
        let kept = numbers(&visited);
        assert!(kept.len() >= KEPT && kept.len() < 2 * KEPT, "{}", kept.len());
        assert!(kept[0] >= 4000 && kept[0] < 4000 + visited.every, "{kept:?}");
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == visited.every));
        assert_eq!(visited.pick(3).len(), 3);
        assert!(visited.pick(1000).len() == kept.len() && Visited::new(9).pick(4).is_empty());
    }

    #[test]
    fn a_state_taken_back_goes_on_as_it_did() {
        let mut world = build("cheetah-run").unwrap();
        let mut draws = Stream::new(0, "test", 0);
        world.reset(&mut draws).unwrap();
        let mut visited = Visited::new(100);
        let mut straight = Vec::new();
        for i in 0..6 {
            visited.pass(&*world);
            let action = [0.1 * f64::from(i); 6];
            straight.push(world.step(Action::Continuous(&action), &mut draws).unwrap().reward);
        }
        let mut again = Visited::new(100);
        again.load(&StateDict::of(&visited)).unwrap();
        assert_eq!(again, visited);
        for (i, state) in again.pick(6).into_iter().enumerate() {
            let mut copy = world.duplicate().unwrap();
            copy.load(state).unwrap();
            let action = [0.1 * i as f64; 6];
            assert_eq!(copy.step(Action::Continuous(&action), &mut draws).unwrap().reward, straight[i]);
        }
        let mut empty = visited.clone();
        empty.load(&StateDict::of(&Visited::new(100))).unwrap();
        assert_eq!(empty, Visited::new(100));
    }
}

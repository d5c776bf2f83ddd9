//! Observations that are shifted.

use super::{Action, Environment, EnvironmentError, Physics, Spaces, Step};
use crate::random::Stream;
use crate::state::{StateDict, StateError, Stateful};

/// An environment to whose observations a fixed vector is added. The state is the inner one's.
pub struct ObservationOffset {
    inner: Box<dyn Environment>,
    offset: Vec<f64>,
}

impl ObservationOffset {
    /// Adds `offset`, one number for each of an observation.
    ///
    /// # Panics
    /// If it has another length.
    #[must_use]
    pub fn new(inner: Box<dyn Environment>, offset: Vec<f64>) -> Self {
        assert_eq!(offset.len(), inner.spaces().features(), "one offset for each number of an observation");
        Self { inner, offset }
    }
}

impl Stateful for ObservationOffset {
    fn save(&self, state: &mut StateDict) {
        self.inner.save(state);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.inner.load(state)
    }
}

impl Environment for ObservationOffset {
    fn spaces(&self) -> &Spaces {
        self.inner.spaces()
    }

    fn reset(&mut self, draws: &mut Stream) -> Result<(), EnvironmentError> {
        self.inner.reset(draws)
    }

    fn step(&mut self, action: Action<'_>, draws: &mut Stream) -> Result<Step, EnvironmentError> {
        self.inner.step(action, draws)
    }

    fn observe(&self, observation: &mut [f64]) {
        self.inner.observe(observation);
        for (value, offset) in observation.iter_mut().zip(&self.offset) {
            *value += offset;
        }
    }

    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(Self { inner: self.inner.duplicate()?, offset: self.offset.clone() }))
    }

    fn lift_limit(&mut self) {
        self.inner.lift_limit();
    }

    fn physics(&mut self) -> Option<&mut dyn Physics> {
        self.inner.physics()
    }
}

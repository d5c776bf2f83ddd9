//! What the forward pass of an op leaves for its backward pass, in either float type.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

/// A place for it in an op, whose own type says nothing of the floats.
#[derive(Default)]
pub struct Tape(Mutex<Option<Box<dyn Any + Send>>>);

impl Tape {
    /// Keeps what a pass left, or nothing, in the place of what was kept before.
    pub fn keep<S: Send + 'static>(&self, left: Option<S>) {
        let left = left.map(|left| Box::new(left) as Box<dyn Any + Send>);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }

    /// Takes it; `None` where nothing of this type was kept.
    pub fn take<S: 'static>(&self) -> Option<Box<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?.downcast().ok()
    }
}

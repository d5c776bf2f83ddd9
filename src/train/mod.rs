//! Training loops: `supervised` learns a stream of tasks from examples, [`control`] lets an agent act. What loops share stands beside:
//! checkpoints, signals to and from the outside, what an observer is told.

pub mod checkpoint;
pub mod control;
mod error;
mod evaluate;
mod learner;
mod observer;
pub mod signals;
mod supervised;

pub use self::error::TrainError;
pub use self::evaluate::{Evaluation, evaluate, evaluate_with};
pub use self::learner::{Learner, StepResult};
pub use self::observer::{Edge, Observer, Rows, TaskResult};
pub use self::supervised::run;
pub use crate::trained::{StepTrace, Trained, View};

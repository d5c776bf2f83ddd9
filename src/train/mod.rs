//! Training loops: `supervised` learns a stream of tasks from examples, [`control`] lets an agent act. What loops share stands beside:
//! checkpoints, signals to and from the outside, what an observer is told.

pub mod checkpoint;
pub mod control;
mod error;
mod evaluate;
mod feed;
mod learner;
mod observer;
mod place;
pub mod signals;
mod supervised;

pub use self::error::TrainError;
pub use self::evaluate::{Evaluation, evaluate, evaluate_with};
pub use self::feed::Feed;
pub use self::learner::{Learner, StepResult};
pub use self::observer::{Edge, Observer, Rows, TaskResult};
pub use self::place::{Cpu, Pair, Place, Places, Processor, Taken};
pub use self::supervised::{run, run_at};
pub use crate::trained::{StepTrace, Trained, View};

//! Between training and the rows on disk: what is measured of a run, when, and under which columns.
//!
//! [`Recording`] is the observer of a supervised run, [`ControlRecording`] that of an agent's;
//! [`run_diagnostic`] writes the rows of a diagnostic. They call the rest of this room at the edges of tasks:
//! [`Looks`] measures a network with the probes, [`accuracy_matrix_line`] evaluates it on the tasks so far,
//! and [`task_template`] fills in the columns of `tasks.csv` that all tasks of a run share. Everything goes
//! through [`RunRows`], which opens the run's files where its checkpoint says.

mod control;
mod diagnostic;
mod looks;
mod matrix;
mod recording;
mod rows;
mod template;

pub use control::ControlRecording;
pub use diagnostic::run_diagnostic;
pub use looks::{Looks, Moment};
pub use matrix::line as accuracy_matrix_line;
pub use recording::Recording;
pub use rows::{FirstStep, RunRows};
pub use template::task_template;

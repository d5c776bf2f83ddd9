//! Result folders read back: runs, and runs gathered into variants × benchmarks × seeds.
//!
//! [`find`](find()) says which folders are runs, [`open`] reads one of them, [`gather`](gather()) all of them;
//! [`survey`](survey()) says how runs stand while others write them, [`closing_table`] what a grid came to, and
//! [`compare`] whether a run has the rows of another.

mod closing;
mod coefficients;
mod comparison;
mod damage;
mod downsampled;
mod evaluations;
mod find;
mod gather;
mod labels;
mod mean;
mod probes;
mod retention;
mod run;
mod survey;
mod tasks;
mod tuning;

pub use crate::record::each_row;
pub use closing::{Closing, closing_table};
pub use coefficients::{Shapes, Snapshot};
pub use comparison::{Comparison, Difference, compare};
pub use downsampled::Downsampled;
pub use evaluations::{Curve, Evaluations};
pub use find::find;
pub use gather::{Cell, Results, Tally, gather};
pub use mean::Mean;
pub use probes::{LastTask, Probes};
pub use retention::{Matrix, Retention};
pub use run::{Run, open};
pub use survey::{Found, Outside, State, survey};
pub use tuning::{Outcome, Search, TUNING_FILE, Tried, write_tuning};

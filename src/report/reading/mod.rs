//! What result folders hold, gathered into variants × benchmarks × seeds.

mod coefficients;
mod group;
mod probes;
mod retention;
mod run;
mod stream;
mod thin;

pub use coefficients::{Learned, Snapshot};
pub use group::{Cell, Results, Tally, gather};
pub use retention::Retention;
pub use run::{Run, find, open};
pub(super) use stream::each_row;
pub use thin::Series;

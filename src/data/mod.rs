//! Images: where they come from and what they look like in memory.

mod images;

pub use images::{DataSet, Images};

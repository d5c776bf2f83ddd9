//! From result folders to tables, plots and one HTML page.

pub mod metric;
pub mod plots;
pub mod reading;
pub mod statistics;
pub mod tables;

//! From result folders to tables, plots and one HTML page.

pub mod statistics;

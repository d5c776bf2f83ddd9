//! train

pub mod control;

//! Shared by the benches: the problem that is trained on, one training step of it, clocks, tables.
#![allow(dead_code, reason = "each bench uses a part of it")]

#[path = "../../tests/common/mod.rs"]
pub mod common;

pub mod clock;
pub mod names;
pub mod peak;
pub mod problem;
pub mod serve;
pub mod table;
pub mod trainer;

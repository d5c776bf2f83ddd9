//! plasticity-bench: benchmarks of loss of plasticity in continual learning.

pub mod atomic;
pub mod catalogue;
pub mod cli;
pub mod data;
pub mod kernels;
pub mod methods;
pub mod nn;
pub mod probes;
pub mod random;
pub mod record;
pub mod report;
pub mod runner;
pub mod spec;
pub mod tasks;
pub mod train;

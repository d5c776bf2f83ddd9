//! Command line of plasticity-bench.

fn main() {}

//! Command line of plasticity-bench.
//!
//! Training is one thread a run. candle has two thread pools of its own (`RAYON_NUM_THREADS`,
//! `CANDLE_NUM_THREADS`); nothing on the training path enters them, so neither variable has to be set,
//! and setting one from here would take `unsafe`.

use std::process::ExitCode;

use clap::Parser;
use plasticity_bench::cli::Cli;

/// Tensors come and go by the thousand a second; glibc maps and unmaps memory for each of the larger ones.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit.into()
        }
    }
}

//! Command line of plasticity-bench.

use std::process::ExitCode;

use clap::Parser;
use plasticity_bench::cli::{Cli, settle};
use plasticity_bench::stderr::tell;

/// Tensors come and go by the thousand a second; glibc maps and unmaps memory for each of the larger ones.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    settle();
    match Cli::parse().execute() {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(format_args!("error: {failure}"));
            failure.exit.into()
        }
    }
}

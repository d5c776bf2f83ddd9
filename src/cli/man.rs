//! `man DIR`: manual pages, one a subcommand.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;

use super::{Cli, Exit, Failure, output};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for the pages; made if it is not there
    dir: PathBuf,
}

/// Writes them.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let place = || format!("manual pages cannot be written into {}", args.dir.display());
    std::fs::create_dir_all(&args.dir).with_context(place).map_err(Failure::usage)?;
    clap_mangen::generate_to(Cli::command(), &args.dir).with_context(place).map_err(Failure::usage)?;
    let page = args.dir.join("plasticity-bench.1");
    output::print(&format!("written; read them with `man {}`", page.display()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        run(&Args { dir: folder.path().join("man1") }).unwrap();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let page = folder.path().join(format!("man1/plasticity-bench-{}.1", command.get_name()));
            assert!(page.is_file(), "{}", page.display());
        }
    }
}

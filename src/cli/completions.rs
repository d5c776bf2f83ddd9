//! `completions SHELL`

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Exit, Failure, output};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell, whose own documentation says where its scripts go
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    output::print(&script(args.shell))?;
    Ok(Exit::Done)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "plasticity-bench", &mut script);
    String::from_utf8(script).expect("scripts are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_subcommands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = script(shell);
            for word in ["completions", "verify", "export", "dry-run", "keep-checkpoints"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}

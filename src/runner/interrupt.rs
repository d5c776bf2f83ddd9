//! Ctrl-C: once to end at the next step, twice to end at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

use crate::stderr::tell;

/// Exit code of an interrupted process, as shells count it for SIGINT.
pub const EXIT_CODE: u8 = 130;

/// Catches Ctrl-C (SIGINT), SIGTERM and SIGHUP for the rest of the process and gives the flag that the
/// first one raises. The second one ends the process with [`EXIT_CODE`]. Call it once.
pub fn install() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::SeqCst) {
            std::process::exit(EXIT_CODE.into());
        }
        tell("\nInterrupted: ending at the next step (once more to end at once).");
    })
    .context("Ctrl-C could not be caught")?;
    Ok(flag)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Lines};
    use std::process::{Child, ChildStdout, Command, Stdio};
    use std::time::Duration;

    const CHILD: &str = "PLASTICITY_TEST_INTERRUPT";

    #[test]
    #[ignore = "the child process of the tests below"]
    fn child_that_waits() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        let flag = install().unwrap();
        println!("\nready");
        while !flag.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("\nraised");
        std::thread::sleep(Duration::from_mins(1));
    }

    fn child() -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("runner::interrupt::tests::child_that_waits")
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    fn send(signal: &str, child: &Child) {
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn wait_for(word: &str, lines: &mut Lines<BufReader<ChildStdout>>) {
        assert!(lines.map_while(Result::ok).any(|line| line == word), "the child never said {word}");
    }

    #[test]
    fn the_first_signal_raises_the_flag_and_the_second_ends_with_130() {
        for signal in ["-INT", "-TERM"] {
            let (mut child, mut lines) = child();
            wait_for("ready", &mut lines);
            send(signal, &child);
            wait_for("raised", &mut lines);
            assert!(child.try_wait().unwrap().is_none(), "one {signal} must not end the process");
            send(signal, &child);
            assert_eq!(child.wait().unwrap().code(), Some(130));
        }
    }
}

//! One process a run: an advisory lock that the kernel drops when its holder ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// [`is_held`] takes the lock for a moment, so a failed attempt is repeated this many times, [`PAUSE`] apart.
const REPEATS: usize = 3;
const PAUSE: Duration = Duration::from_millis(5);

/// What came of asking for a lock.
#[derive(Debug)]
pub enum Claim {
    /// Ours until this is dropped.
    Held(Lock),
    /// Another process (or another thread of this one) has it.
    Taken,
    /// The system gives no lock, as some network file systems do not, for this reason.
    Refused(io::Error),
}

/// A held lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Asks for the lock at `path` without waiting.
///
/// The file stays behind when the lock is dropped: unlinking it would let a process that had opened
/// it before and one that creates it anew both believe that they hold it.
pub fn claim(path: &Path) -> io::Result<Claim> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    let mut answer = file.try_lock();
    for _ in 0..REPEATS {
        match &answer {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
        answer = file.try_lock();
    }
    Ok(match answer {
        Ok(()) => Claim::Held(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Claim::Taken,
        // Unsupported, or ENOLCK: NFS without its lock service. The file could be opened, so it is the lock
        // that is missing and not a right.
        Err(TryLockError::Error(error)) => Claim::Refused(error),
    })
}

/// Whether a living process holds the lock at `path`, as far as this can be known.
pub fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    const CHILD: &str = "PLASTICITY_TEST_LOCK";

    #[test]
    fn a_second_holder_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/run");
        let first = claim(&path).unwrap();
        assert!(matches!(first, Claim::Held(_)));
        assert!(matches!(claim(&path).unwrap(), Claim::Taken));
        assert!(is_held(&path) && !is_held(&folder.path().join("absent")));
        drop(first);
        // A child process that another test is starting has a copy of the lock until its program begins.
        let free = (0..200).any(|_| {
            std::thread::sleep(PAUSE);
            !is_held(&path)
        });
        assert!(free);
        assert!(matches!(claim(&path).unwrap(), Claim::Held(_)));
    }

    #[test]
    #[ignore = "the child process of the test below"]
    fn child_that_holds_until_killed() {
        let Some(path) = std::env::var_os(CHILD) else { return };
        let _held = claim(Path::new(&path)).unwrap();
        println!("\nheld");
        std::thread::sleep(Duration::from_mins(1));
    }

    #[test]
    fn a_killed_process_leaves_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("runner::lock::tests::child_that_holds_until_killed")
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "held"), "the child never held the lock");
        assert!(matches!(claim(&path).unwrap(), Claim::Taken));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(claim(&path).unwrap(), Claim::Held(_)));
    }
}

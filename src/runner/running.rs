//! Whether a process is at a run, asked from outside.

use std::path::Path;

use super::folders::Run;
use super::lock;

/// Whether a living process works on the run in `dir`, by its lock.
#[must_use]
pub fn is_running(dir: &Path) -> bool {
    lock::is_held(&Run::lock(dir))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::runner::lock::Claim;
    use crate::runner::test_plans::plan;
    use crate::runner::{Options, select};

    #[test]
    fn a_held_run_is_running_and_a_released_one_is_not() {
        let out = tempfile::tempdir().unwrap();
        let run = select(&[plan("relu", 0)], &Options::new(out.path())).unwrap().remove(0);
        assert!(!is_running(&run.dir));
        let held = run.claim().unwrap();
        assert!(matches!(held, Claim::Held(_)));
        assert!(is_running(&run.dir));
        drop(held);
        assert!(!is_running(&run.dir));
    }

    #[test]
    fn asking_never_takes_a_run_from_a_process_that_claims_it() {
        let out = tempfile::tempdir().unwrap();
        let run = select(&[plan("relu", 0)], &Options::new(out.path())).unwrap().remove(0);
        drop(run.claim().unwrap());
        let enough = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let _ = is_running(&run.dir);
                    thread::sleep(Duration::from_micros(100));
                }
            });
            let taken = (0..300).filter(|_| !matches!(run.claim().unwrap(), Claim::Held(_))).count();
            enough.store(true, Ordering::Relaxed);
            assert_eq!(taken, 0);
        });
    }
}

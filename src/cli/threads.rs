//! One thread a run, in candle's own operations too.
//!
//! candle spreads elementwise operations on 65,536 elements and more over a pool of spinning threads,
//! and looks for the number of threads in /proc/cpuinfo at every matrix product, unless two variables
//! say otherwise. Runs are what is parallel here. The variables have to stand before the first tensor,
//! and setting them in a running process is unsound, so the program starts itself again with them.

/// Starts this program anew with candle's pools switched off, unless the variables are set already.
/// Where that fails the program goes on: it is then slower, never wrong.
#[cfg(unix)]
pub fn settle() {
    use std::os::unix::process::CommandExt;

    const POOLS: [&str; 2] = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];
    if POOLS.iter().all(|pool| std::env::var_os(pool).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1));
    for pool in POOLS.iter().filter(|pool| std::env::var_os(pool).is_none()) {
        again.env(pool, "1");
    }
    let _ = again.exec(); // only returns if it failed
}

/// Elsewhere the variables are the user's to set.
#[cfg(not(unix))]
pub fn settle() {}

//! CPU time of one thread, so that a busy machine hurts less than it would by the wall clock.
//!
//! The standard library has no such clock. Linux shows it in `/proc/thread-self/schedstat` (nanoseconds
//! spent on a CPU, the first number), brought up to date whenever the scheduler runs: hence the yield
//! before each reading. Elsewhere, and where the kernel does not count, it is the wall clock.

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

/// Runs `body` and gives its time in seconds.
pub fn seconds(body: impl FnOnce()) -> f64 {
    let started = now();
    body();
    now() - started
}

/// What [`seconds`] measures, for the tables.
pub fn name() -> &'static str {
    if cpu_time().is_some() { "CPU time of the thread" } else { "wall clock" }
}

fn now() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    cpu_time().unwrap_or_else(|| start.elapsed().as_secs_f64())
}

fn cpu_time() -> Option<f64> {
    std::thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    (nanoseconds > 0).then_some(nanoseconds as f64 * 1e-9)
}

/// The median; the upper one of two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The least value.
pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

//! Time of a report's statistics, in milliseconds by the wall clock, since resamples are shared among threads
//! (median and least of the rounds).
//!
//! cargo bench --bench report

use std::hint::black_box;
use std::thread::available_parallelism;
use std::time::Instant;

use plasticity_bench::report::statistics::{Bootstrap, probability_of_improvement};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 9;
const VARIANTS: u64 = 20;
const SEEDS: u64 = 30;
/// Variants of an equal-budget sweep.
const SWEEP: u64 = 10_000;

fn main() {
    let values = |variant: u64| -> Vec<f64> {
        (0..SEEDS).map(|seed| ((seed * 7 + variant * 13) % 31) as f64 / 31.0).collect()
    };
    let variants: Vec<Vec<Vec<f64>>> = (0..VARIANTS).map(|variant| vec![values(variant)]).collect();
    println!(
        "{VARIANTS} variants × {SEEDS} seeds × {} resamples, {} threads at most",
        Bootstrap::TABLES.resamples,
        available_parallelism().map_or(1, usize::from)
    );
    time("mean, median and interquartile mean with intervals", || {
        for strata in &variants {
            black_box(Bootstrap::TABLES.estimate(black_box(strata)));
        }
    });
    time("probability of improvement on the first", || {
        for strata in &variants {
            black_box(probability_of_improvement(black_box(strata), &variants[0], Bootstrap::TABLES));
        }
    });
    let sweep: Vec<Vec<Vec<f64>>> = (0..SWEEP).map(|variant| vec![values(variant)[..3].to_vec()]).collect();
    time(&format!("the estimates of {SWEEP} variants of 3 seeds"), || {
        for strata in &sweep {
            black_box(Bootstrap::TABLES.estimate(black_box(strata)));
        }
    });
}

fn time(name: &str, mut body: impl FnMut()) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            body();
            1e3 * begun.elapsed().as_secs_f64()
        })
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    println!("{:>9.1} ms, least {:.1} ms: {name}", rounds[ROUNDS / 2], rounds[0]);
}

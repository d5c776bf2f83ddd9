//! Time of a report's statistics, in milliseconds on one thread (median and least of the rounds).
//!
//! cargo bench --bench report

#[path = "support/clock.rs"]
mod clock;

use std::hint::black_box;

use plasticity_bench::report::statistics::{Bootstrap, probability_of_improvement};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 9;
const VARIANTS: u64 = 20;
const SEEDS: u64 = 30;

fn main() {
    let values = |variant: u64| -> Vec<f64> {
        (0..SEEDS).map(|seed| ((seed * 7 + variant * 13) % 31) as f64 / 31.0).collect()
    };
    let variants: Vec<Vec<Vec<f64>>> = (0..VARIANTS).map(|variant| vec![values(variant)]).collect();
    println!(
        "{VARIANTS} variants × {SEEDS} seeds × {} resamples, {}",
        Bootstrap::TABLES.resamples,
        clock::name()
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
}

fn time(name: &str, mut body: impl FnMut()) {
    let rounds: Vec<f64> = (0..ROUNDS).map(|_| 1e3 * clock::seconds(&mut body)).collect();
    println!("{:>9.1} ms, least {:.1} ms: {name}", clock::median(&rounds), clock::least(&rounds));
}

//! Time of the standard probes on one layer, in milliseconds on one thread (median of the rounds).
//!
//! cargo bench --bench probes

use std::time::Instant;

use plasticity_bench::probes::{LayerView, ProbeSet, STANDARD};
use plasticity_bench::random::Stream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 31;

fn milliseconds(names: &[&str], view: &LayerView<'_>) -> f64 {
    let set = ProbeSet::new(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(set.measure(std::hint::black_box(view)));
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    println!("{:>7} {:>5} {:>10} {:>10} {:>10}", "samples", "units", "standard", "ranks", "units only");
    for (samples, units) in [(2000, 100), (2000, 256), (2000, 512), (100, 256)] {
        let mut stream = Stream::new(0, "bench", 0);
        let features: Vec<f32> = (0..samples * units).map(|_| stream.normal().max(0.0) as f32).collect();
        let weight: Vec<f32> = (0..784 * units).map(|_| stream.normal() as f32).collect();
        let view = LayerView {
            samples,
            units,
            features: &features,
            slopes: Some(&features),
            weight: &weight,
            gradient: Some(&weight),
            update: Some(&weight),
            ..LayerView::default()
        };
        let time = |names| milliseconds(names, &view);
        let (all, ranks, cheap) =
            (time(STANDARD), time(&["srank"]), time(&["dead_units", "dormant_units", "constant_units"]));
        println!("{samples:>7} {units:>5} {all:>10.2} {ranks:>10.2} {cheap:>10.2}");
    }
}

//! Time of the probes on one layer, by divan: all standard ones, those on singular values, those on units.
//!
//! cargo bench --bench probes

use divan::Bencher;
use plasticity_bench::probes::{LayerView, ProbeSet, STANDARD};
use plasticity_bench::random::Stream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Samples and units.
const SIZES: [(usize, usize); 4] = [(2000, 100), (2000, 256), (2000, 512), (100, 256)];

fn main() {
    divan::main();
}

fn measure(bencher: Bencher, names: &[&str], (samples, units): (usize, usize)) {
    let set = ProbeSet::new(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
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
    bencher.bench_local(|| set.measure(divan::black_box(&view)));
}

#[divan::bench(args = SIZES)]
fn standard(bencher: Bencher, size: (usize, usize)) {
    measure(bencher, STANDARD, size);
}

#[divan::bench(args = SIZES)]
fn ranks(bencher: Bencher, size: (usize, usize)) {
    measure(bencher, &["srank"], size);
}

#[divan::bench(args = SIZES)]
fn units(bencher: Bencher, size: (usize, usize)) {
    measure(bencher, &["dead_units", "dormant_units", "constant_units"], size);
}

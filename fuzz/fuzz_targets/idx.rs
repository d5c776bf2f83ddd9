//! One of MNIST's four files.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use plasticity_bench_fuzz::{scratch, sets, small};

static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let good = small::idx_files();
    let files = FILES.get_or_init(|| sets::write(&scratch("idx"), &good));
    let Some((which, bytes)) = data.split_first() else { return };
    let which = usize::from(*which) % 4;
    std::fs::write(&files[which], bytes).unwrap();
    sets::read(&small::manifest(), files);
    std::fs::write(&files[which], &good[which]).unwrap();
});

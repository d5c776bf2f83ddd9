//! A file of CIFAR-10's or CIFAR-100's records.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use plasticity_bench_fuzz::{scratch, sets};

static FILES: OnceLock<[Vec<PathBuf>; 2]> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let (ten, hundred) = (sets::ten(), sets::hundred());
    let files = FILES.get_or_init(|| {
        [
            sets::write(&scratch("ten"), &vec![sets::records(&ten, 2); 6]),
            sets::write(&scratch("hundred"), &vec![sets::records(&hundred, 3); 2]),
        ]
    });
    let Some((which, bytes)) = data.split_first() else { return };
    let (manifest, files) = if which % 2 == 0 { (&ten, &files[0]) } else { (&hundred, &files[1]) };
    // The last is the test file.
    let file = if which & 2 == 0 { &files[0] } else { files.last().unwrap() };
    let good = std::fs::read(file).unwrap();
    std::fs::write(file, bytes).unwrap();
    sets::read(manifest, files);
    std::fs::write(file, good).unwrap();
});

//! A table of pictures and labels, or a picture in a sound table.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use plasticity_bench_fuzz::{scratch, sets};

static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let files = FILES.get_or_init(|| {
        // The reader contains the panics of the crate below it; the fuzzer's hook would end at them.
        std::panic::set_hook(Box::new(|_| {}));
        sets::write(&scratch("parquet"), &vec![sets::table_with(&sets::picture()); 2])
    });
    let Some((which, bytes)) = data.split_first() else { return };
    let table = if which % 2 == 0 { bytes.to_vec() } else { sets::table_with(bytes) };
    std::fs::write(&files[0], table).unwrap();
    sets::read(&sets::table(), files);
});

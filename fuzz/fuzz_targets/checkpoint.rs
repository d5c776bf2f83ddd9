//! A checkpoint whose manifest or tensors are others; all that vouches for them is made to fit, except in
//! the first case.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use plasticity_bench::sha256;
use plasticity_bench::train::signals::Outcome;
use plasticity_bench_fuzz::resumed::{NEWEST, file, interrupted, sealed};

fuzz_target!(|data: &[u8]| {
    let run = interrupted();
    let Some((which, bytes)) = data.split_first() else { return };
    let manifest = format!("checkpoints/{NEWEST}.toml");
    match which % 4 {
        0 => run.lay_out(&manifest, bytes),
        1 => match std::str::from_utf8(bytes) {
            Ok(text) => run.lay_out(&manifest, &sealed(text)),
            Err(_) => return,
        },
        which => {
            let (kind, key) =
                [("safetensors", "parameters_sha256"), ("optimizer.safetensors", "optimizer_sha256")]
                    [usize::from(which) - 2];
            let mut table: toml::Table = run.manifest().parse().unwrap();
            table["learner"][key] = sha256::of(bytes).into();
            run.lay_out(&manifest, &sealed(&toml::to_string(&table).unwrap()));
            fs::write(file(&run.folder, kind), bytes).unwrap();
        }
    }
    match run.go_on() {
        Ok(Outcome::Interrupted | Outcome::Diverged { .. }) => {}
        Ok(Outcome::Done) => panic!("an interrupted run was done"),
        Err(error) => assert!(error.contains("--fresh"), "{error}"),
    }
});

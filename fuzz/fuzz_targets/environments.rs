//! Mechanisms and models of any bits: see `tests/mechanisms/mod.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/mechanisms/mod.rs"]
mod mechanisms;

fuzz_target!(|data: &[u8]| mechanisms::run(data));

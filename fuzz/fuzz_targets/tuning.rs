//! A `tuning.toml` of any content beside two runs: gathered and shown.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use plasticity_bench::catalogue::catalogue;
use plasticity_bench::record::{RunStatus, Status};
use plasticity_bench::report::tables;
use plasticity_bench::results::{self, TUNING_FILE};
use plasticity_bench::spec::Catalogue;
use plasticity_bench_fuzz::resumed::interrupted;
use plasticity_bench_fuzz::scratch;

static FOLDER: OnceLock<(PathBuf, Catalogue)> = OnceLock::new();

/// Folders of the runs, which the seeds name.
pub const RUNS: [&str; 2] = ["a", "b"];

fuzz_target!(|data: &[u8]| {
    let (folder, catalogue) = FOLDER.get_or_init(|| {
        let folder = scratch("tuning");
        for (seed, name) in (0..).zip(RUNS) {
            let mut plan = interrupted().plan.clone();
            plan.seed = seed;
            let status = RunStatus::begin("", "cpu", 1, "").end(Status::Diverged, 1.0, None);
            fs::create_dir_all(folder.join(name)).unwrap();
            status.write(&folder.join(name), &plan.to_toml()).unwrap();
        }
        (folder, catalogue())
    });
    fs::write(folder.join(TUNING_FILE), data).unwrap();
    let results = results::gather(std::slice::from_ref(folder), catalogue).expect("the runs are sound");
    // Taken as it is, or named among the problems.
    assert_eq!(results.searches.len() + results.problems.len(), 1, "{:?}", results.problems);
    for search in &results.searches {
        assert!(!search.variants.is_empty());
        for (_, settings) in &search.variants {
            assert!(!settings.is_empty());
            assert!(settings.iter().all(|tried| tried.outcomes.len() == search.seeds.len()));
        }
        assert!(!tables::terminal(&tables::search(&results, search), None).is_empty());
    }
});

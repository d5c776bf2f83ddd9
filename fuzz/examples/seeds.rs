//! Writes sound inputs for every target to begin with: `corpus/TARGET/`.

use std::fs;
use std::path::{Path, PathBuf};

// Its archive holds what instrumented code calls.
use libfuzzer_sys as _;
use plasticity_bench_fuzz::resumed::{NEWEST, interrupted};
use plasticity_bench_fuzz::{sets, small};

fn put(target: &str, name: &str, parts: &[&[u8]]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), parts.concat()).unwrap();
}

fn main() {
    for (which, file) in (0u8..).zip(small::idx_files()) {
        put("idx", &format!("plain-{which}"), &[&[which], &file]);
        put("idx", &format!("gzip-{which}"), &[&[which], &small::gzip(&file)]);
    }
    for (which, records) in [(0, sets::records(&sets::ten(), 2)), (1, sets::records(&sets::hundred(), 3))] {
        put("records", &format!("plain-{which}"), &[&[which], &records]);
        put("records", &format!("gzip-{which}"), &[&[which | 2], &small::gzip(&records)]);
    }
    put("parquet", "table", &[&[0], &sets::table_with(&sets::picture())]);
    put("parquet", "picture", &[&[1], &sets::picture()]);
    let benchmarks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benchmarks");
    let specs = fs::read_dir(benchmarks).unwrap().map(|entry| entry.unwrap().path());
    let is_spec = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    for path in specs.filter(is_spec) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let overlays = b"\0stream.tasks=2\0activation='relu'\0grid.seeds='0..3'".as_slice();
        put("spec", &name, &[&fs::read(&path).unwrap()]);
        put("spec", &format!("{name}-set"), &[&fs::read(&path).unwrap(), overlays]);
    }
    let run = interrupted();
    put("checkpoint", "raw", &[&[0], &run.files[&format!("checkpoints/{NEWEST}.toml")]]);
    put("checkpoint", "sealed", &[&[1], run.manifest().as_bytes()]);
    put("checkpoint", "parameters", &[&[2], &run.files[&format!("checkpoints/{NEWEST}.safetensors")]]);
    put("checkpoint", "moments", &[&[3], &run.files[&format!("checkpoints/{NEWEST}.optimizer.safetensors")]]);
    for (which, name) in [
        (0_u8, "tasks.csv"),
        (1, "probes.csv"),
        (2, "retention.csv"),
        (3, "coefficients.csv"),
        (4, "steps.csv"),
        (6, "times.csv"),
    ] {
        if let Some(bytes) = run.files.get(name) {
            let half = u16::try_from(bytes.len() / 2).unwrap().to_le_bytes();
            put("rows", name, &[&[which], &half, bytes]);
        }
    }
    put("rows", "retention.csv", &[&[2, 9, 0], b"run,trained_through,evaluated,accuracy,loss,class_incremental_accuracy,task_incremental_accuracy\nr,1,0,0.5,1e-7,0.5,\n"]);
    put("rows", "run.toml", &[&[5, 0, 0], run.plan.to_toml().as_bytes(), b"\n[run]\nstatus = 'done'\nversion = '0'\ndata_checksum = ''\ndevice = 'cpu'\nthreads = 1\nkernels = ''\nstarted = '2000-01-01T00:00:00Z'\nseconds = 1.0\n"]);
    let setting = "[[variants]]\nlabel = 'relu'\n[[variants.settings]]\nsetting = 'optimizer.learning_rate=1e-3'\n";
    let head = "format = 1\nmetric = 'online_accuracy'\nseeds = [0, 1]\n";
    put("tuning", "two", &[head.as_bytes(), setting.as_bytes(), b"runs = ['a', 'b']\n"]);
    put("tuning", "absent", &[head.as_bytes(), setting.as_bytes(), b"runs = ['a', 'nowhere']\n"]);
    println!("seeds are in {}", Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").display());
}

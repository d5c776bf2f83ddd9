//! Files of a run's folder with any content: resumed from a cut anywhere, read, listed and reported.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use plasticity_bench::catalogue::catalogue;
use plasticity_bench::record::{
    CoefficientRow, ProbeRow, RecordError, Recorder, RetentionRow, Row, RunStatus, Status, StepRow, TaskRow, TimeRow, read,
};
use plasticity_bench::results::{self, Outside};
use plasticity_bench::runner;
use plasticity_bench::sha256::Growing;
use plasticity_bench::spec::Catalogue;
use plasticity_bench_fuzz::resumed::interrupted;
use plasticity_bench_fuzz::scratch;

static FOLDER: OnceLock<(PathBuf, Catalogue)> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let (folder, catalogue) = FOLDER.get_or_init(|| (scratch("rows"), catalogue()));
    let [which, low, high, content @ ..] = data else { return };
    let cut = u16::from_le_bytes([*low, *high]);
    for entry in fs::read_dir(folder).unwrap() {
        let _ = fs::remove_file(entry.unwrap().path());
    }
    match which % 7 {
        0 => rows(folder, content, cut, TaskRow { run: "r".into(), ..TaskRow::default() }),
        1 => rows(folder, content, cut, probe()),
        2 => rows(folder, content, cut, retention()),
        3 => rows(folder, content, cut, coefficient()),
        4 => rows(
            folder,
            content,
            cut,
            StepRow { run: "r".into(), task: 0, step: 0, loss: 1.0, accuracy: 0.5 },
        ),
        5 => fs::write(folder.join("run.toml"), content).unwrap(),
        _ => rows(folder, content, cut, TimeRow { run: "r".into(), ..TimeRow::default() }),
    }
    let _ = RunStatus::read(folder);
    if which % 7 != 5 {
        let status = RunStatus::begin("", "cpu", 1, "").end(Status::Failed, 1.0, None);
        status.write(folder, &interrupted().plan.to_toml()).unwrap();
    }
    let outside = Outside { estimate: runner::estimate, is_running: runner::is_running };
    let listed = results::survey(folder, outside, &mut |_| Ok(()));
    assert!(listed.is_ok());
    let _ = results::open(folder, catalogue);
});

/// Resumed from the first bytes of the file, it holds these and the row that is added, and no other.
fn rows<R: Row + Clone + PartialEq>(folder: &Path, content: &[u8], cut: u16, row: R) {
    let path = folder.join(R::FILE);
    fs::write(&path, content).unwrap();
    let _ = read::<R>(folder);
    let cut = usize::from(cut).min(content.len());
    let prefix = Growing::read(&path, cut as u64).unwrap().expect("it is as long").prefix();
    let files = BTreeMap::from([(R::FILE.to_owned(), prefix)]);
    assert!(Recorder::holds(folder, &files).unwrap());
    let mut recorder = match Recorder::resume(folder, &files) {
        Err(RecordError::OtherColumns { .. }) if cut > 0 => {
            assert!(fs::read(&path).unwrap() == content);
            return;
        }
        recorder => recorder.unwrap(),
    };
    let kept = fs::read(&path).unwrap_or_default();
    assert!(kept == content[..cut]);
    let before = read::<R>(folder);
    recorder.push(&row).unwrap();
    recorder.commit().unwrap();
    let after = fs::read(&path).unwrap();
    assert!(after.starts_with(&kept) && after.ends_with(b"\n"));
    assert_eq!(recorder.prefixes()[R::FILE].bytes, after.len() as u64);
    if let (0, Ok(rows)) = (cut, &before) {
        assert!(rows.is_empty() && read::<R>(folder).unwrap() == [row]);
    }
}

fn probe() -> ProbeRow {
    let cell = || "r".to_owned();
    let phase = plasticity_bench::record::Phase::End;
    ProbeRow {
        run: cell(),
        task: 0,
        phase,
        layer: cell(),
        units: None,
        samples: None,
        probe: cell(),
        value: None,
    }
}

fn coefficient() -> CoefficientRow {
    let cell = || "r".to_owned();
    let phase = plasticity_bench::record::Phase::End;
    CoefficientRow { run: cell(), task: 0, phase, layer: cell(), set: 0, coefficient: cell(), value: 1.0 }
}

fn retention() -> RetentionRow {
    RetentionRow {
        run: "r".to_owned(),
        trained_through: 0,
        evaluated: 0,
        accuracy: 0.5,
        loss: 1.0,
        class_incremental_accuracy: None,
        task_incremental_accuracy: None,
    }
}

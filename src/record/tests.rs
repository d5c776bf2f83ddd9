//! The files as their readers meet them: columns, cells, resumed and torn.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::*;
use crate::sha256::{self, Prefix, Prefixes};

fn task(index: usize) -> TaskRow {
    TaskRow {
        run: "relu-0123abcd".to_owned(),
        benchmark: "a, \"quoted\" name".to_owned(),
        dataset: "mnist".to_owned(),
        family: "shuffled-labels".to_owned(),
        network: "mlp 100-100".to_owned(),
        activation: "relu".to_owned(),
        method: "none".to_owned(),
        optimizer: "adam".to_owned(),
        learning_rate: 1e-4,
        seed: u64::MAX,
        task: index,
        status: Status::Done,
        steps: Some(30_000),
        examples: Some(1_200),
        online_accuracy: Some(1.0 / 3.0),
        online_loss: Some(f64::NAN),
        train_accuracy: Some(0.0),
        scored: Some(true),
        ..TaskRow::default()
    }
}

#[test]
fn the_plans_words_are_columns() {
    let columns = columns::<TaskRow>();
    assert_eq!(TaskRow::WORDS.iter().find(|word| !columns.contains(word)), None);
}

fn probe(task: usize, value: Option<f64>) -> ProbeRow {
    ProbeRow {
        run: "r".to_owned(),
        task,
        phase: Phase::Start,
        layer: "layers.0".to_owned(),
        units: Some(100),
        samples: None,
        probe: "srank".to_owned(),
        value,
    }
}

fn step(task: usize, step: usize, loss: f32) -> StepRow {
    StepRow { run: "r".to_owned(), task, step, loss, accuracy: 0.0625 }
}

/// One task's rows: steps from task 1 on only, so that a file appears after the first checkpoint.
fn push_task(recorder: &mut Recorder, index: usize) {
    recorder.push(&task(index)).unwrap();
    for i in 0..5 {
        recorder.push(&probe(index, Some(0.1 * f64::from(i)))).unwrap();
    }
    if index > 0 {
        (0..50).for_each(|i| recorder.push(&step(index, i, 0.1)).unwrap());
    }
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(p).unwrap())).collect()
}

#[test]
fn the_files_have_the_documented_columns_and_cells() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(folder.path()).unwrap();
    recorder.push(&task(0)).unwrap();
    recorder.push(&probe(0, None)).unwrap();
    let run = || "r".to_owned();
    let matrix = RetentionRow {
        run: run(),
        trained_through: 2,
        evaluated: 1,
        accuracy: 0.5,
        loss: 1e-7,
        class_incremental_accuracy: Some(0.5),
        task_incremental_accuracy: None,
    };
    recorder.push(&matrix).unwrap();
    let coefficient = CoefficientRow {
        run: run(),
        task: 1,
        phase: Phase::End,
        layer: "layers.1".to_owned(),
        set: 0,
        coefficient: "a0".to_owned(),
        value: -1.0,
    };
    recorder.push(&coefficient).unwrap();
    recorder.push(&step(0, 3, 0.1)).unwrap();
    let time = TimeRow { run: run(), task: 0, seconds: 2.5, steps_per_second: 12_000.0 };
    recorder.push(&time).unwrap();
    recorder.commit().unwrap();
    let text = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(
        text("tasks.csv"),
        "run,benchmark,dataset,family,network,activation,constraint,method,optimizer,learning_rate,seed,\
             task,status,steps,examples,online_accuracy,online_loss,train_accuracy,train_loss,test_accuracy,\
             test_loss,fresh_online_accuracy,plasticity_gap,scored,environment,\
             agent,environment_steps,updates,episodes,online_return,evaluation_return,fresh_train_loss,loss_gap\n\
             relu-0123abcd,\"a, \"\"quoted\"\" name\",mnist,shuffled-labels,mlp 100-100,relu,,none,adam,0.0001,\
             18446744073709551615,0,done,30000,1200,0.3333333333333333,NaN,0.0,,,,,,true,,,,,,,,,\n"
    );
    assert_eq!(text("times.csv"), "run,task,seconds,steps_per_second\nr,0,2.5,12000.0\n");
    assert_eq!(
        text("probes.csv"),
        "run,task,phase,layer,units,samples,probe,value\nr,0,start,layers.0,100,,srank,\n"
    );
    assert_eq!(
        text("retention.csv"),
        "run,trained_through,evaluated,accuracy,loss,class_incremental_accuracy,task_incremental_accuracy\n\
             r,2,1,0.5,1e-7,0.5,\n"
    );
    assert_eq!(
        text("coefficients.csv"),
        "run,task,phase,layer,set,coefficient,value\nr,1,end,layers.1,0,a0,-1.0\n"
    );
    assert_eq!(text("steps.csv"), "run,task,step,loss,accuracy\nr,0,3,0.1,0.0625\n");
    assert_eq!(read::<TaskRow>(folder.path()).unwrap().len(), 1);
    assert_eq!(read::<TimeRow>(folder.path()).unwrap(), [time]);
    assert_eq!(read::<RetentionRow>(folder.path()).unwrap(), [matrix]);
    assert_eq!(read::<CoefficientRow>(folder.path()).unwrap(), [coefficient]);
    assert_eq!(read::<StepRow>(folder.path()).unwrap(), [step(0, 3, 0.1)]);
}

#[test]
fn floats_read_back_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(folder.path()).unwrap();
    let wide = [0.1 + 0.2, 5e-324, f64::MAX, -0.0, f64::INFINITY, f64::NAN, 1e22, 123_456_789.123_456_78];
    let narrow = [0.1f32 + 0.2, f32::MIN_POSITIVE, f32::MAX, f32::NEG_INFINITY, 2.302_7];
    for x in wide {
        recorder.push(&probe(0, Some(x))).unwrap();
    }
    for x in narrow {
        recorder.push(&step(0, 0, x)).unwrap();
    }
    recorder.commit().unwrap();
    let read_wide: Vec<u64> =
        read::<ProbeRow>(folder.path()).unwrap().iter().map(|r| r.value.unwrap().to_bits()).collect();
    assert_eq!(read_wide, wide.map(f64::to_bits));
    let read_narrow: Vec<f32> = read::<StepRow>(folder.path()).unwrap().iter().map(|r| r.loss).collect();
    assert_eq!(read_narrow, narrow);
}

#[test]
fn a_resumed_run_ends_with_the_same_bytes() {
    let straight = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(straight.path()).unwrap();
    for index in 0..4 {
        push_task(&mut recorder, index);
        recorder.commit().unwrap();
    }
    let expected = contents(straight.path());
    assert_eq!(expected.keys().collect::<Vec<_>>(), ["probes.csv", "steps.csv", "tasks.csv"]);

    for checkpoint in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(folder.path()).unwrap();
        let mut remembered = Prefixes::new();
        for index in 0..4 {
            push_task(&mut recorder, index);
            recorder.commit().unwrap();
            if index < checkpoint {
                remembered = recorder.prefixes();
            }
        }
        drop(recorder);
        // Killed while it wrote: one file torn within a row.
        OpenOptions::new()
            .append(true)
            .open(folder.path().join("tasks.csv"))
            .and_then(|mut file| file.write_all(b"relu-0123abcd,half a r"))
            .unwrap();
        let mut recorder = Recorder::resume(folder.path(), &remembered).unwrap();
        assert_eq!(recorder.prefixes(), remembered);
        for index in checkpoint..4 {
            push_task(&mut recorder, index);
            recorder.commit().unwrap();
        }
        assert_eq!(contents(folder.path()), expected, "resumed after task {checkpoint}");
    }
}

#[test]
fn nothing_is_on_disk_before_the_tasks_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(folder.path()).unwrap();
    push_task(&mut recorder, 1);
    assert!(contents(folder.path()).is_empty() && recorder.prefixes().is_empty());
    recorder.commit().unwrap();
    let prefix = |bytes: Vec<u8>| Prefix { bytes: bytes.len() as u64, sha256: sha256::of(&bytes) };
    let prefixes: Prefixes =
        contents(folder.path()).into_iter().map(|(name, bytes)| (name, prefix(bytes))).collect();
    assert_eq!(recorder.prefixes(), prefixes);
    push_task(&mut recorder, 2);
    assert_eq!(recorder.prefixes(), prefixes);
}

#[test]
fn rows_of_very_many_steps_do_not_wait_in_memory() {
    let [all, twice] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut recorder = Recorder::create(all.path()).unwrap();
    let path = all.path().join("steps.csv");
    let (mut pushed, mut on_disk) = (0_usize, 0);
    for index in 0..400_000 {
        let row = step(0, index, 0.25);
        pushed += "r,0,,0.25,0.0625\n".len() + index.to_string().len();
        recorder.push(&row).unwrap();
        if index % 1_000 == 0 {
            on_disk = fs::metadata(&path).map_or(0, |file| file.len() as usize);
            assert!(pushed - on_disk < 1_100_000, "{} bytes wait", pushed - on_disk);
        }
    }
    assert!(on_disk > 5_000_000);
    recorder.commit().unwrap();
    // In one piece, or in many: the same file.
    let mut recorder = Recorder::create(twice.path()).unwrap();
    for index in 0..400_000 {
        recorder.push(&step(0, index, 0.25)).unwrap();
        if index % 100_003 == 0 {
            recorder.commit().unwrap();
        }
    }
    recorder.commit().unwrap();
    assert!(contents(all.path()) == contents(twice.path()));
}

/// Where a file system has no locks, two processes can be at one run: whatever they do, no row is there
/// twice, and one of them gets an error.
#[test]
fn a_second_writer_is_noticed_and_no_row_is_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Recorder::create(folder.path()).unwrap();
    push_task(&mut first, 1);
    first.commit().unwrap();
    let (before, files) = (contents(folder.path()), first.prefixes());

    // Both go on from the same checkpoint.
    let mut second = Recorder::resume(folder.path(), &files).unwrap();
    push_task(&mut first, 2);
    push_task(&mut second, 2);
    second.commit().unwrap();
    let after = contents(folder.path());
    let refused = first.commit().unwrap_err();
    assert!(matches!(refused, RecordError::Foreign { .. }), "{refused}");
    assert!(refused.to_string().contains("another process writes to the same run"), "{refused}");
    assert_eq!(contents(folder.path()), after);

    // The second one starts anew: what the first adds would follow on nothing.
    let mut first = Recorder::resume(folder.path(), &files).unwrap();
    let second = Recorder::create(folder.path()).unwrap();
    push_task(&mut first, 2);
    assert!(matches!(first.commit().unwrap_err(), RecordError::Foreign { found: 0, .. }));
    drop(second);
    // And the same through a file that the first has open.
    let mut first = Recorder::create(folder.path()).unwrap();
    push_task(&mut first, 1);
    first.commit().unwrap();
    assert_eq!(contents(folder.path()), before);
    fs::remove_file(folder.path().join("steps.csv")).unwrap();
    push_task(&mut first, 2);
    assert!(first.commit().is_err());
}

/// The folder is one of commit 77b6b67: times stand in tasks.csv, and `run.toml` names no format.
#[test]
fn folders_of_november_2026_are_read_and_not_mixed_with_rows_of_today() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats/2026-11/tiny/rational-relu-tail-slope-lr1e-3-s0-071ef8ae");
    let status = RunStatus::read(&old).unwrap().unwrap();
    assert_eq!((status.format, status.status, status.attempts.len()), (1, Status::Done, 0));
    let tasks = read::<TaskRow>(&old).unwrap();
    assert_eq!(tasks.iter().map(|row| row.test_accuracy).collect::<Vec<_>>(), [Some(0.15), Some(0.178)]);
    assert!(tasks.iter().all(|row| row.scored.is_none() && row.environment.is_none()));
    let times = read::<TimeRow>(&old).unwrap();
    let expected: Vec<_> =
        [(0, 0.014_620_83, 410.373_419_292_885_56), (1, 0.001_068_62, 5_614.718_047_575_378)]
            .into_iter()
            .map(|(task, seconds, steps_per_second)| TimeRow {
                run: tasks[0].run.clone(),
                task,
                seconds,
                steps_per_second,
            })
            .collect();
    assert_eq!(times, expected);
    assert_eq!(read::<StepRow>(&old).unwrap().len(), 12);
    assert_eq!(read::<RetentionRow>(&old).unwrap().len(), 3);
    assert_eq!(read::<CoefficientRow>(&old).unwrap().len(), 2 * 2 * 10);
    assert!(!read::<ProbeRow>(&old).unwrap().is_empty());

    // A run of that time that has not ended cannot get rows of today behind its own.
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(old.join("tasks.csv")).unwrap();
    fs::write(folder.path().join("tasks.csv"), &bytes).unwrap();
    let prefix = Prefix { bytes: bytes.len() as u64, sha256: sha256::of(&bytes) };
    let files = Prefixes::from([("tasks.csv".to_owned(), prefix)]);
    let refused = Recorder::resume(folder.path(), &files).unwrap_err().to_string();
    assert!(refused.contains("tasks.csv has other columns") && refused.contains("--fresh"), "{refused}");
    assert_eq!(fs::read(folder.path().join("tasks.csv")).unwrap(), bytes);
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(folder.path()).unwrap();
    (0..3).for_each(|index| recorder.push(&probe(index, Some(1.5))).unwrap());
    recorder.commit().unwrap();
    let path = folder.path().join("probes.csv");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let lines = String::from_utf8_lossy(&whole[..cut]).matches('\n').count();
        let rows = read::<ProbeRow>(folder.path()).unwrap();
        assert_eq!(rows.len(), lines.saturating_sub(1), "cut at {cut}");
        assert!(rows.iter().enumerate().all(|(i, row)| row == &probe(i, Some(1.5))));
    }
}

#[test]
fn a_new_run_starts_empty_and_a_refused_resume_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(folder.path()).unwrap();
    (0..2).for_each(|index| push_task(&mut recorder, index));
    recorder.commit().unwrap();
    let (before, files) = (contents(folder.path()), recorder.prefixes());
    assert!(Recorder::holds(folder.path(), &files).unwrap());

    let mut longer = files.clone();
    longer.get_mut("tasks.csv").unwrap().bytes += 1;
    let message = Recorder::resume(folder.path(), &longer).unwrap_err().to_string();
    assert!(message.contains("tasks.csv") && message.contains("--fresh"), "{message}");
    assert_eq!(contents(folder.path()), before);
    // What a power cut can leave of a file: its length without its content.
    let mut zeros = before["tasks.csv"].clone();
    *zeros.last_mut().unwrap() = 0;
    fs::write(folder.path().join("tasks.csv"), &zeros).unwrap();
    assert!(!Recorder::holds(folder.path(), &files).unwrap());
    let message = Recorder::resume(folder.path(), &files).unwrap_err().to_string();
    assert!(message.contains("tasks.csv") && message.contains("--fresh"), "{message}");
    assert_eq!(contents(folder.path())["tasks.csv"], zeros);
    fs::write(folder.path().join("tasks.csv"), &before["tasks.csv"]).unwrap();
    let nothing = sha256::Growing::default().prefix();
    let unknown = Prefixes::from([("moods.csv".to_owned(), nothing)]);
    assert!(Recorder::resume(folder.path(), &unknown).unwrap_err().to_string().contains("moods.csv"));
    assert_eq!(contents(folder.path()), before);

    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    Recorder::create(folder.path()).unwrap();
    assert_eq!(contents(folder.path()).keys().collect::<Vec<_>>(), ["notes.txt"]);
}

#[test]
fn what_cannot_be_written_or_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, "in the way").unwrap();
    let message = Recorder::create(&blocked.join("run")).unwrap_err().to_string();
    assert!(message.starts_with("cannot write ") && message.contains("--out"), "{message}");
    fs::write(folder.path().join("steps.csv"), "run,task,step\nr,0,0\n").unwrap();
    let message = read::<StepRow>(folder.path()).unwrap_err().to_string();
    assert!(message.contains("steps.csv") && message.contains("loss"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::create(folder.path()).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("tasks.csv")).unwrap();
    recorder.push(&task(0)).unwrap();
    let message = recorder.commit().unwrap_err().to_string();
    assert!(message.contains("tasks.csv") && message.contains("No space left"), "{message}");
    assert!(recorder.prefixes().is_empty());
}

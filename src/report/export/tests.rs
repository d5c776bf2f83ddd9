//! Read back by the crate's reader, and bytes by `TensorBoard`'s own writer
//! (`tests/reference/interop.py` wrote them and reads ours with pandas, pyarrow and `TensorBoard`).

use std::fs;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;

use super::tensorboard::{crc32c, record, scalar};
use super::*;
use crate::record::{RetentionRow, StepRow};
use crate::report::tests::{put, results};

/// Results with every kind of empty cell, and steps of two tasks.
fn full(root: &Path) -> Results {
    let first = results(root).runs().next().unwrap().folder.clone();
    let step = |task, step| StepRow { run: "r".into(), task, step, loss: 0.5, accuracy: 0.25 };
    put(&first, &[step(0, 0), step(0, 1), step(1, 0)]);
    let matrix = RetentionRow {
        run: "r".into(),
        trained_through: 1,
        evaluated: 0,
        accuracy: 0.5,
        loss: 1.0,
        class_incremental_accuracy: None,
        task_incremental_accuracy: Some(0.75),
    };
    put(&first, &[matrix]);
    crate::results::gather(&[root.to_owned()], &crate::catalogue::catalogue()).unwrap()
}

#[test]
fn the_csv_holds_every_kind_of_number() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("all.csv");
    export(&full(root.path()), &path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("benchmark,variant,seed,status,run,kind,task,step,phase,layer,quantity,value\n")
    );
    assert!(text.contains(",task,1,,,,online_accuracy,0.25\n"), "{text}");
    assert!(text.contains(",retention,1,,end,,task_incremental_accuracy_on_task_0,0.75\n"), "{text}");
    assert!(text.contains(",step,0,1,,,loss,0.5\n"), "{text}");
    assert!(text.contains(",diverged,") && text.contains(",running,"), "runs that did not end well: {text}");
}

#[test]
fn parquet_reads_back_as_the_csv() {
    let root = tempfile::tempdir().unwrap();
    let results = full(root.path());
    let [csv, parquet] = ["all.csv", "all.Parquet"].map(|name| root.path().join(name));
    export(&results, &csv).unwrap();
    export(&results, &parquet).unwrap();
    let reader = SerializedFileReader::new(fs::File::open(parquet).unwrap()).unwrap();
    let rows: Vec<Vec<String>> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().get_column_iter().map(|(_, field)| word(field)).collect())
        .collect();
    let mut known = ::csv::Reader::from_path(csv).unwrap();
    let names: Vec<&str> =
        reader.metadata().file_metadata().schema_descr().columns().iter().map(|c| c.name()).collect();
    assert_eq!(names, COLUMNS);
    let known: Vec<Vec<String>> =
        known.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert!(known.len() > 20, "{}", known.len());
    assert_eq!(rows, known);
}

fn word(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(word) => word.clone(),
        Field::Long(number) => number.to_string(),
        Field::ULong(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_ending_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let error = export(&results(root.path()), &root.path().join("all.xlsx")).unwrap_err().to_string();
    assert!(error.contains("neither .csv nor .parquet"), "{error}");
}

#[test]
fn events_are_those_of_tensorboards_own_writer() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283, "the check value of CRC-32C");
    let lines = include_str!("../../../tests/reference/events.hex");
    for (tag, step, value, hex) in lines.lines().map(|line| {
        let [tag, step, value, hex] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (tag, step.parse().unwrap(), value.parse().unwrap(), hex)
    }) {
        let known: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        assert_eq!(record(&scalar(tag, step, value)), known, "{tag} {step} {value}");
    }
    assert_eq!(lines.lines().count(), 4);
}

#[test]
fn a_run_has_its_folder_of_events_and_steps_are_counted_through_it() {
    let root = tempfile::tempdir().unwrap();
    let results = full(root.path());
    let out = root.path().join("tb");
    tensorboard(&results, &out).unwrap();
    let run = &results.runs().next().unwrap().folder;
    let file =
        out.join("bench").join(run.file_name().unwrap()).join("events.out.tfevents.0.plasticity-bench");
    let bytes = fs::read(&file).unwrap();
    let has = |event: &[u8]| bytes.windows(event.len()).any(|window| window == event);
    assert!(has(&record(&scalar("step/loss", 2, 0.5))), "the first step of the second task");
    assert!(has(&record(&scalar("retention_end/accuracy_on_task_0", 1, 0.5))));
    assert!(has(&record(&scalar("task/online_accuracy", 1, 0.7))));
    tensorboard(&results, &out).unwrap();
    assert_eq!(bytes, fs::read(&file).unwrap(), "the same bytes again");
    assert_eq!(fs::read_dir(out.join("bench")).unwrap().count(), results.runs().count());
}

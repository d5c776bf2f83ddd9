//! Environments against MuJoCo 3.17 (`tests/reference/environments.py`), and what must hold of any of them.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use plasticity_bench::environments::{self, Action, Environment};
use plasticity_bench::random::Stream;

/// Largest |Δ| / (1 + |x|) of any number.
const TOLERANCE: f64 = 1e-9;

struct Row {
    environment: String,
    start: bool,
    before: [Vec<f64>; 3],
    action: Vec<f64>,
    after: [Vec<f64>; 2],
    observation: Vec<f64>,
    reward: f64,
    terminated: bool,
    contacts: Option<usize>,
}

fn rows() -> Vec<Row> {
    let given = std::env::var("ENVIRONMENT_ROWS").ok();
    let packed = given.map_or_else(
        || include_bytes!("reference/environments.csv.gz").to_vec(),
        |path| std::fs::read(path).unwrap(),
    );
    let mut text = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(|record| {
        let record = record.unwrap();
        let numbers = |column: usize| {
            record[column].split_whitespace().map(|x| x.parse().unwrap()).collect::<Vec<f64>>()
        };
        Row {
            environment: record[0].to_owned(),
            start: &record[1] == "start",
            before: [2, 3, 4].map(numbers),
            action: numbers(5),
            after: [6, 7].map(numbers),
            observation: numbers(8),
            reward: record[9].parse().unwrap_or(0.0),
            terminated: &record[10] == "1",
            contacts: record[11].parse().ok(),
        }
    });
    records.collect()
}

fn observation(environment: &dyn Environment) -> Vec<f64> {
    let mut observation = vec![f64::NAN; environment.spaces().features()];
    environment.observe(&mut observation);
    observation
}

fn far(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let each = ours.iter().zip(theirs).map(|(a, b)| {
        let far = (a - b).abs() / (1.0 + b.abs());
        if far.is_nan() { f64::INFINITY } else { far }
    });
    each.fold(0.0, f64::max)
}

#[test]
fn a_step_is_mujocos() {
    let mut built: BTreeMap<String, Box<dyn Environment>> = BTreeMap::new();
    let mut worst: BTreeMap<String, (usize, usize, f64)> = BTreeMap::new();
    let mut draws = Stream::new(0, "environment", 0);
    let mut wrong = Vec::new();
    for (number, row) in rows().into_iter().enumerate() {
        let name = row.environment;
        let environment = built.entry(name.clone()).or_insert_with(|| environments::build(&name).unwrap());
        let [q, v, target] = &row.before;
        environment.physics().unwrap().set(q, v, target).unwrap();
        let mut off = 0.0f64;
        if !row.start {
            let step = environment.step(Action::Continuous(&row.action), &mut draws).unwrap();
            let physics = environment.physics().unwrap();
            off = off.max(far(physics.qpos(), &row.after[0])).max(far(physics.qvel(), &row.after[1]));
            off = off.max(far(&[step.reward], &[row.reward]));
            assert_eq!(step.terminated, row.terminated, "row {number} of {name}");
            if let Some(contacts) = row.contacts
                && contacts != physics.contacts()
            {
                wrong
                    .push(format!("row {number} of {name}: {} contacts, not {contacts}", physics.contacts()));
            }
        }
        off = off.max(far(&observation(&**environment), &row.observation));
        let (count, touching, most) = worst.entry(name.clone()).or_default();
        *count += 1;
        *touching += usize::from(row.contacts > Some(0));
        *most = most.max(off);
        if off > TOLERANCE {
            wrong.push(format!("row {number} of {name} is off by {off:.1e}"));
        }
    }
    for (name, (count, touching, most)) in &worst {
        println!("{name}: {count} rows, {touching} in contact after them, off by {most:.1e}");
    }
    assert!(wrong.is_empty(), "{} rows: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

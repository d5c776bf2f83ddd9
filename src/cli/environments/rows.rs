//! CSV of states, actions and what a step brings.

use std::path::Path;

use anyhow::{Context, anyhow};

use crate::atomic;
use crate::cli::Failure;
use crate::environments::{ActionSpace, Environment, Step};

/// A table that is read by the names of its columns.
pub struct Columns {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    file: String,
}

impl Columns {
    /// Reads a file with a header.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file = path.display().to_string();
        let read = || -> Result<Self, csv::Error> {
            let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path)?;
            let words = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
            let header = words(reader.headers()?);
            let rows =
                reader.records().map(|record| Ok(words(&record?))).collect::<Result<_, csv::Error>>()?;
            Ok(Self { header, rows, file: file.clone() })
        };
        read().with_context(|| format!("{file} cannot be read")).map_err(Failure::usage)
    }

    /// Rows, without the header.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Where the columns `stem_0` … stand, `count` of them.
    pub fn find(&self, stem: &str, count: usize) -> Result<Vec<usize>, Failure> {
        (0..count)
            .map(|number| {
                let name = format!("{stem}_{number}");
                self.header.iter().position(|column| *column == name).ok_or_else(|| {
                    Failure::usage(anyhow!(
                        "{} has no column {name}; its header needs {count} of {stem}_*",
                        self.file
                    ))
                })
            })
            .collect()
    }

    /// The numbers of a row in these columns; `None` if all of the cells are empty.
    pub fn numbers(&self, row: usize, columns: &[usize]) -> Result<Option<Vec<f64>>, Failure> {
        let cells: Vec<&str> = columns.iter().map(|&column| self.rows[row][column].as_str()).collect();
        if !cells.is_empty() && cells.iter().all(|cell| cell.is_empty()) {
            return Ok(None);
        }
        let number = |(cell, &column): (&&str, &usize)| {
            cell.parse::<f64>().map_err(|_| {
                let (line, name) = (row + 2, &self.header[column]);
                Failure::usage(anyhow!("{}:{line}: {name} is \"{cell}\", which is no number", self.file))
            })
        };
        cells.iter().zip(columns).map(number).collect::<Result<_, _>>().map(Some)
    }
}

/// A table that is written, row after row, and stands in its place when it is whole.
pub struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    /// With this header.
    pub fn new(header: &[String]) -> Self {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header).expect("memory takes it");
        Self { writer }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &[String]) {
        self.writer.write_record(row).expect("a row has as many cells as the header");
    }

    /// Writes the file.
    pub fn write(self, path: &Path) -> Result<(), Failure> {
        let bytes = self.writer.into_inner().expect("memory takes it");
        atomic::write(path, &bytes)
            .with_context(|| format!("{} cannot be written", path.display()))
            .map_err(Failure::usage)
    }
}

/// `stem_0` … , `count` of them.
pub fn named(stem: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{stem}_{number}")).collect()
}

/// Numbers in the fewest digits that read back to the same bits.
pub fn cells(numbers: &[f64]) -> Vec<String> {
    numbers.iter().map(|x| format!("{x:?}")).collect()
}

/// Positions and velocities of a mechanism; both empty for what is none.
pub fn state(world: &mut dyn Environment) -> (Vec<f64>, Vec<f64>) {
    world.physics().map_or_else(Default::default, |p| (p.qpos().to_vec(), p.qvel().to_vec()))
}

/// What the task drew besides, of a mechanism.
pub fn target(world: &mut dyn Environment) -> Vec<f64> {
    world.physics().map_or_else(Vec::new, |p| p.target().to_vec())
}

/// Numbers in an action: one for the number of a discrete one.
pub fn action_width(world: &dyn Environment) -> usize {
    match &world.spaces().action {
        ActionSpace::Continuous(bounds) => bounds.len(),
        ActionSpace::Discrete(_) => 1,
    }
}

/// Reward and flags as cells.
pub fn outcome(step: Step) -> Vec<String> {
    vec![format!("{:?}", step.reward), step.terminated.to_string(), step.truncated.to_string()]
}

//! Whether the rows of a run are those of another run of the same plan: cell by cell, as text.

use std::fmt;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use csv::{Reader, StringRecord};

use crate::record::{FILES, Row, TaskRow, TimeRow, columns};

/// Where two runs differ. Lines are counted from 1, which is the header's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A file that the other run has not written.
    File {
        /// Its name.
        file: &'static str,
    },
    /// A column that the other run has not written.
    Column {
        /// Name of the file.
        file: &'static str,
        /// Its heading.
        column: String,
    },
    /// A line that only one of them has.
    Line {
        /// Name of the file.
        file: &'static str,
        /// Its line.
        line: u64,
        /// Whether it is the other run that has it.
        added: bool,
    },
    /// A cell.
    Cell {
        /// Name of the file.
        file: &'static str,
        /// Its line.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        then: String,
        /// What the other run has there.
        now: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file } => write!(f, "the new run has no {file}"),
            Self::Column { file, column } => write!(f, "{file} of the new run has no column {column}"),
            Self::Line { file, line, added: false } => write!(f, "{file} of the new run has no line {line}"),
            Self::Line { file, line, added: true } => write!(f, "{file} of the new run has a line {line}"),
            Self::Cell { file, line, column, then, now } => {
                write!(f, "{file} line {line}, {column}: {then}, now {now}")
            }
        }
    }
}

/// One run's rows held against another's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Files that both runs have.
    pub files: usize,
    /// Rows of these files that both runs have.
    pub rows: u64,
    /// Cells that differ; a lacking column, line or file counts as one.
    pub different: u64,
    /// The first of them, in the order of [`FILES`].
    pub first: Option<Difference>,
}

/// Holds every cell of the files of rows in `then` against those in `now`, but for times and what only says the plan
/// ([`TaskRow::WORDS`]). What `now` alone has, columns of later builds and files that published folders leave out, is
/// passed over.
///
/// # Errors
/// If a file cannot be read or is no CSV.
pub fn compare(then: &Path, now: &Path) -> anyhow::Result<Comparison> {
    let mut comparison = Comparison::default();
    let compared = FILES.iter().filter(|file| file.name != TimeRow::FILE && then.join(file.name).is_file());
    for file in compared {
        if now.join(file.name).is_file() {
            comparison.files += 1;
            comparison.add(file.name, &then.join(file.name), &now.join(file.name))?;
        } else {
            comparison.note(|| Difference::File { file: file.name });
        }
    }
    Ok(comparison)
}

impl Comparison {
    fn note(&mut self, difference: impl FnOnce() -> Difference) {
        self.different += 1;
        self.first.get_or_insert_with(difference);
    }

    fn add(&mut self, file: &'static str, then: &Path, now: &Path) -> anyhow::Result<()> {
        let (mut then, mut now) = (Rows::open(then)?, Rows::open(now)?);
        let (columns, lost) = then.shared(&now);
        for column in lost {
            self.note(|| Difference::Column { file, column });
        }
        loop {
            match (then.advance()?, now.advance()?) {
                (false, false) => return Ok(()),
                (true, false) => self.note(|| Difference::Line { file, line: then.line, added: false }),
                (false, true) => self.note(|| Difference::Line { file, line: now.line, added: true }),
                (true, true) => {
                    self.rows += 1;
                    let line = then.line;
                    for (column, i, j) in &columns {
                        let (then, now) = (&then.row[*i], &now.row[*j]);
                        if then != now {
                            self.note(|| {
                                let (then, now) = (then.to_owned(), now.to_owned());
                                Difference::Cell { file, line, column: column.clone(), then, now }
                            });
                        }
                    }
                }
            }
        }
    }
}

/// The rows of a file, one at a time.
struct Rows {
    reader: Reader<File>,
    header: StringRecord,
    row: StringRecord,
    /// Line of the last row that was read.
    line: u64,
    path: String,
}

impl Rows {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let mut reader = Reader::from_path(path).with_context(|| format!("{name} cannot be read"))?;
        let header = reader.headers().with_context(|| format!("{name} has no header"))?.clone();
        Ok(Self { reader, header, row: StringRecord::new(), line: 1, path: name })
    }

    /// Reads the next row; false after the last.
    fn advance(&mut self) -> anyhow::Result<bool> {
        let more = self.reader.read_record(&mut self.row);
        let more = more.with_context(|| format!("{} cannot be read", self.path))?;
        self.line += u64::from(more);
        Ok(more)
    }

    /// Columns that both have, and where; and those that the other lacks. Times and the plan's words are neither.
    fn shared(&self, other: &Self) -> (Vec<(String, usize, usize)>, Vec<String>) {
        let own = columns::<TaskRow>();
        let timed = |name: &str| columns::<TimeRow>().contains(&name) && !own.contains(&name);
        let (mut both, mut lost) = (Vec::new(), Vec::new());
        let compared =
            self.header.iter().enumerate().filter(|(_, name)| !TaskRow::WORDS.contains(name) && !timed(name));
        for (i, name) in compared {
            match other.header.iter().position(|known| known == name) {
                Some(j) => both.push((name.to_owned(), i, j)),
                None => lost.push(name.to_owned()),
            }
        }
        (both, lost)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TASKS: &str = "run,task,online_accuracy\na,0,0.5\na,1,0.25\n";

    fn compared(then: &[(&str, &str)], now: &[(&str, &str)]) -> Comparison {
        let folders = [then, now].map(|files| {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                fs::write(folder.path().join(name), text).unwrap();
            }
            folder
        });
        compare(folders[0].path(), folders[1].path()).unwrap()
    }

    #[test]
    fn words_times_new_columns_and_files_left_out_are_no_difference() {
        let timed = "run,method,task,online_accuracy,seconds\na,l2,0,0.5,7\na,l2,1,0.25,8\n";
        let wider =
            "run,method,task,loss,online_accuracy\nb,l2 strength=1,0,1.5,0.5\nb,l2 strength=1,1,1.25,0.25\n";
        let now = [("tasks.csv", wider), ("times.csv", "run,task\nb,0\n"), ("probes.csv", "run,task\nb,0\n")];
        let found = compared(&[("tasks.csv", timed), ("times.csv", "run,task\na,7\n")], &now);
        assert_eq!(found, Comparison { files: 1, rows: 2, different: 0, first: None });
    }

    #[test]
    fn the_first_cell_that_differs_is_named_and_all_are_counted() {
        let other = "run,task,online_accuracy\na,0,0.5\na,1,0.26\na,2,0.1\n";
        let found = compared(&[("tasks.csv", TASKS)], &[("tasks.csv", other)]);
        assert_eq!((found.files, found.rows, found.different), (1, 2, 2));
        assert_eq!(found.first.unwrap().to_string(), "tasks.csv line 3, online_accuracy: 0.25, now 0.26");
    }

    #[test]
    fn lacking_columns_lines_and_files_differ() {
        let short = "run,task,online_accuracy\na,0,0.5\n";
        let narrow = "run,task\na,0\na,1\n";
        let first = |then, now: &[_]| compared(&[("tasks.csv", then)], now).first.unwrap().to_string();
        assert_eq!(first(TASKS, &[("tasks.csv", short)]), "tasks.csv of the new run has no line 3");
        assert_eq!(first(short, &[("tasks.csv", TASKS)]), "tasks.csv of the new run has a line 3");
        assert_eq!(
            first(TASKS, &[("tasks.csv", narrow)]),
            "tasks.csv of the new run has no column online_accuracy"
        );
        assert_eq!(first(TASKS, &[]), "the new run has no tasks.csv");
    }
}

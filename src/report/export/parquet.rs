//! The tidy table as Parquet, which pandas, polars, R and `DuckDB` read without parsing a digit.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Names, Number, each, named};
use crate::results::Results;

/// The columns of [`super::COLUMNS`] with their types.
const SCHEMA: &str = "message numbers {
    required binary benchmark (STRING);
    required binary variant (STRING);
    required int64 seed (INTEGER(64,false));
    required binary status (STRING);
    required binary run (STRING);
    required binary kind (STRING);
    required int64 task;
    optional int64 step;
    optional binary phase (STRING);
    optional binary layer (STRING);
    required binary quantity (STRING);
    required double value;
}";
/// Rows held in memory at a time.
const GROUP: usize = 1 << 16;

/// Writes the table.
pub fn write(results: &Results, path: &Path) -> anyhow::Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("plasticity-bench {}", crate::record::version()))
        .build();
    let mut writer = SerializedFileWriter::new(File::create(path)?, schema, Arc::new(properties))?;
    let mut group = Group::default();
    for (names, run) in named(results) {
        each(run, &mut |number| {
            group.push(&names, number);
            if group.values.len() == GROUP { group.flush(&mut writer) } else { Ok(()) }
        })?;
    }
    group.flush(&mut writer)?;
    writer.close()?;
    Ok(())
}

/// Rows on their way into a row group.
#[derive(Default)]
struct Group {
    /// benchmark, variant, status, run, kind, quantity.
    words: [Words; 6],
    /// phase, layer.
    optional: [Words; 2],
    seeds: Vec<i64>,
    tasks: Vec<i64>,
    /// Of the rows that have one, and which do.
    steps: (Vec<i64>, Vec<i16>),
    values: Vec<f64>,
}

/// A column of words, of which neighbours are mostly the same and then share their bytes.
#[derive(Default)]
struct Words {
    words: Vec<ByteArray>,
    present: Vec<i16>,
}

impl Words {
    fn push(&mut self, word: Option<&str>) {
        self.present.push(word.is_some().into());
        if let Some(word) = word {
            let last = self.words.last().filter(|last| last.data() == word.as_bytes());
            self.words.push(last.cloned().unwrap_or_else(|| word.into()));
        }
    }
}

impl Group {
    fn push(&mut self, names: &Names<'_>, number: &Number<'_>) {
        let words = [names.benchmark, names.variant, names.status, &names.run, number.kind, number.quantity];
        self.words.iter_mut().zip(words).for_each(|(column, word)| column.push(Some(word)));
        self.optional.iter_mut().zip([number.phase, number.layer]).for_each(|(c, word)| c.push(word));
        self.seeds.push(names.seed as i64);
        self.tasks.push(number.task as i64);
        self.steps.0.extend(number.step.map(|step| step as i64));
        self.steps.1.push(number.step.is_some().into());
        self.values.push(number.value);
    }

    fn flush(&mut self, writer: &mut SerializedFileWriter<File>) -> anyhow::Result<()> {
        let Self { words, optional, seeds, tasks, steps, values } = std::mem::take(self);
        if values.is_empty() {
            return Ok(());
        }
        let [benchmark, variant, status, run, kind, quantity] = words;
        let [phase, layer] = optional;
        let mut group = writer.next_row_group()?;
        put::<ByteArrayType>(&mut group, &benchmark.words, None)?;
        put::<ByteArrayType>(&mut group, &variant.words, None)?;
        put::<Int64Type>(&mut group, &seeds, None)?;
        for column in [status, run, kind] {
            put::<ByteArrayType>(&mut group, &column.words, None)?;
        }
        put::<Int64Type>(&mut group, &tasks, None)?;
        put::<Int64Type>(&mut group, &steps.0, Some(&steps.1))?;
        for column in [phase, layer] {
            put::<ByteArrayType>(&mut group, &column.words, Some(&column.present))?;
        }
        put::<ByteArrayType>(&mut group, &quantity.words, None)?;
        put::<DoubleType>(&mut group, &values, None)?;
        group.close()?;
        Ok(())
    }
}

/// The next column of a row group; `present` says which rows have a value, where not all do.
fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    present: Option<&[i16]>,
) -> anyhow::Result<()> {
    let mut column = group.next_column()?.expect("the schema has as many columns as are written");
    column.typed::<T>().write_batch(values, present, None)?;
    Ok(column.close()?)
}

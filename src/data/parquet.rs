//! The hub's form: Parquet tables with a PNG file and a label a row.
//!
//! Only the leaf columns that are needed are read, by name, so a set with other columns beside them
//! reads the same. `candle-datasets` reads columns by type instead, which takes CIFAR-100's two label
//! columns for one.

use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use super::error::corrupt;
use super::manifest::{Columns, Decoded, Manifest, Origin};
use super::{DataError, Images, Progress, pages, picture};

/// Names of the two files on the hub's main branch and on its converted branch.
pub(super) const FILES: &[&[&str]] = &[
    &["train-00000-of-00001.parquet", "train/0000.parquet"],
    &["test-00000-of-00001.parquet", "test/0000.parquet"],
];

/// Rows read at a time: enough to make the calls cheap, few enough to keep the PNG files of only
/// these rows in memory.
const BATCH: usize = 1024;

/// Reads the files named in [`FILES`].
pub(super) fn read(
    manifest: &Manifest,
    files: &[PathBuf],
    progress: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    let ([train, test], Origin::Files { hub, .. }) = (files, &manifest.origin) else {
        unreachable!("the form names two files of a set that has files");
    };
    progress.total(manifest.pixels() as u64);
    Ok(Decoded {
        train: split_guarded(manifest, &hub.columns, manifest.train, train, progress)?,
        test: split_guarded(manifest, &hub.columns, manifest.test, test, progress)?,
        published_md5: false,
    })
}

/// [`split`], with panics as errors: the `parquet` crate panics on some damaged files (a data page
/// whose dictionary is gone, for one).
fn split_guarded(
    manifest: &Manifest,
    columns: &Columns,
    count: usize,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<Images, DataError> {
    // What a panic leaves half done is dropped with it.
    catch_unwind(AssertUnwindSafe(|| split(manifest, columns, count, path, progress))).unwrap_or_else(|_| {
        Err(corrupt(path, "a readable Parquet table", "damage on which the reader gave up"))
    })
}

fn split(
    manifest: &Manifest,
    columns: &Columns,
    count: usize,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<Images, DataError> {
    let file =
        File::open(path).map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })?;
    let table = Table { path, manifest };
    let reader = SerializedFileReader::new(file).map_err(|e| table.broken(&e))?;
    let rows = reader.metadata().file_metadata().num_rows();
    if usize::try_from(rows) != Ok(count) {
        return Err(corrupt(path, format!("{count} rows"), format!("{rows}")));
    }
    let mut images = manifest.empty(count);
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index).map_err(|e| table.broken(&e))?;
        let group_rows = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if group_rows > count - images.len() {
            return Err(corrupt(path, format!("{count} rows"), "more rows than that in its row groups"));
        }
        let rows = images.len()..images.len() + group_rows;
        table.images(&*group, columns.image, rows.clone(), &mut images.pixels, progress)?;
        table.labels(&*group, columns.label, rows.clone(), manifest.classes, &mut images.labels)?;
        if let Some(name) = columns.coarse_label {
            let coarse = &mut images.coarse_labels;
            table.labels(&*group, name, rows, manifest.coarse_classes, coarse)?;
        }
    }
    if images.len() < count {
        return Err(corrupt(path, format!("{count} rows"), format!("{} in its row groups", images.len())));
    }
    Ok(images)
}

/// A file that is being read.
struct Table<'a> {
    path: &'a Path,
    manifest: &'a Manifest,
}

impl Table<'_> {
    fn broken(&self, error: &ParquetError) -> DataError {
        corrupt(self.path, "a readable Parquet table", error.to_string())
    }

    /// Appends the pixels of the PNG files in these rows of the file, which are the group's.
    fn images(
        &self,
        group: &dyn RowGroupReader,
        name: &str,
        rows: Range<usize>,
        pixels: &mut Vec<u8>,
        progress: &mut dyn Progress,
    ) -> Result<(), DataError> {
        let leaf = format!("{name}.bytes");
        // A PNG of noise is hardly larger than its pixels; anything far beyond is not what it says.
        let most = rows.len() as u64 * (4 * self.manifest.size() as u64 + 4096) + 65_536;
        let (ColumnReader::ByteArrayColumnReader(mut reader), present) = self.column(group, &leaf, most)?
        else {
            return Err(self.wrong_type(&leaf, "byte strings"));
        };
        self.each::<ByteArrayType>(&mut reader, present, &leaf, rows, |row, png: &ByteArray| {
            let start = pixels.len();
            pixels.resize(start + self.manifest.size(), 0);
            progress.advance(self.manifest.size() as u64);
            picture::decode(png.data(), self.manifest, &mut pixels[start..]).map_err(|found| {
                let (c, h, w) = (self.manifest.channels, self.manifest.height, self.manifest.width);
                corrupt(
                    self.path,
                    format!("a PNG of {w}×{h} pixels, {c} channel(s) of 8 bits, in row {row} of `{leaf}`"),
                    found,
                )
            })
        })
    }

    /// Appends the labels in these rows of the file, which must be below `classes`.
    fn labels(
        &self,
        group: &dyn RowGroupReader,
        name: &str,
        rows: Range<usize>,
        classes: usize,
        labels: &mut Vec<u32>,
    ) -> Result<(), DataError> {
        let mut push = |row: usize, label: i64| match u32::try_from(label) {
            Ok(class) if (class as usize) < classes => {
                labels.push(class);
                Ok(())
            }
            _ => Err(corrupt(
                self.path,
                format!("labels from 0 to {} in column `{name}`", classes.saturating_sub(1)),
                format!("{label} in row {row}"),
            )),
        };
        match self.column(group, name, rows.len() as u64 * 16 + 65_536)? {
            (ColumnReader::Int64ColumnReader(mut reader), present) => {
                self.each::<Int64Type>(&mut reader, present, name, rows, |row, &label| push(row, label))
            }
            (ColumnReader::Int32ColumnReader(mut reader), present) => {
                self.each::<Int32Type>(&mut reader, present, name, rows, |row, &label| {
                    push(row, i64::from(label))
                })
            }
            _ => Err(self.wrong_type(name, "integers")),
        }
    }

    /// The reader of a leaf column that has at most `most` bytes when decompressed, and the definition level of a
    /// value that is there.
    fn column(
        &self,
        group: &dyn RowGroupReader,
        leaf: &str,
        most: u64,
    ) -> Result<(ColumnReader, i16), DataError> {
        let columns = group.metadata().columns();
        let Some(index) = columns.iter().position(|c| c.column_path().string() == leaf) else {
            let names: Vec<_> = columns.iter().map(|c| c.column_path().string()).collect();
            return Err(corrupt(
                self.path,
                format!("a column `{leaf}`"),
                format!("the columns {}", names.join(", ")),
            ));
        };
        let column = &columns[index];
        let bytes = u64::try_from(column.uncompressed_size()).unwrap_or(u64::MAX);
        let checked = if bytes > most {
            Err(format!("{bytes} declared"))
        } else {
            // A negative place panics, which is contained like the reader's own panics.
            pages::check(self.path, column.byte_range(), most)
        };
        checked.map_err(|found| {
            corrupt(self.path, format!("pages of at most {most} bytes in column `{leaf}`"), found)
        })?;
        let present = column.column_descr().max_def_level();
        group.get_column_reader(index).map(|reader| (reader, present)).map_err(|e| self.broken(&e))
    }

    /// Calls `take` on the value of each of these rows of the file; a missing or repeated value is an error. `level` is the definition
    /// level of a value that is there.
    fn each<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        level: i16,
        leaf: &str,
        rows: Range<usize>,
        mut take: impl FnMut(usize, &T::T) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut done = rows.start;
        // Without levels the reader counts a null as a record without a value, so the two numbers
        // differ; with a repeated column it gives an error.
        let (mut values, mut definitions) = (Vec::with_capacity(BATCH.min(rows.len())), Vec::new());
        while done < rows.end {
            values.clear();
            definitions.clear();
            let (records, present, _) = reader
                .read_records(BATCH.min(rows.end - done), Some(&mut definitions), None, &mut values)
                .map_err(|e| self.broken(&e))?;
            if records == 0 || present != records {
                let found = match definitions.iter().position(|&found| found < level) {
                    Some(empty) if records > 0 => format!("an empty cell in row {}", done + empty),
                    _ => format!("an end of data after {done} rows"),
                };
                return Err(corrupt(self.path, format!("{} values in column `{leaf}`", rows.len()), found));
            }
            for (offset, value) in values.iter().enumerate() {
                take(done + offset, value)?;
            }
            done += records;
        }
        Ok(())
    }

    fn wrong_type(&self, leaf: &str, expected: &str) -> DataError {
        corrupt(self.path, format!("{expected} in column `{leaf}`"), "another type")
    }
}

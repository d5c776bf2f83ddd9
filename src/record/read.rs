//! Rows read back, one at a time: a file is never held whole, since probes over long streams fill
//! gigabytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{RecordError, Row, columns};

/// All rows of one kind in a run's folder: none where there is no such file.
///
/// # Errors
/// As [`each_row`].
pub fn read<R: Row>(folder: &Path) -> Result<Vec<R>, RecordError> {
    let mut rows = Vec::new();
    each_row(folder, |row| rows.push(row))?;
    Ok(rows)
}

/// Calls `take` with each row of one kind in a run's folder, in the order of the file; there is nothing to
/// take where there is no file. A last line without its line end, which a killed run can leave, is not
/// read. Rows that an earlier format kept in another file are read from there.
///
/// # Errors
/// If the file cannot be read, or a row is not of this kind: then the error names file and line.
pub fn each_row<R: Row>(folder: &Path, mut take: impl FnMut(R)) -> Result<(), RecordError> {
    let Some((path, file)) = open::<R>(folder)? else { return Ok(()) };
    let unreadable = |source| RecordError::Unreadable { path: path.clone(), source };
    let whole = whole_lines(&file).map_err(unreadable)?;
    // The reader buffers by itself.
    for row in csv::Reader::from_reader(file.take(whole)).deserialize() {
        let malformed =
            |error: csv::Error| RecordError::Malformed { path: path.clone(), reason: error.to_string() };
        take(row.map_err(malformed)?);
    }
    Ok(())
}

/// The file with the rows of `R`, or the one that had its columns in an earlier format.
fn open<R: Row>(folder: &Path) -> Result<Option<(PathBuf, File)>, RecordError> {
    if let Some(found) = open_file(folder.join(R::FILE))? {
        return Ok(Some(found));
    }
    let Some(former) = R::FORMERLY else { return Ok(None) };
    let Some((path, file)) = open_file(folder.join(former))? else { return Ok(None) };
    let header = header(&file).map_err(|source| RecordError::Unreadable { path: path.clone(), source })?;
    let has = |column: &&str| header.iter().any(|name| name == *column);
    Ok(columns::<R>().iter().all(has).then_some((path, file)))
}

fn open_file(path: PathBuf) -> Result<Option<(PathBuf, File)>, RecordError> {
    match File::open(&path) {
        Ok(file) => Ok(Some((path, file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RecordError::Unreadable { path, source }),
    }
}

/// The cells of the first line; none where it is not whole or is no CSV.
pub(super) fn header(mut file: &File) -> io::Result<csv::StringRecord> {
    /// Longer than the header of any file of ours.
    const MOST: u64 = 1 << 12;
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    Ok(csv::Reader::from_reader(&bytes[..end]).headers().cloned().unwrap_or_default())
}

/// Bytes up to the last line end.
fn whole_lines(mut file: &File) -> io::Result<u64> {
    const BLOCK: u64 = 1 << 16;
    let mut end = file.metadata()?.len();
    let mut block = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(begin))?;
        block.clear();
        file.take(end - begin).read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|&byte| byte == b'\n') {
            end = begin + last as u64 + 1;
            break;
        }
        end = begin;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RetentionRow;

    #[test]
    fn a_torn_last_line_is_not_read_and_a_missing_file_has_no_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut count = 0;
        each_row(folder.path(), |_: RetentionRow| count += 1).unwrap();
        assert_eq!(count, 0);
        let text = "run,trained_through,evaluated,accuracy,loss\nr,0,0,0.5,1\nr,1,0,0.25,2\nr,1,1,0.7";
        std::fs::write(folder.path().join(RetentionRow::FILE), text).unwrap();
        let mut seen = Vec::new();
        each_row(folder.path(), |row: RetentionRow| seen.push(row.accuracy)).unwrap();
        assert_eq!(seen, [0.5, 0.25]);
        std::fs::write(folder.path().join(RetentionRow::FILE), "run,trained_through\nr,x\n").unwrap();
        let error = each_row(folder.path(), |_: RetentionRow| ()).unwrap_err().to_string();
        assert!(error.contains("retention.csv"), "{error}");
    }
}

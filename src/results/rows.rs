//! A CSV file row by row: never held whole, since probes over long streams fill gigabytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::record::{RecordError, Row};

/// Calls `take` with each row of this kind in `folder`; there is nothing to take where there is no file.
/// A last line without its line end, which a killed run leaves, is not read.
pub fn each_row<R: Row>(folder: &Path, mut take: impl FnMut(R)) -> Result<(), RecordError> {
    let path = folder.join(R::FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(RecordError::Unreadable { path, source }),
    };
    let unreadable = |source| RecordError::Unreadable { path: path.clone(), source };
    let whole = whole_lines(&file).map_err(unreadable)?;
    // The reader buffers by itself.
    for row in csv::Reader::from_reader(file.take(whole)).deserialize() {
        let row = row
            .map_err(|e: csv::Error| RecordError::Malformed { path: path.clone(), reason: e.to_string() })?;
        take(row);
    }
    Ok(())
}

/// Bytes up to the last line end.
fn whole_lines(mut file: &File) -> io::Result<u64> {
    use std::io::{Seek, SeekFrom};
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

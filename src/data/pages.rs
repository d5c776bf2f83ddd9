//! The pages of a Parquet column, looked at before they are read: the `parquet` crate makes room for as many
//! bytes as a page's header says (up to 2 GiB), and at a header that runs past the file's end it goes on
//! skipping, a read at a time.
//!
//! A header is a struct in Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>), laid out as in
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>: field 2 is the
//! page's size when decompressed, field 3 its size in the file. It has no lists, sets or maps.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

const BOOLEANS: [u8; 2] = [1, 2];
const BYTE: u8 = 3;
const INTEGERS: [u8; 3] = [4, 5, 6];
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;
/// Deeper than any header: its statistics are the third level.
const DEEPEST: usize = 8;

/// Whether the pages in `length` bytes of the file from `start` on add up to at most `most` bytes when
/// decompressed. The error says what was found instead.
pub(super) fn check(path: &Path, (start, length): (u64, u64), most: u64) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut file = File::open(path).map_err(text)?;
    file.seek(SeekFrom::Start(start)).map_err(text)?;
    check_in(&mut BufReader::with_capacity(1 << 16, file), length, most)
}

fn check_in<R: BufRead + Seek>(reader: &mut R, length: u64, most: u64) -> Result<(), String> {
    let mut walk = Walk { reader, left: length };
    let mut sum = 0;
    while walk.left > 0 {
        let [decompressed, compressed] = walk.header()?;
        sum += decompressed;
        if sum > most {
            return Err(format!("pages of {sum} bytes and more"));
        }
        walk.pass(compressed)?;
    }
    Ok(())
}

struct Walk<'a, R> {
    reader: &'a mut R,
    /// Bytes up to the end of the column.
    left: u64,
}

impl<R: BufRead + Seek> Walk<'_, R> {
    /// Sizes of the page behind the header that begins here: decompressed, and in the file.
    fn header(&mut self) -> Result<[u64; 2], String> {
        let mut sizes = [None; 2];
        self.fields(0, &mut sizes)?;
        match sizes.map(|size| size.and_then(|size| u64::try_from(size).ok())) {
            [Some(decompressed), Some(compressed)] => Ok([decompressed, compressed]),
            _ => Err("a page header without sizes".into()),
        }
    }

    /// Goes through a struct; of the outermost, the sizes are kept.
    fn fields(&mut self, depth: usize, sizes: &mut [Option<i64>; 2]) -> Result<(), String> {
        if depth == DEEPEST {
            return Err("a page header of structs within structs".into());
        }
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            let (kind, step) = (head & 15, head >> 4);
            if head == 0 {
                return Ok(());
            }
            id = if step == 0 { self.integer()? } else { id + i64::from(step) };
            match kind {
                _ if BOOLEANS.contains(&kind) => {}
                BYTE => self.pass(1)?,
                _ if INTEGERS.contains(&kind) => {
                    let value = self.integer()?;
                    if let (0, 2 | 3) = (depth, id) {
                        sizes[usize::from(id == 3)] = Some(value);
                    }
                }
                DOUBLE => self.pass(8)?,
                BINARY => {
                    let length = self.varint()?;
                    self.pass(length)?;
                }
                STRUCT => self.fields(depth + 1, sizes)?,
                _ => return Err(format!("a page header with a field of kind {kind}")),
            }
        }
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1)?;
        let mut byte = [0];
        self.reader.read_exact(&mut byte).map_err(|error| error.to_string())?;
        Ok(byte[0])
    }

    /// Unsigned, seven bits a byte, the lowest first.
    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err("a number without an end in a page header".into())
    }

    /// Signed: zigzag.
    fn integer(&mut self) -> Result<i64, String> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn pass(&mut self, bytes: u64) -> Result<(), String> {
        self.take(bytes)?;
        // `take` has seen to it that this lies within the column, whose length is that of a file.
        let bytes = i64::try_from(bytes).map_err(|error| error.to_string())?;
        self.reader.seek_relative(bytes).map_err(|error| error.to_string())
    }

    fn take(&mut self, bytes: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or("a page that runs past its column's end")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A data page of 300 bytes, 20 in the file, with statistics; written out by hand.
    fn page(decompressed: [u8; 2]) -> Vec<u8> {
        let [low, high] = decompressed;
        let statistics = [0x18, 2, b'a', b'b', 0x16, 8, 0x00]; // binary, i64, end
        let header = [0x15, 2, 0x15, 4, 0x15, 0, 0x15, 0, 0x1c]; // four enums, then the statistics
        let mut bytes = vec![0x15, 0, 0x15, low, high, 0x15, 40, 0x2c];
        bytes.extend(header.into_iter().chain(statistics).chain([0x00, 0x00]));
        bytes.extend([7; 20]);
        bytes
    }

    fn checked(bytes: &[u8], most: u64) -> Result<(), String> {
        check_in(&mut Cursor::new(bytes), bytes.len() as u64, most)
    }

    #[test]
    fn pages_add_up_and_what_is_too_much_or_cut_off_is_told() {
        let size = [0xd8, 0x04]; // 300 in zigzag: 600
        let two = [page(size), page(size)].concat();
        assert_eq!(checked(&two, 600), Ok(()));
        assert_eq!(checked(&two, 599), Err("pages of 600 bytes and more".into()));
        let first = page(size).len();
        for cut in (1..two.len()).filter(|&cut| cut != first) {
            assert_eq!(
                checked(&two[..cut], 600),
                Err("a page that runs past its column's end".into()),
                "{cut}"
            );
        }
        assert_eq!(
            checked(&[0x19, 0x05, 0x00], 9),
            Err("a page header with a field of kind 9".into()),
            "a list"
        );
        assert_eq!(checked(&[0x1c; 20], 9), Err("a page header of structs within structs".into()));
        assert_eq!(
            checked(&[0x15, 0, 0x15, 2, 0x15, 1, 0], 9),
            Err("a page header without sizes".into()),
            "-1"
        );
        assert!(checked(&[0x15; 1], 9).is_err() && checked(&[255; 40], 9).is_err());
    }
}

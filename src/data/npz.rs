//! Arrays in numpy's `.npz`: a zip archive with an `.npy` file for each, stored or deflated.
//!
//! Of zip what numpy writes: one archive, no encryption, sizes below 4 GiB in its directory. Of npy the whole numbers
//! that a data set has, in C's order. What an array declares is known ([`Array::shape`]) before a value is read; a
//! sum over the bytes (CRC-32) is checked where an array ends.
//! Formats: PKWARE's APPNOTE 6.3; <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};
use std::path::Path;

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// The end of a directory is within so many bytes of the file's: a comment is shorter.
const END: u64 = 22 + 65_535;
/// A header of an array that is longer is none.
const LONGEST_HEADER: usize = 4096;
/// A directory that is longer is none of a data set.
const LONGEST_DIRECTORY: u64 = 1 << 20;

/// The types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// u8
    Byte,
    /// Whole numbers of so many bytes, little-endian; the highest bit of a label is 0 in any case.
    Integer(usize),
}

/// An array: read its values from it.
pub(super) struct Array {
    of: Type,
    /// Lengths of its dimensions.
    pub shape: Vec<usize>,
    content: Content,
}

/// An archive's file, decompressed and counted.
struct Content {
    bytes: Box<dyn Read>,
    left: u64,
    sum: Crc,
    expected: u32,
}

fn wrong(sentence: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, sentence.into())
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// Opens the array `name` of an archive.
///
/// # Errors
/// What is wrong with the archive, in words (`InvalidData`), or the system's error.
pub(super) fn array(path: &Path, name: &str) -> io::Result<Array> {
    let mut content = content(path, &format!("{name}.npy"))?;
    let mut begin = [0; 8];
    content.read_exact(&mut begin)?;
    if begin[..6] != *b"\x93NUMPY" {
        return Err(wrong(format!("{name} is no array of numpy's")));
    }
    let mut length = [0; 4];
    let length = &mut length[..if begin[6] == 1 { 2 } else { 4 }];
    content.read_exact(length)?;
    let length = number(length) as usize;
    if length > LONGEST_HEADER {
        return Err(wrong(format!("{name} has a header of {length} bytes")));
    }
    let mut header = vec![0; length];
    content.read_exact(&mut header)?;
    let header = String::from_utf8_lossy(&header);
    let value = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, value)| value.trim_start());
    let described = || -> Option<(Type, Vec<usize>)> {
        let of = match value("descr")?.strip_prefix('\'')?.split('\'').next()? {
            "|u1" => Type::Byte,
            "<u2" | "<i2" => Type::Integer(2),
            "<u4" | "<i4" => Type::Integer(4),
            "<u8" | "<i8" => Type::Integer(8),
            _ => return None,
        };
        let (lengths, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
        let lengths = lengths.split(',').map(str::trim).filter(|length| !length.is_empty());
        let shape = lengths.map(|length| length.parse().ok()).collect::<Option<Vec<usize>>>()?;
        let in_order = value("fortran_order")?.starts_with("False");
        (in_order || shape.len() < 2).then_some((of, shape))
    };
    match described() {
        Some((of, shape)) => Ok(Array { of, shape, content }),
        None => Err(wrong(format!(
            "{name} is described as {}, and whole numbers of 8 to 64 bits in C's order are read",
            header.trim()
        ))),
    }
}

impl Array {
    /// Appends all values of an array of bytes.
    ///
    /// # Errors
    /// If it is of other numbers, or ends elsewhere than it says.
    pub fn bytes(mut self, to: &mut Vec<u8>) -> io::Result<()> {
        if self.of != Type::Byte {
            return Err(wrong("numbers of more than a byte, where bytes are expected"));
        }
        let from = to.len();
        to.resize(from + self.len(), 0);
        self.content.read_exact(&mut to[from..])?;
        self.content.end()
    }

    /// All values, each a whole number from 0.
    ///
    /// # Errors
    /// If it ends elsewhere than it says.
    pub fn integers(mut self) -> io::Result<Vec<u64>> {
        let width = match self.of {
            Type::Byte => 1,
            Type::Integer(width) => width,
        };
        let mut bytes = vec![0; self.len() * width];
        self.content.read_exact(&mut bytes)?;
        self.content.end()?;
        Ok(bytes.chunks_exact(width).map(number).collect())
    }

    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.bytes.read(&mut buffer[..most])?;
        self.sum.update(&buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

impl Content {
    /// Whether the file ended here, with the sum that the directory says.
    fn end(&mut self) -> io::Result<()> {
        if self.left > 0 || self.bytes.read(&mut [0])? > 0 {
            return Err(wrong("bytes behind the array"));
        }
        if self.sum.sum() != self.expected {
            return Err(wrong("another CRC-32 than the archive says"));
        }
        Ok(())
    }
}

/// The file `name` of an archive.
fn content(path: &Path, name: &str) -> io::Result<Content> {
    let mut file = File::open(path)?;
    let all = file.metadata()?.len();
    let entry = directory(&mut file, all)?
        .into_iter()
        .find(|entry| entry.name == name.as_bytes())
        .ok_or_else(|| wrong(format!("no {name} in the archive")))?;
    // The file's own header has a name and a field of other lengths than the directory's.
    let mut header = [0; 30];
    file.seek(SeekFrom::Start(entry.at))?;
    file.read_exact(&mut header)?;
    if header[..4] != *b"PK\x03\x04" {
        return Err(wrong(format!("no file where the directory has {name}")));
    }
    file.seek_relative((number(&header[26..28]) + number(&header[28..30])) as i64)?;
    let packed: Take<BufReader<File>> = BufReader::with_capacity(1 << 18, file).take(entry.packed);
    let bytes: Box<dyn Read> = match entry.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        other => {
            return Err(wrong(format!("{name} is compressed by method {other}, not stored or deflated")));
        }
    };
    Ok(Content { bytes, left: entry.size, sum: Crc::new(), expected: entry.sum })
}

/// An entry of the directory.
struct Entry {
    name: Vec<u8>,
    method: u64,
    sum: u32,
    packed: u64,
    size: u64,
    at: u64,
}

fn directory(file: &mut File, all: u64) -> io::Result<Vec<Entry>> {
    file.seek(SeekFrom::Start(all.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    let no_archive = || wrong("no zip archive: its directory is missing, as of a file that was cut short");
    let at = end.windows(4).rposition(|bytes| bytes == b"PK\x05\x06").ok_or_else(no_archive)?;
    let end = end[at..].get(..22).ok_or_else(no_archive)?;
    let (length, begin) = (number(&end[12..16]), number(&end[16..20]));
    if length > LONGEST_DIRECTORY || begin.checked_add(length).is_none_or(|end| end > all) {
        return Err(no_archive());
    }
    let mut bytes = vec![0; length as usize];
    file.seek(SeekFrom::Start(begin))?;
    file.read_exact(&mut bytes)?;
    let (mut rest, mut entries) = (&bytes[..], Vec::new());
    while let Some((header, behind)) = rest.split_at_checked(46).filter(|(h, _)| h[..4] == *b"PK\x01\x02") {
        let [named, extra, comment] = [28, 30, 32].map(|at| number(&header[at..at + 2]) as usize);
        let Some(name) = behind.get(..named) else { return Err(no_archive()) };
        entries.push(Entry {
            name: name.to_vec(),
            method: number(&header[10..12]),
            sum: number(&header[16..20]) as u32,
            packed: number(&header[20..24]),
            size: number(&header[24..28]),
            at: number(&header[42..46]),
        });
        rest = behind.get(named + extra + comment..).unwrap_or_default();
    }
    Ok(entries)
}

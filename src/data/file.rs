//! Opening files that may be gzipped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use md5::{Digest, Md5};

use super::DataError;
use crate::sha256::hex;

/// The file's bytes, decompressed if they are gzip. The name does not decide: browsers unpack a
/// download and keep its `.gz`.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file = BufReader::with_capacity(1 << 16, file(path)?);
    Ok(if is_gzip(path)? { Box::new(flate2::bufread::MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// Whether the file begins as gzip does.
pub(super) fn is_gzip(path: &Path) -> Result<bool, DataError> {
    let mut head = BufReader::with_capacity(16, file(path)?);
    let head =
        head.fill_buf().map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })?;
    Ok(head.starts_with(&[0x1f, 0x8b]))
}

/// MD5 of the file as it is, in hex digits.
pub(super) fn md5_of(path: &Path) -> Result<String, DataError> {
    let unreadable = |source| DataError::Unreadable { path: path.to_path_buf(), source };
    let mut reader = file(path)?;
    let (mut hash, mut buffer) = (Md5::new(), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })
}

/// What an error while reading says of the content: the file could be opened, so a cut or damaged
/// stream is the file's fault and not the system's.
pub(super) fn fault(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "an end of file before that".to_owned(),
        _ => format!("damaged contents ({error})"),
    }
}
